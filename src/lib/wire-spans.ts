import { Walk } from './wire.ts';

/** Fields above this number are left out. */
const FIELDS = 32;

/**
 * Where the length-delimited fields below 32 of one protobuf message lie: read in one pass over their heads, no
 * object built, nothing allocated. Of a field that comes twice the last counts, as for any reader. Throws a
 * WireError for bytes that are no message.
 */
export class WireSpans {
  /** For each field its tag, start and end; 0 where the field is not there. */
  private readonly at = new Int32Array(FIELDS * 3);
  /** Fields whose places in `at` are not 0. */
  private filled = 0;
  private readonly walk = new Walk(new Uint8Array(0));
  /** A bit for each field that is there. */
  present = 0;

  read(bytes: Uint8Array, from: number, to: number): void {
    this.present = 0;
    const left = this.readPlain(bytes, from, to);
    if (left < to) this.readAny(bytes, left, to);
    const stale = this.filled & ~this.present;
    if (stale !== 0) this.clear(stale);
  }

  private clear(fields: number): void {
    for (let left = fields; left !== 0; left &= left - 1) {
      const slot = (31 - Math.clz32(left & -left)) * 3;
      this.at.fill(0, slot, slot + 3);
    }
    this.filled &= ~fields;
  }

  /** Heads of one or two bytes of tag and of length are nearly all there are; gives where another begins. */
  private readPlain(bytes: Uint8Array, from: number, to: number): number {
    const at = this.at;
    let present = 0;
    let pos = from;
    let tag = from;
    while (pos + 2 <= to) {
      let key = bytes[pos++]!;
      if (key > 127) {
        const high = bytes[pos++]!;
        if (high > 127 || pos === to) break;
        key = (key & 127) | (high << 7);
      }
      let length = bytes[pos++]!;
      if (length > 127) {
        if (pos === to) break;
        const high = bytes[pos++]!;
        if (high > 127) break;
        length = (length & 127) | (high << 7);
      }
      const field = key >>> 3;
      const type = key & 7;
      if (field === 0 || (type !== 0 && type !== 2)) break;
      // A number's value is where another field's length is.
      const end = type === 0 ? pos : pos + length;
      if (end > to) break;
      if (type === 2 && field < FIELDS) {
        const slot = field * 3;
        at[slot] = tag;
        at[slot + 1] = pos;
        at[slot + 2] = end;
        present |= 1 << field;
      }
      pos = end;
      tag = end;
    }
    this.present = present;
    this.filled |= present;
    return tag;
  }

  private readAny(bytes: Uint8Array, from: number, to: number): void {
    const { walk, at } = this;
    walk.reset(bytes, from, to);
    while (walk.next()) {
      if (walk.type !== 2 || walk.field >= FIELDS) continue;
      const slot = walk.field * 3;
      at[slot] = walk.tag;
      at[slot + 1] = walk.start;
      at[slot + 2] = walk.end;
      this.present |= 1 << walk.field;
      this.filled |= 1 << walk.field;
    }
  }

  has(field: number): boolean {
    return (this.present & (1 << field)) !== 0;
  }
  /** 0 where the field is not there. */
  tag(field: number): number {
    return this.at[field * 3]!;
  }
  start(field: number): number {
    return this.at[field * 3 + 1]!;
  }
  end(field: number): number {
    return this.at[field * 3 + 2]!;
  }
  length(field: number): number {
    const slot = field * 3;
    return this.at[slot + 2]! - this.at[slot + 1]!;
  }
}
