import { timestampParts, Walk } from '../../lib/wire.ts';
import { outputsResponseFields as responseFields } from './fields.ts';
import type { FalcoAlert } from './message.ts';
import { type EarlyField, earlyFields } from './output-fields.ts';

/** Index of each early field; times two it is the place of its start in `FieldSpans.at`. */
export const slot = Object.fromEntries(earlyFields.map((name, index) => [name, index])) as Record<
  EarlyField,
  number
>;

const encoded = earlyFields.map((name) => Buffer.from(name));
const slotByHash = new Int8Array(256).fill(-1);
for (const [index, name] of encoded.entries()) {
  // The table is right only while no two names share a place; a new name that does needs other factors.
  const place = hashOf(name, 0, name.length);
  if (slotByHash[place] !== -1) throw new Error(`${earlyFields[index]} collides in the table of field names`);
  slotByHash[place] = index;
}
const openingBrace = 0x7b;
const outputFieldTag = (responseFields.output_fields << 3) | 2;
const internalSource = Buffer.from('internal');

/**
 * Where the early fields lie in one message's bytes. Built anew for each message without an allocation: a busy
 * node's irrelevant execs never become objects.
 */
export interface FieldSpans {
  bytes: Buffer;
  /** Start and end of each early field; both 0 where the value is unknown. */
  at: Int32Array;
  /** Event time in whole seconds since the epoch. */
  seconds: number;
  nanos: number;
  /** The message is Falco speaking of itself. */
  internal: boolean;
  /** gRPC only: `output` is a JSON document. */
  jsonOutput: boolean;
}

/** Spans of nothing. */
export function newSpans(): FieldSpans {
  return {
    bytes: Buffer.alloc(0),
    at: new Int32Array(earlyFields.length * 2),
    seconds: 0,
    nanos: 0,
    internal: false,
    jsonOutput: false,
  };
}

/** Fills spans from messages of `falco.outputs.response`. The function it gives throws WireError for other bytes. */
export function messageScanner(spans: FieldSpans): (message: Buffer) => void {
  const walk = new Walk(spans.bytes);
  const entry = new Walk(spans.bytes);

  function keep(message: Buffer, index: number, from: number, to: number): void {
    if (index < 0 || !isKnown(message, from, to)) return;
    spans.at[index * 2] = from;
    spans.at[index * 2 + 1] = to;
  }

  /** An entry as every encoder writes it: key, then value, each with its tag. False if it is written otherwise. */
  function readPlainEntry(message: Buffer, start: number, end: number): boolean {
    const keyFrom = start + 2;
    const keyTo = keyFrom + message[start + 1]!;
    if (end - start < 4 || message[start] !== 0x0a || message[start + 1]! > 127) return false;
    if (keyTo + 2 > end || message[keyTo] !== 0x12) return false;
    let from = keyTo + 2;
    let length = message[keyTo + 1]!;
    if (length > 127) {
      const high = message[from++]!;
      if (high > 127) return false;
      length = (length & 127) | (high << 7);
    }
    if (from + length !== end) return false;
    keep(message, slotOf(message, keyFrom, keyTo), from, end);
    return true;
  }

  function readEntry(message: Buffer, start: number, end: number): void {
    if (readPlainEntry(message, start, end)) return;
    let index = -1;
    let from = 0;
    let to = 0;
    entry.reset(message, start, end);
    while (entry.next()) {
      if (entry.type !== 2) continue;
      if (entry.field === 1) index = slotOf(message, entry.start, entry.end);
      else if (entry.field === 2) {
        from = entry.start;
        to = entry.end;
      }
    }
    keep(message, index, from, to);
  }

  /** Reads the field at `pos` by the book; gives where the next one begins. */
  function readField(message: Buffer, pos: number): number {
    walk.reset(message, pos, message.length);
    walk.next();
    if (walk.type !== 2) return walk.pos;
    const { field, start, end } = walk;
    if (field === responseFields.output_fields) readEntry(message, start, end);
    else if (field === responseFields.time) {
      const time = timestampParts(message, start, end);
      spans.seconds = time.seconds;
      spans.nanos = time.nanos;
    } else if (field === responseFields.output) spans.jsonOutput = message[start] === openingBrace;
    else if (field === responseFields.source) spans.internal = equals(message, start, end, internalSource);
    return end;
  }

  return (message) => {
    clear(spans, message);
    const { length } = message;
    for (let pos = 0; pos < length; ) {
      // Nearly all fields are output fields below 128 bytes: those cost no call of the walk.
      const size = message[pos + 1]!;
      const end = pos + 2 + size;
      if (
        message[pos] === outputFieldTag &&
        size < 128 &&
        end <= length &&
        readPlainEntry(message, pos + 2, end)
      )
        pos = end;
      else pos = readField(message, pos);
    }
  };
}

/** Fills spans from alerts that were read already (the JSON form), so that both forms take the same way. */
export function alertScanner(spans: FieldSpans): (alert: FalcoAlert) => void {
  let scratch = Buffer.alloc(16 * 1024);
  return (alert) => {
    let needed = 0;
    for (const name of earlyFields) needed += (alert.fields.get(name)?.length ?? 0) * 3;
    if (needed > scratch.length) scratch = Buffer.alloc(needed * 2);
    clear(spans, scratch);
    let end = 0;
    for (let index = 0; index < earlyFields.length; index += 1) {
      const value = alert.fields.get(earlyFields[index]!);
      if (value === undefined) continue;
      spans.at[index * 2] = end;
      end += scratch.write(value, end);
      spans.at[index * 2 + 1] = end;
    }
    spans.internal = alert.source === 'internal';
    const seconds = Date.parse(`${alert.time.slice(0, 19)}Z`) / 1000;
    spans.seconds = Number.isNaN(seconds) ? 0 : seconds;
    spans.nanos = Number(alert.time.slice(20, 29)) || 0;
  };
}

/** True if the field's value is known. */
export function has(spans: FieldSpans, index: number): boolean {
  return spans.at[index * 2 + 1]! > spans.at[index * 2]!;
}

/** True if the field's value is `text`. */
export function valueIs(spans: FieldSpans, index: number, text: Uint8Array): boolean {
  return equals(spans.bytes, spans.at[index * 2]!, spans.at[index * 2 + 1]!, text);
}

/** Begins with another message. */
export function clear(spans: FieldSpans, bytes: Buffer): void {
  spans.bytes = bytes;
  spans.at.fill(0);
  spans.seconds = 0;
  spans.nanos = 0;
  spans.internal = false;
  spans.jsonOutput = false;
}

/** True if `bytes[start..end)` is `text`. */
export function equals(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i += 1) if (bytes[start + i] !== text[i]) return false;
  return true;
}

/** Not empty and not `<NA>`. */
export function isKnown(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== 4) return end > start;
  return !(
    bytes[start] === 0x3c &&
    bytes[start + 1] === 0x4e &&
    bytes[start + 2] === 0x41 &&
    bytes[start + 3] === 0x3e
  );
}

/** The early field of this name; negative if it is none. */
export function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const index = slotByHash[hashOf(bytes, start, end)]!;
  return index >= 0 && equals(bytes, start, end, encoded[index]!) ? index : -1;
}

/** A place from 0 to 255. The factors were searched for so that no two early fields share one. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 6) return 0;
  return (
    (length * 67 + bytes[start]! * 10 + bytes[start + 5]! * 4 + bytes[end - 1]! * 18 + bytes[end - 3]!) & 255
  );
}
