/**
 * Looks for names and needles in text, on bytes, in one pass and without allocation. The early test runs it on
 * what the sensor sent; the judgement runs the very same code on its strings before it does anything else, so
 * that the early test can never reject what the judgement would report.
 */
import { vocabularyRules } from './vocabulary.ts';

export interface Matcher {
  /** True if the bytes are exactly a name, or of a family of names. */
  name(bytes: Uint8Array, start: number, end: number): boolean;
  /** True if a word is a name, or a needle occurs. */
  text(bytes: Uint8Array, start: number, end: number): boolean;
}

const MAX_NAME = 64;

/** ASCII letters, digits, `_ . + -`: what names are made of. */
const NAME_CHAR = 1;
/** What a shell takes away. */
const SKIPPED = 2;
const KINDS = new Uint8Array(256);
for (let code = 0; code < 128; code++)
  if (/[A-Za-z0-9_.+-]/.test(String.fromCharCode(code))) KINDS[code] = NAME_CHAR;
for (const char of `'"\\`) KINDS[char.charCodeAt(0)] = SKIPPED;

interface NameTable {
  /** For each first byte which lengths names have, a bit each; the last bit stands for all longer ones. */
  lengths: Int32Array;
  slots: Int32Array;
  bytes: Uint8Array[];
  mask: number;
}

function hashOf(bytes: Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function buildTable(names: Iterable<string>): NameTable {
  const bytes = [...new Set(names)]
    .filter((name) => name.length > 0 && name.length <= MAX_NAME)
    .map(asciiBytes);
  let size = 64;
  while (size < bytes.length * 4) size *= 2;
  const slots = new Int32Array(size).fill(-1);
  const lengths = new Int32Array(256);
  for (const [index, name] of bytes.entries()) {
    lengths[name[0]!]! |= lengthBit(name.length);
    let slot = hashOf(name, name.length) & (size - 1);
    while (slots[slot] !== -1) slot = (slot + 1) & (size - 1);
    slots[slot] = index;
  }
  return { lengths, slots, bytes, mask: size - 1 };
}

function lengthBit(length: number): number {
  return 1 << (length < 31 ? length : 31);
}

function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 0x7f;
  return bytes;
}

function inTable(table: NameTable, bytes: Uint8Array, length: number): boolean {
  if ((table.lengths[bytes[0]!]! & lengthBit(length)) === 0) return false;
  let slot = hashOf(bytes, length) & table.mask;
  for (;;) {
    const index = table.slots[slot]!;
    if (index === -1) return false;
    const name = table.bytes[index]!;
    if (name.length === length && sameBytes(name, bytes, length)) return true;
    slot = (slot + 1) & table.mask;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Deterministic automaton over lower-cased bytes: next[state + class]; a state is where its row begins. */
interface Automaton {
  classes: Uint8Array;
  next: Int32Array;
}

/** The state in which a needle was found. */
const FOUND = -1;

function buildAutomaton(needles: readonly string[]): Automaton {
  const alphabet = [...new Set(needles.join(''))];
  const width = alphabet.length + 1;
  const classes = new Uint8Array(256);
  for (const [index, char] of alphabet.entries()) {
    classes[char.charCodeAt(0)] = index + 1;
    classes[char.toUpperCase().charCodeAt(0)] = index + 1;
  }
  const tree: number[][] = [new Array<number>(width).fill(-1)];
  const ends: boolean[] = [false];
  for (const needle of needles) {
    let state = 0;
    for (const char of needle) {
      const symbol = classes[char.charCodeAt(0)]!;
      if (tree[state]![symbol] === -1) {
        tree.push(new Array<number>(width).fill(-1));
        ends.push(false);
        tree[state]![symbol] = tree.length - 1;
      }
      state = tree[state]![symbol]!;
    }
    ends[state] = true;
  }
  return link(tree, ends, classes, width);
}

function link(tree: number[][], ends: boolean[], classes: Uint8Array, width: number): Automaton {
  const fail = new Array<number>(tree.length).fill(0);
  const queue: number[] = [];
  for (let symbol = 0; symbol < width; symbol++) {
    const to = tree[0]![symbol]!;
    if (to === -1) tree[0]![symbol] = 0;
    else queue.push(to);
  }
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head]!;
    if (ends[fail[state]!]) ends[state] = true;
    for (let symbol = 0; symbol < width; symbol++) {
      const to = tree[state]![symbol]!;
      const back = tree[fail[state]!]![symbol]!;
      if (to === -1) tree[state]![symbol] = back;
      else {
        fail[to] = back;
        queue.push(to);
      }
    }
  }
  return { classes, next: Int32Array.from(tree.flat(), (to) => (ends[to] ? FOUND : to * width)) };
}

/** Needles that are no vocabulary: redirections to the network, encoded scripts, shells that hide names. */
const OTHER_NEEDLES = ['/dev/tcp', '/dev/udp', 'ztcp', 'base64', 'xxd', '/inet/', '/proc/self/'];

/** Needles too common by themselves: `isWeakEvidence` looks for what else the rule needs. */
const WEAK = new Set(['sh', '@', ':', 'r:', 'socks']);

/** Builds the matcher for these exact names and families (prefixes with any suffix). */
export function buildMatcher(names: Iterable<string>, families: readonly string[]): Matcher {
  const table = buildTable(names);
  const needles = [...OTHER_NEEDLES, ...vocabularyRules.flatMap((rule) => [...rule.needles])].filter(
    (needle) => !WEAK.has(needle),
  );
  const automaton = buildAutomaton([...new Set(needles)]);
  const prefixes = families.map(asciiBytes);
  const prefixed = new Uint8Array(256);
  for (const prefix of prefixes) prefixed[prefix[0]!] = 1;
  const scratch = new Uint8Array(MAX_NAME);

  const isName = (length: number): boolean => {
    if (length === 0) return false;
    if (inTable(table, scratch, length)) return true;
    if (prefixed[scratch[0]!] === 1)
      for (const prefix of prefixes)
        if (length >= prefix.length && sameBytes(prefix, scratch, prefix.length)) return true;
    return (
      isMultiCallSuffix(scratch, length) ||
      (hasScriptSuffix(scratch, length) && inTable(table, scratch, length - 3))
    );
  };

  const name = (bytes: Uint8Array, start: number, end: number): boolean => {
    const length = end - start;
    if (length <= 0 || length > MAX_NAME) return false;
    for (let i = 0; i < length; i++) scratch[i] = bytes[start + i]!;
    return isName(length);
  };

  const text = (bytes: Uint8Array, start: number, end: number): boolean => {
    const { classes, next } = automaton;
    let state = 0;
    let length = 0;
    let before = 0;
    let weak = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      const kind = KINDS[byte]!;
      if (kind === SKIPPED) {
        if (byte === 0x5c && hidesLetters(bytes[i + 1] ?? 0)) return true;
        if (byte === 0x27 && before === 0x24) return true;
        continue;
      }
      state = next[state + classes[byte]!]!;
      if (state === FOUND) return true;
      if (kind === NAME_CHAR) {
        // `${a}b`, `c{u,}rl`: the shell puts words together from pieces.
        if (before === 0x7d) return true;
        if (length < MAX_NAME) scratch[length] = byte;
        length++;
      } else {
        // `c$x`, `$a$b`.
        if (byte === 0x24 && (length > 0 || before === 0x7d)) return true;
        if (length > 0 && length <= MAX_NAME && endsWord(byte) && isName(length)) return true;
        if (length > 0 && length <= MAX_NAME) weak |= weakness(scratch, length);
        length = 0;
        weak |= byte === 0x40 ? 1 : byte === 0x3a ? 2 : 0;
      }
      before = byte;
    }
    if (length > 0 && length <= MAX_NAME) {
      if (isName(length)) return true;
      weak |= weakness(scratch, length);
    }
    return isWeakEvidence(weak);
  };
  return { name, text };
}

/** A name that ends here may be a program; before `:`, `=`, `@` and `/` it is a scheme, a key, a user, a directory. */
function endsWord(byte: number): boolean {
  return byte !== 0x3a && byte !== 0x3d && byte !== 0x40 && byte !== 0x2f;
}

/** `\x63`, `\143`, `\u0063`: letters in disguise. */
function hidesLetters(byte: number): boolean {
  return byte === 0x78 || byte === 0x75 || byte === 0x55 || (byte >= 0x30 && byte <= 0x37);
}

const SHELL = 8;
const PORT = 32;
const FORWARD_OPTION = 64;
const CLIENT = 128;

/** What a word contributes to rules whose single needles are too common. */
function weakness(bytes: Uint8Array, length: number): number {
  const last = bytes[length - 1]!;
  let found = 0;
  if (last === 0x68 && length >= 2 && bytes[length - 2] === 0x73) found |= SHELL;
  if (bytes[0] === 0x2d && length >= 2) {
    for (let i = 1; i < length; i++) {
      const byte = bytes[i]!;
      if (byte === 0x52 || byte === 0x4c || byte === 0x44) found |= FORWARD_OPTION;
    }
    if (last >= 0x30 && last <= 0x39) found |= PORT;
  } else if (isDigits(bytes, length)) found |= PORT;
  if (isWord(bytes, length, CLIENT_BYTES) || isWord(bytes, length, SERVER_BYTES)) found |= CLIENT;
  return found;
}

const CLIENT_BYTES = asciiBytes('client');
const SERVER_BYTES = asciiBytes('server');

function isWord(bytes: Uint8Array, length: number, word: Uint8Array): boolean {
  return length === word.length && sameBytes(word, bytes, length);
}

function isDigits(bytes: Uint8Array, length: number): boolean {
  if (length > 5) return false;
  for (let i = 0; i < length; i++) if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false;
  return true;
}

/** Enough of a weak rule: netcat (shell and port), ssh (forward and `@`), chisel (client or server, and `:`). */
function isWeakEvidence(weak: number): boolean {
  if ((weak & SHELL) !== 0 && (weak & PORT) !== 0) return true;
  if ((weak & FORWARD_OPTION) !== 0 && (weak & 1) !== 0) return true;
  return (weak & CLIENT) !== 0 && (weak & 2) !== 0;
}

const SUFFIX = asciiBytes('busybox');
const TOY = asciiBytes('toybox');

/** `x.busybox`, `x_toybox`. */
function isMultiCallSuffix(bytes: Uint8Array, length: number): boolean {
  if (bytes[length - 1] !== 0x78) return false;
  return endsWithName(bytes, length, SUFFIX) || endsWithName(bytes, length, TOY);
}

function endsWithName(bytes: Uint8Array, length: number, suffix: Uint8Array): boolean {
  const start = length - suffix.length;
  if (start < 1) return false;
  for (let i = 0; i < suffix.length; i++) if (bytes[start + i] !== suffix[i]) return false;
  return true;
}

/** `.py`, `.pl`, `.rb`, `.sh`, `.js`. */
function hasScriptSuffix(bytes: Uint8Array, length: number): boolean {
  if (length < 4 || bytes[length - 3] !== 0x2e) return false;
  const a = bytes[length - 2]!;
  const b = bytes[length - 1]!;
  return (
    (a === 0x70 && (b === 0x79 || b === 0x6c)) ||
    (a === 0x72 && b === 0x62) ||
    (a === 0x73 && b === 0x68) ||
    (a === 0x6a && b === 0x73)
  );
}
