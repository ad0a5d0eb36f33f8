import { clear, equals, type FieldSpans, isKnown, slotOf } from './spans.ts';

const [quote, backslash, comma, colon, minus, dot, zero, nine] = [
  0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x2e, 0x30, 0x39,
];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const [upperT, upperZ] = [0x54, 0x5a];

const ruleKey = Buffer.from('rule');
const timeKey = Buffer.from('time');
const sourceKey = Buffer.from('source');
const fieldsKey = Buffer.from('output_fields');
const internalSource = Buffer.from('internal');
const literals = ['true', 'false', 'null'].map((text) => Buffer.from(text));

/** What an escape of one letter stands for; 0 where there is none (`\u` is left to JSON.parse). */
const escapes = new Uint8Array(256);
for (const [letter, byte] of Object.entries({ '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 }))
  escapes[letter.charCodeAt(0)] = byte;

/** A longer string's end is asked of native code. */
const NEAR = 24;

/**
 * Fills spans from the bytes of a JSON alert, without an object. The function it gives says false where the
 * document is not written the way Falco and falcosidekick write, or is no JSON: it has to be parsed then, and the
 * spans tell nothing. It sees the whole structure, but not into strings that the early test does not read.
 */
export function documentScanner(spans: FieldSpans): (document: Buffer) => boolean {
  let bytes = spans.bytes;
  let scratch = Buffer.alloc(16 * 1024);
  let copied = false;
  let pos = 0;
  /** The last string, number or word. */
  let from = 0;
  let to = 0;
  let keyFrom = 0;
  let keyTo = 0;
  let hasRule = false;
  let hasTime = false;
  let hasFields = false;

  function skipSpace(): void {
    let byte = bytes[pos]!;
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      pos += 1;
      byte = bytes[pos]!;
    }
  }

  function readString(): boolean {
    if (bytes[pos] !== quote) return false;
    from = pos + 1;
    const near = Math.min(from + NEAR, bytes.length);
    for (let at = from; at < near; at += 1) {
      const byte = bytes[at]!;
      if (byte === quote) return endString(at);
      if (byte === backslash) return readLongString(at);
    }
    return readLongString(near);
  }

  function readLongString(start: number): boolean {
    for (let at = bytes.indexOf(quote, start); at >= 0; at = bytes.indexOf(quote, at + 1)) {
      let slashes = at;
      while (bytes[slashes - 1] === backslash) slashes -= 1;
      if ((at - slashes) % 2 === 0) return endString(at);
    }
    return false;
  }

  function endString(at: number): true {
    to = at;
    pos = at + 1;
    return true;
  }

  /** A key without escapes, and the colon behind it. */
  function readKey(): boolean {
    skipSpace();
    if (!readString()) return false;
    keyFrom = from;
    keyTo = to;
    for (let at = from; at < to; at += 1) if (bytes[at] === backslash) return false;
    skipSpace();
    if (bytes[pos] !== colon) return false;
    pos += 1;
    skipSpace();
    return true;
  }

  /** A whole number as everybody writes it; others are left to JSON.parse. */
  function readInteger(): boolean {
    from = pos;
    if (bytes[pos] === minus) pos += 1;
    const digits = pos;
    while (bytes[pos]! >= zero && bytes[pos]! <= nine) pos += 1;
    to = pos;
    if (pos === digits) return false;
    return bytes[digits] !== zero || pos - from === 1;
  }

  function readWord(): boolean {
    for (let index = 0; index < literals.length; index += 1) {
      const word = literals[index]!;
      if (!equals(bytes, pos, pos + word.length, word)) continue;
      from = pos;
      // Null is as unknown as an empty text.
      to = index === 2 ? pos : pos + word.length;
      pos += word.length;
      return true;
    }
    return false;
  }

  function readScalar(): boolean {
    if (bytes[pos] === quote) return readString();
    return bytes[pos]! > nine ? readWord() : readInteger();
  }

  function readStrings(): boolean {
    pos += 1;
    skipSpace();
    if (bytes[pos] === closeBracket) {
      pos += 1;
      return true;
    }
    for (;;) {
      skipSpace();
      if (!readString()) return false;
      skipSpace();
      const byte = bytes[pos];
      pos += 1;
      if (byte === closeBracket) return true;
      if (byte !== comma) return false;
    }
  }

  /** The members of an object whose brace was read. */
  function readMembers(inFields: boolean): boolean {
    skipSpace();
    if (bytes[pos] === closeBrace) {
      pos += 1;
      return true;
    }
    for (;;) {
      if (!readKey() || !(inFields ? readField() : readMember())) return false;
      skipSpace();
      const byte = bytes[pos];
      pos += 1;
      if (byte === closeBrace) return true;
      if (byte !== comma) return false;
    }
  }

  function readField(): boolean {
    const index = slotOf(bytes, keyFrom, keyTo);
    const isText = bytes[pos] === quote;
    if (!readScalar()) return false;
    if (index < 0) return true;
    const end = isText ? plainEnd() : to;
    if (end < 0) return false;
    const known = isKnown(bytes, from, end);
    spans.at[index * 2] = known ? from : 0;
    spans.at[index * 2 + 1] = known ? end : 0;
    return true;
  }

  /** Where the text ends once its escapes are resolved; negative if it has others than those of one letter. */
  function plainEnd(): number {
    for (let at = from; at < to; at += 1) {
      if (bytes[at]! < 0x20) return -1;
      if (bytes[at] === backslash) return unescapeFrom(at);
    }
    return to;
  }

  /** Resolves escapes in place, in a copy: the places of all else stay as they are. */
  function unescapeFrom(start: number): number {
    if (!copied) {
      if (scratch.length < bytes.length) scratch = Buffer.alloc(bytes.length * 2);
      bytes.copy(scratch);
      bytes = scratch.subarray(0, bytes.length);
      spans.bytes = bytes;
      copied = true;
    }
    let end = start;
    for (let at = start; at < to; at += 1) {
      let byte = bytes[at]!;
      if (byte < 0x20) return -1;
      if (byte === backslash) {
        at += 1;
        byte = escapes[bytes[at]!]!;
        if (byte === 0) return -1;
      }
      bytes[end++] = byte;
    }
    return end;
  }

  function readMember(): boolean {
    if (equals(bytes, keyFrom, keyTo, fieldsKey)) {
      if (hasFields || bytes[pos] !== openBrace) return false;
      hasFields = true;
      pos += 1;
      return readMembers(true);
    }
    if (equals(bytes, keyFrom, keyTo, ruleKey)) {
      hasRule = true;
      return readString();
    }
    if (equals(bytes, keyFrom, keyTo, timeKey)) return readString() && readTime();
    if (equals(bytes, keyFrom, keyTo, sourceKey)) return readString() && readSource();
    return bytes[pos] === openBracket ? readStrings() : readScalar();
  }

  function readSource(): boolean {
    spans.internal = equals(bytes, from, to, internalSource);
    for (let at = from; at < to; at += 1) if (bytes[at] === backslash) return false;
    return true;
  }

  /** `2026-11-22T22:28:04Z`, with up to nine digits behind the seconds. */
  function readTime(): boolean {
    const shape = bytes[from + 4] === minus && bytes[from + 7] === minus && bytes[from + 10] === upperT;
    const colons = bytes[from + 13] === colon && bytes[from + 16] === colon;
    if (to - from < 20 || !shape || !colons || bytes[to - 1] !== upperZ) return false;
    const [month, day] = [number(from + 5, from + 7), number(from + 8, from + 10)];
    const hour = number(from + 11, from + 13);
    const [minute, second] = [number(from + 14, from + 16), number(from + 17, from + 19)];
    const year = number(from, from + 4);
    if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return false;
    if (!(hour <= 23 && minute <= 59 && second <= 59)) return false;
    spans.seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
    const digits = to - from - 21;
    if (digits >= 0 && (digits < 1 || digits > 9 || bytes[from + 19] !== dot)) return false;
    spans.nanos = digits < 1 ? 0 : number(from + 20, to - 1) * 10 ** (9 - digits);
    hasTime = !Number.isNaN(spans.nanos);
    return hasTime;
  }

  /** NaN if there is anything but digits. */
  function number(start: number, end: number): number {
    let value = 0;
    for (let at = start; at < end; at += 1) {
      const digit = bytes[at]! - zero;
      if (digit < 0 || digit > 9) return Number.NaN;
      value = value * 10 + digit;
    }
    return value;
  }

  return (document) => {
    clear(spans, document);
    bytes = document;
    copied = false;
    pos = 0;
    hasRule = false;
    hasTime = false;
    hasFields = false;
    skipSpace();
    if (bytes[pos] !== openBrace) return false;
    pos += 1;
    if (!readMembers(false) || !hasRule || !hasTime) return false;
    skipSpace();
    return pos === bytes.length;
  };
}
