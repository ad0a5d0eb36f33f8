import { rfc3339, secondsOf } from '../lib/time.ts';
import { utf8 } from '../lib/wire.ts';
import type { ContextEntry } from '../model/finding.ts';
import type { RecentMemory, SensorAlert } from '../model/intake.ts';

/**
 * What ran lately, per container: a fixed slab of equal slots, a ring of them for each container. Nothing is
 * allocated per event, and nothing is decoded until a finding asks for its surroundings.
 *
 * A container is known by the first 12 characters of its id, since sensors shorten it differently. When there
 * are more containers than rings, the one that was quiet for longest gives its ring away.
 *
 *   slot   f64 seconds | u32 pid | u8 kind (1 exec, 2 alert) | u16 length of the first text | u16 of the second | texts
 */
const ID_BYTES = 12;
const HEAD = 17;
const EXEC = 1;
const ALERT = 2;

export interface RecentOptions {
  /** Containers that are remembered at the same time. */
  containers?: number;
  /** Events per container. */
  slots?: number;
  /** Bytes of one event; longer texts are cut. */
  slotBytes?: number;
  /** Hears the id, as the sensor gave it, of each container that is not remembered yet. */
  onContainer?: (id: string) => void;
}

interface Ring {
  index: number;
  next: number;
  count: number;
}

export class RecentExecs implements RecentMemory {
  private readonly slab: Buffer;
  private readonly slots: number;
  private readonly slotBytes: number;
  private readonly containers: number;
  private readonly onContainer: ((id: string) => void) | undefined;
  /** In order of their last event: the first is the quietest. */
  private readonly rings = new Map<number, Ring>();

  constructor(options: RecentOptions = {}) {
    this.containers = options.containers ?? 256;
    this.slots = options.slots ?? 32;
    this.slotBytes = options.slotBytes ?? 320;
    this.onContainer = options.onContainer;
    this.slab = Buffer.alloc(this.containers * this.slots * this.slotBytes);
  }

  exec(
    bytes: Uint8Array,
    idStart: number,
    idEnd: number,
    seconds: number,
    pid: number,
    binaryStart: number,
    binaryEnd: number,
    argumentsStart: number,
    argumentsEnd: number,
  ): void {
    if (idEnd - idStart < ID_BYTES) return;
    const key = containerKey(bytes, idStart);
    if (this.onContainer !== undefined && !this.rings.has(key)) this.onContainer(utf8(bytes, idStart, idEnd));
    const at = this.slot(key);
    this.head(at, seconds, pid, EXEC);
    const room = this.slotBytes - HEAD;
    const first = Math.min(binaryEnd - binaryStart, room);
    const second = Math.min(argumentsEnd - argumentsStart, room - first);
    this.text(at, 13, at + HEAD, bytes, binaryStart, first);
    this.text(at, 15, at + HEAD + first, bytes, argumentsStart, second);
  }

  alert(alert: SensorAlert): void {
    if (alert.container_id === undefined || alert.container_id.length < ID_BYTES) return;
    const at = this.slot(containerKey(Buffer.from(alert.container_id), 0));
    this.head(at, secondsOf(alert.time) || 0, 0, ALERT);
    const rule = Buffer.from(alert.rule);
    const output = Buffer.from(alert.output);
    const first = Math.min(rule.length, 120, this.slotBytes - HEAD);
    const second = Math.min(output.length, this.slotBytes - HEAD - first);
    this.text(at, 13, at + HEAD, rule, 0, first);
    this.text(at, 15, at + HEAD + first, output, 0, second);
  }

  /** What happened in the container from `seconds` on or before `until`, oldest first, at most `limit`, the latest kept. */
  around(containerId: string, from: number, until: number, limit: number): ContextEntry[] {
    if (containerId.length < ID_BYTES) return [];
    const ring = this.rings.get(containerKey(Buffer.from(containerId), 0));
    if (ring === undefined) return [];
    const found: { seconds: number; entry: ContextEntry }[] = [];
    for (let i = 0; i < ring.count; i += 1) {
      const at = (ring.index * this.slots + i) * this.slotBytes;
      const seconds = this.slab.readDoubleLE(at);
      if (seconds >= from && seconds <= until) found.push({ seconds, entry: this.entry(at, seconds) });
    }
    found.sort((a, b) => a.seconds - b.seconds);
    return found.slice(-limit).map(({ entry }) => entry);
  }

  private entry(at: number, seconds: number): ContextEntry {
    const whole = Math.floor(seconds);
    const time = rfc3339(whole, Math.round((seconds - whole) * 1e9) % 1e9);
    const split = at + HEAD + this.slab.readUInt16LE(at + 13);
    const first = utf8(this.slab, at + HEAD, split);
    const second = utf8(this.slab, split, split + this.slab.readUInt16LE(at + 15));
    if (this.slab[at + 12] === ALERT) return { time, kind: 'alert', rule: first, text: second };
    const pid = this.slab.readUInt32LE(at + 8);
    return {
      time,
      kind: 'exec',
      text: second === '' ? first : `${first} ${second}`,
      ...(pid > 0 && { pid }),
    };
  }

  /** The slot for the container's next event. */
  private slot(key: number): number {
    let ring = this.rings.get(key);
    if (ring === undefined) ring = this.freeRing();
    else this.rings.delete(key);
    this.rings.set(key, ring);
    const at = (ring.index * this.slots + ring.next) * this.slotBytes;
    ring.next = (ring.next + 1) % this.slots;
    if (ring.count < this.slots) ring.count += 1;
    return at;
  }

  private freeRing(): Ring {
    if (this.rings.size < this.containers) return { index: this.rings.size, next: 0, count: 0 };
    const [quietest, ring] = this.rings.entries().next().value!;
    this.rings.delete(quietest);
    return { index: ring.index, next: 0, count: 0 };
  }

  private head(at: number, seconds: number, pid: number, kind: number): void {
    this.slab.writeDoubleLE(seconds, at);
    this.slab.writeUInt32LE(pid >>> 0, at + 8);
    this.slab[at + 12] = kind;
  }

  private text(
    at: number,
    lengthAt: number,
    to: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): void {
    this.slab.writeUInt16LE(length, at + lengthAt);
    for (let i = 0; i < length; i += 1) this.slab[to + i] = bytes[from + i]!;
  }
}

/**
 * The first 12 hexadecimal digits as one number below 2^48: exact, and no string. What is no hexadecimal digit
 * is taken by its low bits.
 */
function containerKey(bytes: Uint8Array, start: number): number {
  let key = 0;
  for (let i = start; i < start + ID_BYTES; i += 1) {
    const byte = bytes[i]!;
    key = key * 16 + (byte > 57 ? (byte + 9) & 15 : byte & 15);
  }
  return key;
}
