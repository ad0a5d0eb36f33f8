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
  const prefixes = ODD_PREFIXES.map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0)));
  const path = (bytes: Uint8Array, start: number, end: number) =>
    isInterestingPath(matcher, prefixes, bytes, start, end);
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

function isInterestingPath(
  matcher: Matcher,
  prefixes: readonly Uint8Array[],
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  let stop = end;
  // ` (deleted)`
  if (stop - start > DELETED && bytes[stop - 1] === 0x29 && bytes[stop - DELETED] === 0x20) stop -= DELETED;
  let from = start;
  for (let i = stop - 1; i >= start; i--) {
    if (bytes[i] === 0x2f) {
      from = i + 1;
      break;
    }
  }
  if (matcher.name(bytes, from, stop)) return true;
  for (const prefix of prefixes) if (startsWith(bytes, start, stop, prefix)) return true;
  // A hidden component.
  for (let i = start; i + 1 < stop; i++) if (bytes[i] === 0x2f && bytes[i + 1] === 0x2e) return true;
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
