/** The early test, generated from the taxonomy and the families of names. */
import type { ExecProcess } from '../model/exec-event.ts';
import type { Interest } from '../model/intake.ts';
import { buildMatcher, type Matcher } from './matcher.ts';
import { interpreterNames } from './names.ts';
import type { Taxonomy } from './taxonomy.ts';

/** Loaders, multi-call programs and interpreters, by how their names begin. */
const FAMILIES = [
  'ld-',
  'ld.so',
  'ld64',
  'busybox',
  'BusyBox',
  'toybox',
  'sbase-box',
  'ubase-box',
  'python',
  'pypy',
  'perl',
  'ruby',
  'php',
  'lua',
  'node',
];
const FAMILY_OF = new RegExp(`^(?:${['python', 'pypy', 'perl', 'ruby', 'php', 'lua', 'node'].join('|')})`);

/** Starts of paths that say enough by themselves: descriptors, memory, writable directories. */
const ODD_PREFIXES = [
  '/tmp/',
  '/var/tmp/',
  '/dev/',
  '/run/',
  '/var/run/',
  '/var/lock/',
  '/mnt/',
  '/media/',
  '/usr/tmp/',
  'memfd:',
  '/memfd:',
  '/proc/',
];

/** Starts of paths that name no file at all. */
const TELLING = openPrefixes(['/dev/fd/', 'memfd:', '/memfd:', '/proc/']);

export interface StringInterest extends Interest {
  /** The same test on an event; never false for what the detection reports. */
  event(process: ExecProcess): boolean;
}

/**
 * Builds the early test. Bytes are the text itself: where a wire form escapes characters (JSON), they must be
 * unescaped before. Nothing is allocated per call.
 */
export function buildInterest(taxonomy: Taxonomy): StringInterest {
  const names = new Set<string>(interpreterNames.filter((name) => !FAMILY_OF.test(name)));
  for (const map of [taxonomy.byName, taxonomy.byApplet]) for (const name of map.keys()) names.add(name);
  for (const key of taxonomy.byModule.keys()) if (key.startsWith('python:')) names.add(key.slice(7));
  const matcher = buildMatcher(names, FAMILIES);
  const prefixes = openPrefixes(ODD_PREFIXES);
  const path = (bytes: Uint8Array, start: number, end: number) =>
    isTellingPath(matcher, bytes, start, end) || isOdd(prefixes, bytes, start, end);
  const scratch = newScratch();
  const pathString = (text: string | undefined) => {
    if (text === undefined || text === '') return false;
    const length = scratch.load(text);
    return path(scratch.bytes, 0, length);
  };
  const textString = (text: string) => {
    const length = scratch.load(text);
    return matcher.text(scratch.bytes, 0, length);
  };
  return {
    path,
    text: (bytes, start, end) => matcher.text(bytes, start, end),
    exec(bytes, pathStart, pathEnd, textStart, textEnd) {
      if (isTellingPath(matcher, bytes, pathStart, pathEnd)) return true;
      if (matcher.text(bytes, textStart, textEnd)) return true;
      // An unknown program in an odd place is recognised by its options, and each of those rules wants a short one.
      return hasShortOption(bytes, textStart, textEnd) && isOdd(prefixes, bytes, pathStart, pathEnd);
    },
    event: (process) =>
      pathString(process.binary) ||
      pathString(process.exe) ||
      pathString(process.comm) ||
      pathString(process.argv[0]) ||
      argumentsInteresting(process, textString),
  };
}

function argumentsInteresting(process: ExecProcess, test: (text: string) => boolean): boolean {
  if (process.arguments !== undefined) return test(process.arguments);
  const { argv } = process;
  if (argv.length <= 1) return false;
  return test(argv.length === 2 ? argv[1]! : argv.slice(1).join(' '));
}

const DELETED = 10;

/** The name tells: a tool, a multi-call program, an interpreter, a descriptor, memory, the program itself. */
function isTellingPath(matcher: Matcher, bytes: Uint8Array, start: number, end: number): boolean {
  const stop = withoutMark(bytes, start, end);
  let from = start;
  for (let i = stop - 1; i >= start; i--) {
    if (bytes[i] === 0x2f) {
      from = i + 1;
      break;
    }
  }
  if (matcher.name(bytes, from, stop)) return true;
  return hasPrefix(TELLING, bytes, start, stop);
}

/** The place is odd for a program, whatever it is called. */
function isOdd(prefixes: Prefixes, bytes: Uint8Array, start: number, end: number): boolean {
  const stop = withoutMark(bytes, start, end);
  if (hasPrefix(prefixes, bytes, start, stop)) return true;
  // A hidden component.
  for (let i = start; i + 1 < stop; i++) if (bytes[i] === 0x2f && bytes[i + 1] === 0x2e) return true;
  return false;
}

/** Without ` (deleted)`. */
function withoutMark(bytes: Uint8Array, start: number, end: number): number {
  return end - start > DELETED && bytes[end - 1] === 0x29 && bytes[end - DELETED] === 0x20
    ? end - DELETED
    : end;
}

/** A word of one dash and something else than a dash. */
function hasShortOption(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i + 1 < end; i++) {
    if (bytes[i] !== 0x2d || bytes[i + 1] === 0x2d || bytes[i + 1] === 0x20) continue;
    if (i === start || bytes[i - 1] === 0x20 || bytes[i - 1] === 0x22) return true;
  }
  return false;
}

interface Prefixes {
  texts: readonly Uint8Array[];
  /** 1 for each byte that is the second of a prefix: of most paths it is of none. */
  seconds: Uint8Array;
}

function openPrefixes(texts: readonly string[]): Prefixes {
  const encoded = texts.map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0)));
  const seconds = new Uint8Array(256);
  for (const text of encoded) seconds[text[1]!] = 1;
  return { texts: encoded, seconds };
}

function hasPrefix(prefixes: Prefixes, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2 || prefixes.seconds[bytes[start + 1]!] === 0) return false;
  for (const prefix of prefixes.texts) if (startsWith(bytes, start, end, prefix)) return true;
  return false;
}

function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

/** Bytes for strings, reused; everything outside ASCII is one separator, as its bytes are on the wire. */
function newScratch(): { bytes: Uint8Array; load(text: string): number } {
  const scratch = {
    bytes: new Uint8Array(4096),
    load(text: string): number {
      if (text.length > scratch.bytes.length) scratch.bytes = new Uint8Array(text.length * 2);
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        scratch.bytes[i] = code < 128 ? code : 0x80;
      }
      return text.length;
    },
  };
  return scratch;
}
