import type { ExecEvent } from '../model/exec-event.ts';

/** Characters of a command line that tell structures apart; what stands behind is taken to be the same. */
const LONGEST = 512;

/**
 * A number that is the same for execs of one structure: tool, severity, arguments with their variable parts
 * folded, parent, image, and how the container was entered. Two structures share one by chance once in 2^52.
 * Nothing is allocated: it is asked for each exec that named a tool.
 */
export function structureOf(event: ExecEvent, tool: string, severity: string): number {
  const { process, image, ancestors } = event;
  const parent = ancestors[0];
  start();
  text(tool);
  text(severity);
  text(image?.repository ?? image?.reference ?? event.pod?.workload ?? '');
  text(parent?.binary ?? parent?.exe ?? parent?.argv[0] ?? '');
  mix(process.in_init_tree === true ? 1 : process.exec_probe === true ? 2 : 3);
  let left = LONGEST;
  for (const word of process.argv) {
    left -= folded(word, left);
    if (left <= 0) break;
  }
  return (high >>> 6) * 2 ** 26 + (low & 0x3ffffff);
}

let high = 0;
let low = 0;

function start(): void {
  high = 0x811c9dc5;
  low = 0x2545f491;
}

function mix(code: number): void {
  high = Math.imul(high ^ code, 0x01000193);
  low = Math.imul(low + code, 0x9e3779b1);
  low ^= low >>> 15;
}

function text(value: string): void {
  for (let i = 0; i < value.length; i += 1) mix(value.charCodeAt(i));
  mix(0);
}

const SLASH = 47;
const COLON = 58;
const FOLDED = 1;

/**
 * Mixes a word with its counters, ids and hashes folded: behind the first slash of a path every number, before
 * it only what is too long for a port or an address. Answers how many characters it read.
 */
function folded(word: string, most: number): number {
  const length = Math.min(word.length, most);
  let inPath = false;
  let at = 0;
  while (at < length) {
    const code = word.charCodeAt(at);
    const run = isHex(code) ? hexRun(word, at, length) : 0;
    if (run > 0 && isVariable(word, at, run, inPath)) {
      mix(FOLDED);
      at += run;
      continue;
    }
    for (let i = at; i < at + Math.max(run, 1); i += 1) mix(word.charCodeAt(i));
    if (code === SLASH && !isScheme(word, at)) inPath = true;
    at += Math.max(run, 1);
  }
  mix(0);
  return length + 1;
}

/** One of the two slashes of `://`. */
function isScheme(word: string, at: number): boolean {
  if (word.charCodeAt(at + 1) === SLASH) return word.charCodeAt(at - 1) === COLON;
  return word.charCodeAt(at - 1) === SLASH && word.charCodeAt(at - 2) === COLON;
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
}

function hexRun(word: string, from: number, end: number): number {
  let at = from + 1;
  while (at < end && isHex(word.charCodeAt(at))) at += 1;
  return at - from;
}

function isVariable(word: string, from: number, length: number, inPath: boolean): boolean {
  let digits = 0;
  for (let i = from; i < from + length; i += 1) if (word.charCodeAt(i) <= 57) digits += 1;
  if (digits === length) return inPath || length >= 6;
  return digits > 0 && length >= (inPath ? 8 : 12);
}
