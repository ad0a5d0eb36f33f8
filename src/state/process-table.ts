import { copyBytes, hashBytes, sameBytes, viewOf } from '../lib/bytes.ts';
import type { ProcessMemory } from '../model/intake.ts';

/**
 * Which processes ran, so that a finding can name its ancestors when the sensor sends only the parent.
 *
 *   ring    [ record | record | … ]   bytes preallocated once; the oldest record makes room for the newest
 *   index   open addressing, linear probing: hash of the key -> [ offset of its record | hash | … ]
 *
 *   record  u32 length | u32 hash | f64 seconds | f64 ended (0: not known to have ended) | u8 wanted |
 *           u16 key length | u16 parent length | u32 payload | u32 key | u32 parent | texts
 *
 *   payload, key and parent are where each begins in the record; the payload ends it. Key and parent may be parts
 *   of the payload: what is kept of a message names them anyway.
 *
 * Invariants: every record between `tail` and `head` is whole and contiguous; every one is found in the index
 * by exactly one slot; bytes and count never exceed their bounds.
 *
 * A record that was wanted since it was last written (a child named it as parent) moves to the head once
 * instead of being forgotten, and hands the wish on to its own parent: that is how a server started a week ago
 * outlasts a storm of short-lived children. One that ended more than `lateSeconds` of event time ago does not
 * move; until then late events still find it. All time is event time.
 */

const HEADER = 41;
/** Bounds the work of one `put`; beyond it even a wanted record is forgotten. */
const MAX_MOVES = 4;

export interface ProcessTableOptions {
  /** Bound on all records, in bytes. */
  maxBytes?: number;
  /** Bound on the number of records. */
  maxEntries?: number;
  /** How long an ended process can still be asked for; covers the disorder of a sensor's stream. */
  lateSeconds?: number;
}

export class ProcessTable implements ProcessMemory {
  private readonly ring: Uint8Array;
  private readonly view: DataView;
  private readonly index: Int32Array;
  /** Slots have even numbers. */
  private readonly mask: number;
  private readonly maxEntries: number;
  private readonly lateSeconds: number;
  private head = 0;
  private tail = 0;
  /** Where the ring was cut because a record would not have fitted before its end; `ring.length` if nowhere. */
  private cut: number;
  private now = 0;
  /** The record that was touched last: siblings come in a row. -1: it is gone. */
  private touched = -1;
  /** Records that are kept. */
  entries = 0;
  /** Bytes of these records. */
  bytes = 0;
  /** Records forgotten to make room. */
  evicted = 0;

  constructor(options: ProcessTableOptions = {}) {
    const maxBytes = options.maxBytes ?? 8 * 1024 * 1024;
    this.maxEntries = options.maxEntries ?? 32_768;
    this.lateSeconds = options.lateSeconds ?? 30;
    this.ring = new Uint8Array(maxBytes);
    this.view = new DataView(this.ring.buffer);
    this.cut = maxBytes;
    let slots = 16;
    while (slots < this.maxEntries * 2) slots *= 2;
    this.index = new Int32Array(slots * 2).fill(-1);
    this.mask = slots * 2 - 2;
  }

  put(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    parentStart: number,
    parentEnd: number,
    seconds: number,
    payload: Uint8Array,
    length: number,
  ): boolean {
    const known = this.touch(bytes, parentStart, parentEnd);
    const key = keyEnd - keyStart;
    const parent = parentEnd - parentStart;
    const at = this.claim(bytes, keyStart, keyEnd, parent, seconds, key + parent + length);
    if (at < 0) return known;
    this.place(at, HEADER + key + parent, HEADER, HEADER + key);
    copyBytes(bytes, keyStart, keyEnd, this.ring, this.view, at + HEADER);
    copyBytes(bytes, parentStart, parentEnd, this.ring, this.view, at + HEADER + key);
    copyBytes(payload, 0, length, this.ring, this.view, at + HEADER + key + parent);
    return known;
  }

  putPieces(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    parentStart: number,
    parentEnd: number,
    seconds: number,
    pieces: Int32Array,
    count: number,
  ): boolean {
    const known = this.touch(bytes, parentStart, parentEnd);
    let length = 0;
    let key = 0;
    let parent = 0;
    for (let i = 0; i < count * 2; i += 2) {
      const from = pieces[i]!;
      const to = pieces[i + 1]!;
      if (keyStart >= from && keyEnd <= to) key = HEADER + length + keyStart - from;
      if (parentStart >= from && parentEnd <= to) parent = HEADER + length + parentStart - from;
      length += to - from;
    }
    const at = this.claim(bytes, keyStart, keyEnd, parentEnd - parentStart, seconds, length);
    if (at < 0) return known;
    this.place(at, HEADER, key, parent);
    let to = at + HEADER;
    for (let i = 0; i < count * 2; i += 2) {
      copyBytes(bytes, pieces[i]!, pieces[i + 1]!, this.ring, this.view, to);
      to += pieces[i + 1]! - pieces[i]!;
    }
    return known;
  }

  /** Makes room for a record and writes its head; gives its offset, or -1 if the key is known or nothing fits. */
  private claim(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    parentLength: number,
    seconds: number,
    length: number,
  ): number {
    const keyLength = keyEnd - keyStart;
    const size = HEADER + length;
    if (keyLength === 0 || keyLength > 0xffff || parentLength > 0xffff || size > this.ring.length / 4)
      return -1;
    if (seconds > this.now) this.now = seconds;
    const from = viewOf(bytes);
    const hash = hashOf(from, keyStart, keyEnd);
    if (this.slotOf(hash, from, keyStart, keyEnd) >= 0) return -1;
    if (this.entries >= this.maxEntries || !this.fits(size)) this.makeRoom(size);
    const at = this.reserve(size);
    const view = this.view;
    view.setUint32(at, size);
    view.setUint32(at + 4, hash);
    view.setFloat64(at + 8, seconds);
    view.setFloat64(at + 16, 0);
    view.setUint8(at + 24, 0);
    view.setUint16(at + 25, keyLength);
    view.setUint16(at + 27, parentLength);
    this.link(hash, at, size);
    return at;
  }

  private place(at: number, payload: number, key: number, parent: number): void {
    this.view.setUint32(at + 29, payload);
    this.view.setUint32(at + 33, key);
    this.view.setUint32(at + 37, parent);
  }

  touch(bytes: Uint8Array, keyStart: number, keyEnd: number): boolean {
    return this.touchKey(viewOf(bytes), keyStart, keyEnd);
  }

  private touchKey(bytes: DataView, keyStart: number, keyEnd: number): boolean {
    if (keyEnd === keyStart) return false;
    if (this.touched < 0 || !this.sameKey(this.touched, bytes, keyStart, keyEnd)) {
      const slot = this.slotOf(hashOf(bytes, keyStart, keyEnd), bytes, keyStart, keyEnd);
      if (slot < 0) return false;
      this.touched = this.index[slot]!;
    }
    this.view.setUint8(this.touched + 24, 1);
    return true;
  }

  exit(bytes: Uint8Array, keyStart: number, keyEnd: number, seconds: number): void {
    if (seconds > this.now) this.now = seconds;
    const from = viewOf(bytes);
    const slot = this.slotOf(hashOf(from, keyStart, keyEnd), from, keyStart, keyEnd);
    if (slot >= 0) this.view.setFloat64(this.index[slot]! + 16, seconds);
  }

  get(key: Uint8Array): { payload: Buffer; parent: Buffer; seconds: number } | undefined {
    const from = viewOf(key);
    const slot = this.slotOf(hashOf(from, 0, key.length), from, 0, key.length);
    if (slot < 0) return undefined;
    const at = this.index[slot]!;
    const { view, ring } = this;
    const parent = at + view.getUint32(at + 37);
    return {
      parent: Buffer.from(ring.subarray(parent, parent + view.getUint16(at + 27))),
      payload: Buffer.from(ring.subarray(at + view.getUint32(at + 29), at + view.getUint32(at))),
      seconds: view.getFloat64(at + 8),
    };
  }

  /** Frees the oldest records until `size` contiguous bytes and one more entry fit. */
  private makeRoom(size: number): void {
    let moves = 0;
    while (this.entries >= this.maxEntries || !this.fits(size)) {
      if (this.dropOldest(moves < MAX_MOVES)) moves += 1;
    }
  }

  private fits(size: number): boolean {
    if (this.entries === 0) return true;
    if (this.head > this.tail) return this.ring.length - this.head >= size || this.tail >= size;
    return this.tail - this.head >= size;
  }

  private reserve(size: number): number {
    if (this.head >= this.tail && this.ring.length - this.head < size) {
      this.cut = this.head;
      this.head = 0;
    }
    const at = this.head;
    this.head += size;
    return at;
  }

  /** Takes the oldest record away; true if it was moved to the head instead of forgotten. */
  private dropOldest(mayMove: boolean): boolean {
    const at = this.tail;
    const { view, ring } = this;
    const size = view.getUint32(at);
    const hash = view.getUint32(at + 4);
    const ended = view.getFloat64(at + 16);
    const wanted =
      mayMove && view.getUint8(at + 24) === 1 && (ended === 0 || this.now - ended <= this.lateSeconds);
    this.unlink(hash, at, size);
    if (this.touched === at) this.touched = -1;
    this.tail += size;
    if (this.tail >= this.cut || this.entries === 0) {
      this.tail = 0;
      this.cut = ring.length;
    }
    if (this.entries === 0) this.head = 0;
    if (!wanted) {
      this.evicted += 1;
      return false;
    }
    // The place it left is free and contiguous with the rest, so a moved record always fits; they may overlap.
    const to = this.reserve(size);
    ring.copyWithin(to, at, at + size);
    view.setUint8(to + 24, 0);
    this.link(hash, to, size);
    const parent = to + view.getUint32(to + 37);
    this.touchKey(view, parent, parent + view.getUint16(to + 27));
    return true;
  }

  private link(hash: number, at: number, size: number): void {
    const { index, mask } = this;
    let slot = (hash << 1) & mask;
    while (index[slot]! >= 0) slot = (slot + 2) & mask;
    index[slot] = at;
    index[slot + 1] = hash;
    this.entries += 1;
    this.bytes += size;
  }

  /** Empties the slot and moves later ones of the same run back, so that no probe ever stops too early. */
  private unlink(hash: number, at: number, size: number): void {
    const { index, mask } = this;
    let hole = (hash << 1) & mask;
    while (index[hole] !== at) hole = (hole + 2) & mask;
    let probe = (hole + 2) & mask;
    while (index[probe]! >= 0) {
      const home = (index[probe + 1]! << 1) & mask;
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        index[hole] = index[probe]!;
        index[hole + 1] = index[probe + 1]!;
        hole = probe;
      }
      probe = (probe + 2) & mask;
    }
    index[hole] = -1;
    this.entries -= 1;
    this.bytes -= size;
  }

  private slotOf(hash: number, bytes: DataView, start: number, end: number): number {
    const { index, mask } = this;
    let slot = (hash << 1) & mask;
    for (;;) {
      const at = index[slot]!;
      if (at < 0) return -1;
      if (index[slot + 1] === hash && this.sameKey(at, bytes, start, end)) return slot;
      slot = (slot + 2) & mask;
    }
  }

  private sameKey(at: number, bytes: DataView, start: number, end: number): boolean {
    const { view } = this;
    if (view.getUint16(at + 25) !== end - start) return false;
    return sameBytes(view, at + view.getUint32(at + 33), bytes, start, end);
  }
}

/** How many bytes at a key's end are hashed: keys begin alike (a node's name, a container) and differ at their end. */
const HASHED = 24;

function hashOf(bytes: DataView, start: number, end: number): number {
  return hashBytes(bytes, end - start > HASHED ? end - HASHED : start, end);
}
