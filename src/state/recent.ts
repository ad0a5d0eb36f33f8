import { copyBytes } from '../lib/bytes.ts';
import { rfc3339, secondsOf } from '../lib/time.ts';
import { utf8 } from '../lib/wire.ts';
import type { ContextEntry } from '../model/finding.ts';
import type { RecentMemory, SensorAlert } from '../model/intake.ts';
import { ContainerSlots, ID_BYTES } from './container-slots.ts';

/**
 * What ran lately, per container: a fixed slab of equal slots, a ring of them for each container. Nothing is
 * allocated per event, and nothing is decoded until a finding asks for its surroundings.
 *
 * A container is known by the first 12 characters of its id, since sensors shorten it differently. When there
 * are more containers than rings, the one that was quiet for longest gives its ring away.
 *
 *   slot   f64 seconds | u32 pid | u8 kind (1 exec, 2 alert) | u16 length of the first text | u16 of the second | texts
 */
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

export class RecentExecs implements RecentMemory {
  private readonly slab: Buffer;
  private readonly view: DataView;
  private readonly slots: number;
  private readonly slotBytes: number;
  private readonly onContainer: ((id: string) => void) | undefined;
  private readonly rings: ContainerSlots;
  /** For each ring the slot of its next event, and how many it holds. */
  private readonly next: Int32Array;
  private readonly count: Int32Array;

  constructor(options: RecentOptions = {}) {
    const containers = options.containers ?? 256;
    this.slots = options.slots ?? 32;
    this.slotBytes = options.slotBytes ?? 320;
    this.onContainer = options.onContainer;
    this.slab = Buffer.alloc(containers * this.slots * this.slotBytes);
    this.view = new DataView(this.slab.buffer, this.slab.byteOffset, this.slab.length);
    this.rings = new ContainerSlots(containers);
    this.next = new Int32Array(containers);
    this.count = new Int32Array(containers);
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
    let ring = this.rings.find(bytes, idStart);
    if (ring < 0) {
      ring = this.open();
      this.onContainer?.(utf8(bytes, idStart, idEnd));
    }
    const at = this.slot(ring);
    this.head(at, seconds, pid, EXEC);
    const room = this.slotBytes - HEAD;
    const first = Math.min(binaryEnd - binaryStart, room);
    const second = Math.min(argumentsEnd - argumentsStart, room - first);
    this.text(at, 13, at + HEAD, bytes, binaryStart, first);
    this.text(at, 15, at + HEAD + first, bytes, argumentsStart, second);
  }

  alert(alert: SensorAlert): void {
    if (alert.container_id === undefined || alert.container_id.length < ID_BYTES) return;
    const ring = this.rings.find(Buffer.from(alert.container_id), 0);
    const at = this.slot(ring < 0 ? this.open() : ring);
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
    const ring = this.rings.find(Buffer.from(containerId), 0);
    if (ring < 0) return [];
    const found: { seconds: number; entry: ContextEntry }[] = [];
    for (let i = 0; i < this.count[ring]!; i += 1) {
      const at = (ring * this.slots + i) * this.slotBytes;
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

  /** A ring for the container that was just looked for. */
  private open(): number {
    const ring = this.rings.take();
    this.next[ring] = 0;
    this.count[ring] = 0;
    return ring;
  }

  /** Where the ring's next event belongs. */
  private slot(ring: number): number {
    this.rings.use(ring);
    const next = this.next[ring]!;
    this.next[ring] = next + 1 === this.slots ? 0 : next + 1;
    if (this.count[ring]! < this.slots) this.count[ring] = this.count[ring]! + 1;
    return (ring * this.slots + next) * this.slotBytes;
  }

  private head(at: number, seconds: number, pid: number, kind: number): void {
    this.view.setFloat64(at, seconds, true);
    this.view.setUint32(at + 8, pid, true);
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
    this.view.setUint16(at + lengthAt, length, true);
    copyBytes(bytes, from, from + length, this.slab, this.view, to);
  }
}
