import { openKnownKeys } from './known-keys.ts';
import { clear, equals, type FieldSpans, isKnown } from './spans.ts';

const [quote, backslash, comma, colon, minus, dot, zero, nine] = [
  0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x2e, 0x30, 0x39,
];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const [lowerN, upperT, upperZ] = [0x6e, 0x54, 0x5a];

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
/** Instead of a place: the document has to be parsed. */
const OTHER = -1;

/**
 * Fills spans from the bytes of a JSON alert, without an object. The function it gives says false where the
 * document is not written the way Falco and falcosidekick write, or is no JSON: it has to be parsed then, and the
 * spans tell nothing. It sees the whole structure, but not into strings that the early test does not read.
 */
export function documentScanner(spans: FieldSpans): (document: Buffer) => boolean {
  const keys = openKnownKeys();
  let scratch = Buffer.alloc(16 * 1024);
  let hasRule = false;
  let hasTime = false;
  let hasFields = false;

  /** The members of the document from behind its brace; gives the place behind the other one. */
  function readMembers(bytes: Buffer, start: number): number {
    let pos = afterSpace(bytes, start);
    if (bytes[pos] === closeBrace) return pos + 1;
    for (;;) {
      const from = pos + 1;
      const to = keyEnd(bytes, pos);
      pos = valueStart(bytes, to);
      if (pos < 0) return OTHER;
      pos = nextMember(bytes, readMember(bytes, from, to, pos));
      if (pos < 0) return OTHER;
      if (bytes[pos - 1] === closeBrace) return pos;
    }
  }

  /** The output fields, from behind their brace; gives the place behind the other one. */
  function readFields(bytes: Buffer, start: number): number {
    let pos = afterSpace(bytes, start);
    if (bytes[pos] === closeBrace) return pos + 1;
    for (let n = 0; ; n += 1) {
      let value = keys.after(bytes, pos, n);
      let index = keys.slot(n);
      if (value < 0) {
        const to = keyEnd(bytes, pos);
        value = valueStart(bytes, to);
        if (value < 0) return OTHER;
        index = keys.learn(bytes, pos + 1, to, n);
      } else if (isSpace(bytes[value]!)) value = afterSpace(bytes, value);
      const end = index < 0 ? scalarEnd(bytes, value) : readField(bytes, index, value);
      pos = nextMember(bytes, end);
      if (pos < 0) return OTHER;
      if (bytes[pos - 1] === closeBrace) return pos;
    }
  }

  /** An early field whose value begins at `pos`; gives the place behind it. */
  function readField(bytes: Buffer, index: number, pos: number): number {
    if (bytes[pos] === quote) return readText(bytes, index, pos + 1);
    const end = scalarEnd(bytes, pos);
    // Null is as unknown as an empty text.
    if (end >= 0) keep(bytes, index, pos, bytes[pos] === lowerN ? pos : end);
    return end;
  }

  function readText(bytes: Buffer, index: number, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      if (byte === quote) {
        keep(bytes, index, from, at);
        return at + 1;
      }
      if (byte < 0x20) return OTHER;
      if (byte === backslash) {
        const end = longStringEnd(bytes, at);
        return end >= 0 && keepEscaped(bytes, index, from, at, end) ? end + 1 : OTHER;
      }
    }
    return OTHER;
  }

  function keep(bytes: Buffer, index: number, from: number, to: number): void {
    const known = isKnown(bytes, from, to);
    spans.at[index * 2] = known ? from : 0;
    spans.at[index * 2 + 1] = known ? to : 0;
  }

  /** Resolves escapes in a copy of the document, in place: all else stays. False for others than of one letter. */
  function keepEscaped(bytes: Buffer, index: number, from: number, first: number, to: number): boolean {
    if (spans.bytes === bytes) {
      if (scratch.length < bytes.length) scratch = Buffer.alloc(bytes.length * 2);
      bytes.copy(scratch);
      spans.bytes = scratch;
    }
    let end = first;
    for (let at = first; at < to; at += 1) {
      let byte = bytes[at]!;
      if (byte < 0x20) return false;
      if (byte === backslash) {
        at += 1;
        byte = escapes[bytes[at]!]!;
        if (byte === 0) return false;
      }
      scratch[end++] = byte;
    }
    keep(scratch, index, from, end);
    return true;
  }

  /** A member of the document itself; gives the place behind it. */
  function readMember(bytes: Buffer, keyFrom: number, keyTo: number, pos: number): number {
    if (equals(bytes, keyFrom, keyTo, fieldsKey)) {
      if (hasFields || bytes[pos] !== openBrace) return OTHER;
      hasFields = true;
      return readFields(bytes, pos + 1);
    }
    if (bytes[pos] === openBracket) return stringsEnd(bytes, pos + 1);
    const end = scalarEnd(bytes, pos);
    const isText = bytes[pos] === quote;
    if (end < 0) return OTHER;
    if (equals(bytes, keyFrom, keyTo, ruleKey)) hasRule = isText;
    else if (equals(bytes, keyFrom, keyTo, timeKey)) hasTime = isText && readTime(bytes, pos + 1, end - 1);
    else if (equals(bytes, keyFrom, keyTo, sourceKey)) {
      if (isText && plainEnd(bytes, pos + 1) !== end - 1) return OTHER;
      spans.internal = equals(bytes, pos + 1, end - 1, internalSource);
    }
    return end;
  }

  /** `2026-11-22T22:28:04Z`, with up to nine digits behind the seconds; false for other forms. */
  function readTime(bytes: Buffer, from: number, to: number): boolean {
    const shape = bytes[from + 4] === minus && bytes[from + 7] === minus && bytes[from + 10] === upperT;
    const colons = bytes[from + 13] === colon && bytes[from + 16] === colon;
    if (to - from < 20 || !shape || !colons || bytes[to - 1] !== upperZ) return false;
    const [month, day] = [number(bytes, from + 5, from + 7), number(bytes, from + 8, from + 10)];
    const hour = number(bytes, from + 11, from + 13);
    const [minute, second] = [number(bytes, from + 14, from + 16), number(bytes, from + 17, from + 19)];
    const year = number(bytes, from, from + 4);
    if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return false;
    if (!(hour <= 23 && minute <= 59 && second <= 59)) return false;
    spans.seconds = daysTo(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    const digits = to - from - 21;
    if (digits >= 0 && (digits < 1 || digits > 9 || bytes[from + 19] !== dot)) return false;
    spans.nanos = digits < 1 ? 0 : number(bytes, from + 20, to - 1) * powers[9 - digits]!;
    return !Number.isNaN(spans.nanos);
  }

  return (document) => {
    clear(spans, document);
    hasRule = false;
    hasTime = false;
    hasFields = false;
    const start = afterSpace(document, 0);
    if (document[start] !== openBrace) return false;
    const end = readMembers(document, start + 1);
    return end > 0 && hasRule && hasTime && afterSpace(document, end) === document.length;
  };
}

function afterSpace(bytes: Buffer, pos: number): number {
  let at = pos;
  while (at < bytes.length && isSpace(bytes[at]!)) at += 1;
  return at;
}

function isSpace(byte: number): boolean {
  return byte <= 0x20 && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

/** Where the key ends whose quote is at `pos`; `OTHER` if there is none. */
function keyEnd(bytes: Buffer, pos: number): number {
  return bytes[pos] === quote ? plainEnd(bytes, pos + 1) : OTHER;
}

/** Where the value begins of a key that ends at `to`. */
function valueStart(bytes: Buffer, to: number): number {
  const at = to < 0 ? OTHER : afterSpace(bytes, to + 1);
  return bytes[at] === colon ? afterSpace(bytes, at + 1) : OTHER;
}

/** From behind a value: where the next key begins, or the place behind the brace that closes the object. */
function nextMember(bytes: Buffer, end: number): number {
  if (end < 0) return OTHER;
  const at = afterSpace(bytes, end);
  if (bytes[at] === closeBrace) return at + 1;
  return bytes[at] === comma ? afterSpace(bytes, at + 1) : OTHER;
}

/** Where the string ends that begins at `from`; `OTHER` if it has an escape. */
function plainEnd(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte === quote) return at;
    if (byte === backslash) return OTHER;
  }
  return OTHER;
}

function stringEnd(bytes: Buffer, from: number): number {
  const near = Math.min(from + NEAR, bytes.length);
  for (let at = from; at < near; at += 1) {
    const byte = bytes[at]!;
    if (byte === quote) return at;
    if (byte === backslash) return longStringEnd(bytes, at);
  }
  return longStringEnd(bytes, near);
}

function longStringEnd(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(quote, start); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let slashes = at;
    while (bytes[slashes - 1] === backslash) slashes -= 1;
    if ((at - slashes) % 2 === 0) return at;
  }
  return OTHER;
}

/** The place behind a string, a whole number as everybody writes it, true, false or null. */
function scalarEnd(bytes: Buffer, pos: number): number {
  if (bytes[pos] === quote) {
    const end = stringEnd(bytes, pos + 1);
    return end < 0 ? OTHER : end + 1;
  }
  return bytes[pos]! > nine ? wordEnd(bytes, pos) : integerEnd(bytes, pos);
}

function wordEnd(bytes: Buffer, pos: number): number {
  for (const word of literals) if (equals(bytes, pos, pos + word.length, word)) return pos + word.length;
  return OTHER;
}

function integerEnd(bytes: Buffer, pos: number): number {
  const digits = bytes[pos] === minus ? pos + 1 : pos;
  let end = digits;
  while (end < bytes.length && bytes[end]! >= zero && bytes[end]! <= nine) end += 1;
  if (end === digits || (bytes[digits] === zero && end - pos > 1)) return OTHER;
  return end;
}

/** The place behind a list of strings, from behind its bracket. */
function stringsEnd(bytes: Buffer, start: number): number {
  let pos = afterSpace(bytes, start);
  if (bytes[pos] === closeBracket) return pos + 1;
  for (;;) {
    const end = bytes[pos] === quote ? stringEnd(bytes, pos + 1) : OTHER;
    if (end < 0) return OTHER;
    pos = afterSpace(bytes, end + 1);
    if (bytes[pos] === closeBracket) return pos + 1;
    if (bytes[pos] !== comma) return OTHER;
    pos = afterSpace(bytes, pos + 1);
  }
}

const powers = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

/** Days from 1970 to this one; a day that its month does not have is one of the next, as with Date.UTC, which takes longer. */
function daysTo(year: number, month: number, day: number): number {
  // Years begin with March here, so that the day that may be missing is the last.
  const from = month > 2 ? year : year - 1;
  const leaps = Math.floor(from / 4) - Math.floor(from / 100) + Math.floor(from / 400);
  return from * 365 + leaps + Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 719_469;
}

/** NaN if there is anything but digits. */
function number(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at]! - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
