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
const slotByHash = new Map(encoded.map((name, index) => [hashOf(name, 0, name.length), index]));
const openingBrace = 0x7b;
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

  function readEntry(message: Buffer, start: number, end: number): void {
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
    if (index >= 0 && isKnown(message, from, to)) {
      spans.at[index * 2] = from;
      spans.at[index * 2 + 1] = to;
    }
  }

  return (message) => {
    clear(spans, message);
    walk.reset(message, 0, message.length);
    while (walk.next()) {
      if (walk.type !== 2) continue;
      const { field, start, end } = walk;
      if (field === responseFields.output_fields) readEntry(message, start, end);
      else if (field === responseFields.time) {
        const time = timestampParts(message, start, end);
        spans.seconds = time.seconds;
        spans.nanos = time.nanos;
      } else if (field === responseFields.output) spans.jsonOutput = message[start] === openingBrace;
      else if (field === responseFields.source) spans.internal = equals(message, start, end, internalSource);
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

function clear(spans: FieldSpans, bytes: Buffer): void {
  spans.bytes = bytes;
  spans.at.fill(0);
  spans.seconds = 0;
  spans.nanos = 0;
  spans.internal = false;
  spans.jsonOutput = false;
}

function equals(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i += 1) if (bytes[start + i] !== text[i]) return false;
  return true;
}

/** Not empty and not `<NA>`. */
function isKnown(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== 4) return end > start;
  return !(
    bytes[start] === 0x3c &&
    bytes[start + 1] === 0x4e &&
    bytes[start + 2] === 0x41 &&
    bytes[start + 3] === 0x3e
  );
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const index = slotByHash.get(hashOf(bytes, start, end));
  return index !== undefined && equals(bytes, start, end, encoded[index]!) ? index : -1;
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}
