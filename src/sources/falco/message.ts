import { normalizeTime, rfc3339 } from '../../lib/time.ts';
import { timestampParts, utf8, Walk } from '../../lib/wire.ts';
import { outputsResponseFields as responseFields } from './fields.ts';

/** One message of Falco, whatever brought it: gRPC, an HTTP body, a line of a file, falcosidekick's webhook. */
export interface FalcoAlert {
  /** RFC 3339 in UTC with nine fractional digits; empty if the message has none. */
  time: string;
  rule: string;
  /** As Falco's JSON spells it: `Emergency` … `Debug`. */
  priority: string;
  /** `syscall`, `internal`, or a plugin's. */
  source: string;
  hostname: string;
  tags: string[];
  output: string;
  /**
   * Output fields whose value is known. Numbers as Falco wrote them, digit for digit, booleans as `true` and
   * `false`; null, "", and "<NA>" are left out: with Falco they all mean unknown.
   */
  fields: Map<string, string>;
}

/** The document is JSON and not what Falco sends. */
export class NotFalcoError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotFalcoError';
  }
}

const priorities = ['Emergency', 'Alert', 'Critical', 'Error', 'Warning', 'Notice', 'Informational', 'Debug'];

const unknown = '<NA>';

/** Reads a `falco.outputs.response`. Invalid UTF-8 becomes U+FFFD; bytes that are no protobuf throw WireError. */
export function decodeAlert(bytes: Uint8Array): FalcoAlert {
  const alert: FalcoAlert = {
    time: '',
    rule: '',
    priority: priorities[0]!,
    source: '',
    hostname: '',
    tags: [],
    output: '',
    fields: new Map(),
  };
  const walk = new Walk(bytes);
  while (walk.next()) {
    const { field, type, start, end } = walk;
    if (field === responseFields.priority && type === 0)
      alert.priority = priorities[walk.value] ?? String(walk.value);
    if (type !== 2) continue;
    if (field === responseFields.time) alert.time = timeOf(bytes, start, end);
    else if (field === responseFields.rule) alert.rule = utf8(bytes, start, end);
    else if (field === responseFields.output) alert.output = utf8(bytes, start, end);
    else if (field === responseFields.output_fields) readEntry(bytes, start, end, alert.fields);
    else if (field === responseFields.hostname) alert.hostname = utf8(bytes, start, end);
    else if (field === responseFields.tags) alert.tags.push(utf8(bytes, start, end));
    else if (field === responseFields.source) alert.source = utf8(bytes, start, end);
  }
  return alert;
}

function timeOf(bytes: Uint8Array, start: number, end: number): string {
  const { seconds, nanos } = timestampParts(bytes, start, end);
  return rfc3339(seconds, nanos);
}

function readEntry(bytes: Uint8Array, start: number, end: number, fields: Map<string, string>): void {
  const entry = new Walk(bytes, start, end);
  let key = '';
  let value = '';
  while (entry.next()) {
    if (entry.type !== 2) continue;
    if (entry.field === 1) key = utf8(bytes, entry.start, entry.end);
    else if (entry.field === 2) value = utf8(bytes, entry.start, entry.end);
  }
  if (value !== '' && value !== unknown) fields.set(key, value);
}

/**
 * Reads Falco's JSON form, and falcosidekick's, which adds keys. Throws SyntaxError for text that is no JSON,
 * NotFalcoError for JSON that is no alert.
 */
export function parseAlert(text: string): FalcoAlert {
  return alertFrom(JSON.parse(text), text);
}

/** As `parseAlert`, for a document that is parsed already; `text` is where it was parsed from. */
export function alertFrom(json: unknown, text: string): FalcoAlert {
  if (!isObject(json)) throw new NotFalcoError('a JSON object was expected');
  const { output_fields, rule } = json;
  if (typeof rule !== 'string') throw new NotFalcoError('it has no `rule`');
  if (output_fields !== undefined && output_fields !== null && !isObject(output_fields))
    throw new NotFalcoError('`output_fields` is no object');
  const fields = readFields(output_fields ?? {}, text);
  return {
    time: normalizeTime(text_(json.time)) ?? nanosToTime(fields.get('evt.time')),
    rule,
    priority: text_(json.priority),
    source: text_(json.source),
    hostname: text_(json.hostname),
    tags: Array.isArray(json.tags) ? json.tags.filter((tag) => typeof tag === 'string') : [],
    output: text_(json.output),
    fields,
  };
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text_(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function nanosToTime(nanos: string | undefined): string {
  if (nanos === undefined || !/^\d{10,19}$/.test(nanos)) return '';
  return rfc3339(Number(nanos.slice(0, -9)), Number(nanos.slice(-9)));
}

function readFields(from: Json, text: string): Map<string, string> {
  const fields = new Map<string, string>();
  let begin = -1;
  for (const key of Object.keys(from)) {
    const value = from[key];
    if (typeof value === 'string') {
      if (value !== '' && value !== unknown) fields.set(key, value);
    } else if (typeof value === 'number') {
      if (!Number.isSafeInteger(value) && begin < 0) begin = Math.max(0, text.indexOf('"output_fields"'));
      fields.set(key, Number.isSafeInteger(value) ? String(value) : numberAsWritten(key, value, text, begin));
    } else if (typeof value === 'boolean') fields.set(key, String(value));
  }
  return fields;
}

/**
 * JSON.parse rounds integers above 2^53, and event times lie there. The digits are taken from the text: inside a
 * JSON string a quote is always escaped, so `"key":` is found only where it is a key.
 */
function numberAsWritten(key: string, value: number, text: string, begin: number): string {
  const name = JSON.stringify(key);
  let at = text.indexOf(name, begin);
  while (at >= 0) {
    number.lastIndex = at + name.length;
    const written = number.exec(text)?.[1];
    if (written !== undefined && Number(written) === value) return written;
    at = text.indexOf(name, at + 1);
  }
  return String(value);
}

const number = /\s*:\s*(-?\d[\d.eE+-]*)/y;
