/** The head of a POST, written as libcurl (Falco) and Go (falcosidekick) write it. */
export interface RequestHead {
  /** As it stands behind POST, with its query. */
  url: string;
  /** Bytes of the head, its blank line included. */
  size: number;
  /** Bytes of the body. */
  length: number;
  /** Where the value of Content-Length lies. */
  lengthFrom: number;
  lengthTo: number;
  /** Where the value of Content-Type lies; both 0 where there is none. */
  typeFrom: number;
  typeTo: number;
}

/** A head that tells nothing yet. */
export function newHead(): RequestHead {
  return { url: '', size: 0, length: 0, lengthFrom: 0, lengthTo: 0, typeFrom: 0, typeTo: 0 };
}

/** A longer head is not of the simple shape. */
export const MAX_HEAD = 4_096;

const [lineFeed, carriageReturn, space, colon, zero] = [0x0a, 0x0d, 0x20, 0x3a, 0x30];
const post = Buffer.from('POST ');
const version = Buffer.from(' HTTP/1.1\r\n');
const blankLine = Buffer.from('\r\n\r\n');
/** All headers the simple shape may have, each at most once. Each asks nothing of a server beyond what we do. */
const names = ['content-length', 'host', 'content-type', 'user-agent', 'accept', 'accept-encoding'].map(
  (name) => Buffer.from(name),
);
const [lengthHeader, hostHeader, typeHeader] = [0, 1, 2];

/**
 * Reads the head that `bytes` begin with into `head`, if it is of the simple shape: HTTP/1.1 with lines ended by
 * CRLF, a host, a length in at most seven digits, no header but those above, no value that is empty, padded, folded or
 * holds a control character. `part`: it may become one with more bytes. `other`: node:http has to read it.
 */
export function readHead(bytes: Buffer, head: RequestHead): 'whole' | 'part' | 'other' {
  const end = bytes.indexOf(blankLine);
  if (end < 0) return isBeginning(bytes) ? 'part' : 'other';
  if (end > MAX_HEAD) return 'other';
  const line = readRequestLine(bytes, end, head);
  if (line < 0) return 'other';
  head.size = end + blankLine.length;
  return readHeaders(bytes, line, end + 2, head) ? 'whole' : 'other';
}

/**
 * True if `bytes` begin with `known`, as which `head` was read, but for the digits of its length: `head` then tells
 * theirs. A client writes the same head for each alert, and to compare costs a fifth of reading it.
 */
export function isSameHead(bytes: Buffer, known: Buffer, head: RequestHead): boolean {
  const { lengthFrom, lengthTo } = head;
  for (let at = 0; at < lengthFrom; at += 1) if (bytes[at] !== known[at]) return false;
  for (let at = lengthTo; at < known.length; at += 1) if (bytes[at] !== known[at]) return false;
  const length = decimal(bytes, lengthFrom, lengthTo);
  if (length >= 0) head.length = length;
  return length >= 0;
}

/** True if more bytes could make a simple head of these: a line that ends otherwise is told of at once. */
function isBeginning(bytes: Buffer): boolean {
  if (bytes.length > MAX_HEAD) return false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (at < post.length && byte !== post[at]) return false;
    if (byte === lineFeed && bytes[at - 1] !== carriageReturn) return false;
    if (byte < space && byte !== lineFeed && byte !== carriageReturn) return false;
  }
  return true;
}

/** Gives where the headers begin; -1 for another line. */
function readRequestLine(bytes: Buffer, end: number, head: RequestHead): number {
  if (!isAt(bytes, 0, post)) return -1;
  let to = post.length;
  while (to < end && bytes[to]! > space && bytes[to]! < 0x7f) to += 1;
  if (to === post.length || !isAt(bytes, to, version)) return -1;
  head.url = bytes.toString('latin1', post.length, to);
  return to + version.length;
}

/** `end`: behind the last line's CRLF. */
function readHeaders(bytes: Buffer, start: number, end: number, head: RequestHead): boolean {
  let seen = 0;
  head.typeFrom = 0;
  head.typeTo = 0;
  for (let at = start; at < end; ) {
    const name = headerAt(bytes, at);
    if (name < 0 || (seen & (1 << name)) !== 0) return false;
    seen |= 1 << name;
    const from = at + names[name]!.length + 2;
    const to = valueEnd(bytes, from);
    if (to < 0) return false;
    if (name === typeHeader) {
      head.typeFrom = from;
      head.typeTo = to;
    } else if (name === lengthHeader) {
      head.length = decimal(bytes, from, to);
      head.lengthFrom = from;
      head.lengthTo = to;
      if (head.length < 0) return false;
    }
    at = to + 2;
  }
  const needed = (1 << lengthHeader) | (1 << hostHeader);
  return (seen & needed) === needed;
}

/** Index of the name that stands at `at`, with `: ` behind it; -1 for any other. */
function headerAt(bytes: Buffer, at: number): number {
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index]!;
    const end = at + name.length;
    if (bytes[end] === colon && bytes[end + 1] === space && isName(bytes, at, name)) return index;
  }
  return -1;
}

function isName(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const byte = bytes[at + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    if (lower !== name[i]) return false;
  }
  return true;
}

/** Where the value ends that begins at `from`, before its CRLF; -1 for a value that is empty, padded or odd. */
function valueEnd(bytes: Buffer, from: number): number {
  let to = from;
  while (bytes[to]! >= space && bytes[to] !== 0x7f) to += 1;
  if (to === from || bytes[from] === space || bytes[to - 1] === space) return -1;
  return bytes[to] === carriageReturn && bytes[to + 1] === lineFeed ? to : -1;
}

function decimal(bytes: Buffer, from: number, to: number): number {
  if (to - from > 7) return -1;
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = bytes[at]! - zero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function isAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i += 1) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}
