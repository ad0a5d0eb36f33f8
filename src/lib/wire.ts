/**
 * Walking protobuf bytes without building objects. Bytes are never trusted: whatever runs past the end or
 * nests wrongly throws a WireError, and nothing is read outside the given range.
 */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}

/**
 * A position in bytes. `next` steps to the next field and leaves its number in `field`, its wire type in
 * `type`, and its value in `start`/`end` (length-delimited and fixed) or `value` (varint; exact up to 2^53).
 */
export class Walk {
  bytes: Uint8Array;
  pos: number;
  limit: number;
  field = 0;
  type = 0;
  /** Where the field's tag begins: `[tag, end)` is the whole field. */
  tag = 0;
  start = 0;
  end = 0;
  value = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.pos = start;
    this.limit = end;
  }

  /** Starts over on another range, without an allocation. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.pos = start;
    this.limit = end;
  }

  private varint(): number {
    const bytes = this.bytes;
    let pos = this.pos;
    let byte = pos < this.limit ? bytes[pos++]! : 256;
    if (byte < 128) {
      this.pos = pos;
      return byte;
    }
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      if (byte === 256) throw new WireError('varint runs past the end');
      value += (byte & 127) * scale;
      if (byte < 128) {
        this.pos = pos;
        return value;
      }
      scale *= 128;
      byte = pos < this.limit ? bytes[pos++]! : 256;
    }
    throw new WireError('varint is longer than ten bytes');
  }

  /** False at the end of the range. */
  next(): boolean {
    if (this.pos >= this.limit) return false;
    this.tag = this.pos;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.type = tag & 7;
    if (this.field === 0) throw new WireError('field number 0');
    switch (this.type) {
      case 0:
        this.start = this.pos;
        this.value = this.varint();
        this.end = this.pos;
        return true;
      case 1:
        return this.span(8);
      case 2:
        return this.span(this.varint());
      case 5:
        return this.span(4);
      default:
        throw new WireError(`wire type ${this.type}`);
    }
  }

  private span(length: number): boolean {
    this.start = this.pos;
    this.end = this.pos + length;
    if (this.end > this.limit) throw new WireError('field runs past the end');
    this.pos = this.end;
    return true;
  }
}

/** The bytes as UTF-8, invalid ones as U+FFFD: a strict decoder would reject exactly the hostile message. */
export function utf8(bytes: Uint8Array, start: number, end: number): string {
  if (bytes instanceof Buffer) return bytes.toString('utf8', start, end);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** The value of a google.protobuf wrapper (UInt32Value, BoolValue …); 0 where it is left out. */
export function wrappedNumber(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 2 && bytes[start] === 8 && bytes[start + 1]! < 128) return bytes[start + 1]!;
  return numberIn(bytes, start, end, 1);
}

/** The last value of a number field; 0 where it is left out. */
function numberIn(bytes: Uint8Array, start: number, end: number, field: number): number {
  // One after the other as Go writes them, each with its tag in one byte.
  let found = 0;
  let pos = start;
  while (pos + 1 < end) {
    const key = bytes[pos]!;
    if ((key & 7) !== 0 || key < 8 || key > 127) break;
    let value = 0;
    let scale = 1;
    let at = pos + 1;
    while (at < end && at < pos + 8 && bytes[at]! > 127) {
      value += (bytes[at++]! & 127) * scale;
      scale *= 128;
    }
    if (at === end || bytes[at]! > 127) break;
    if (key >>> 3 === field) found = value + bytes[at]! * scale;
    pos = at + 1;
  }
  return pos === end ? found : walkedNumber(bytes, start, end, field);
}

function walkedNumber(bytes: Uint8Array, start: number, end: number, field: number): number {
  const walk = new Walk(bytes, start, end);
  let value = 0;
  while (walk.next()) if (walk.field === field && walk.type === 0) value = walk.value;
  return value;
}

/** A google.protobuf.Timestamp's seconds and nanoseconds. */
export function timestampParts(
  bytes: Uint8Array,
  start: number,
  end: number,
): { seconds: number; nanos: number } {
  return { seconds: numberIn(bytes, start, end, 1), nanos: numberIn(bytes, start, end, 2) };
}

/** The same as one number of seconds, exact to about a microsecond. */
export function timestampSeconds(bytes: Uint8Array, start: number, end: number): number {
  // Both in one pass, since every event has one: twice as quick.
  let seconds = 0;
  let nanos = 0;
  let pos = start;
  while (pos + 1 < end) {
    const key = bytes[pos]!;
    if (key !== 8 && key !== 16) break;
    let at = pos + 1;
    let value = 0;
    let scale = 1;
    while (at < end && at < pos + 8 && bytes[at]! > 127) {
      value += (bytes[at++]! & 127) * scale;
      scale *= 128;
    }
    if (at === end || bytes[at]! > 127) break;
    value += bytes[at]! * scale;
    if (key === 8) seconds = value;
    else nanos = value;
    pos = at + 1;
  }
  if (pos === end) return seconds + nanos / 1e9;
  return numberIn(bytes, start, end, 1) + numberIn(bytes, start, end, 2) / 1e9;
}
