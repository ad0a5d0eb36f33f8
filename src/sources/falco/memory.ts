import { utf8 } from '../../lib/wire.ts';
import type { ProcessMemory } from '../../model/intake.ts';
import type { EarlyField } from './output-fields.ts';
import { type FieldSpans, has, slot } from './spans.ts';

/**
 * Falco sends the ancestors that are alive when it looks, often none. What we saw ourselves fills the gap.
 *
 * key      container id | pid | start | generation
 *          start       `proc.pid.ts`, exact; where the rule does not print it `~` and the event time in steps of
 *                      five minutes (3 bytes): pids are reused, so such an entry is found for five to ten minutes
 *          generation  0 to 3: programs that one process ran one after the other, since memory never replaces
 * payload  for each of `kept` in order: u16 length (highest bit: it was cut), bytes
 *
 * Without the exact start an entry counts as the parent only if the name Falco gives for the parent agrees or it
 * gives none, and as the former program of the same process only if it is some seconds old and had the same parent.
 */
const kept = [
  'proc.exepath',
  'proc.exe',
  'proc.name',
  'proc.exeline',
  'proc.cmdline',
  'proc.cwd',
  'user.uid',
  'user.name',
  'proc.pid',
  'proc.vpid',
  'proc.ppid',
  'proc.pname',
  'proc.pexepath',
  'proc.pcmdline',
] as const satisfies readonly EarlyField[];

const keptSlots = kept.map((name) => slot[name]);

/** Bytes kept of one value. */
const MAX_VALUE = 2048;
/** Deepest chain of ancestors that is rebuilt. */
const MAX_DEPTH = 16;
const GENERATIONS = 4;
/** Seconds of event time. */
const STEP = 300;
const YOUNG_FORMER = 5;
/** Two messages of one process this close are about one exec: two rules matched. */
const SAME_EXEC = 1e-6;
const separator = 0x7c;
const zero = 0x30;

/** A process as it was when it was started. */
export type KeptProcess = Partial<Record<(typeof kept)[number], string>> & {
  /** Its command line was longer than what is kept. */
  cut?: true;
};

/** What memory knew about an exec when it arrived; decoded only if the exec is judged. */
export interface Remembered {
  /** The programs this same process ran before, last first. */
  formers: Buffer[];
  /** Parent, grandparent, …: as far as an unbroken line of execs was seen. */
  ancestors: Buffer[];
}

/** Puts execs into memory and asks it, without building objects for what nobody asks. */
export interface Recollection {
  /** What is known of the process that runs this exec and of those above it. Call it before `remember`. */
  recall(spans: FieldSpans): Remembered;
  remember(spans: FieldSpans): void;
}

interface Kept {
  payload: Buffer;
  parent: Buffer;
  seconds: number;
}

export function openRecollection(memory: ProcessMemory): Recollection {
  const keys = Buffer.alloc(1024);
  const payload = Buffer.alloc(kept.length * (MAX_VALUE + 2));
  const mark = Buffer.from('~\0\0\0');

  /** A step of time as four bytes that no `proc.pid.ts` begins with. */
  function stepMark(step: number): Buffer {
    mark[1] = step >>> 16;
    mark[2] = step >>> 8;
    mark[3] = step;
    return mark;
  }

  /**
   * Writes a key of generation 0 at `to`, `back` steps of time ago. Gives its end, or `to` if a part of it is
   * unknown or too long.
   */
  function writeKey(spans: FieldSpans, pid: number, start: number, back: number, to: number): number {
    const id = slot['container.id'];
    if (!has(spans, pid) || !has(spans, id)) return to;
    if (length(spans, id) + length(spans, pid) + length(spans, start) + 16 > keys.length / 2) return to;
    let at = to + copy(spans, id, keys, to);
    keys[at++] = separator;
    at += copy(spans, pid, keys, at);
    keys[at++] = separator;
    if (has(spans, start)) at += copy(spans, start, keys, at);
    else at += copyBytes(stepMark(Math.floor(spans.seconds / STEP) - back), 0, 4, keys, at);
    keys[at++] = separator;
    keys[at++] = zero;
    return at;
  }

  /** The programs that are kept of a process, newest first. */
  function find(spans: FieldSpans, pid: number, start: number): Kept[] {
    const found: Kept[] = [];
    for (let back = 0; back < (has(spans, start) ? 1 : 2); back += 1) {
      const end = writeKey(spans, pid, start, back, 0);
      for (let generation = 0; end > 0 && generation < GENERATIONS; generation += 1) {
        keys[end - 1] = zero + generation;
        const entry = memory.get(keys.subarray(0, end));
        if (entry !== undefined) found.push(entry);
      }
    }
    return found.sort((one, other) => other.seconds - one.seconds);
  }

  /** Makes the key at `[from, end)` that of the newest generation; false if none is kept. */
  function touchNewest(from: number, end: number): boolean {
    let found = -1;
    for (let generation = 0; generation < GENERATIONS; generation += 1) {
      keys[end - 1] = zero + generation;
      if (memory.touch(keys, from, end)) found = generation;
    }
    keys[end - 1] = zero + Math.max(found, 0);
    return found >= 0;
  }

  /** Writes the key of the newest program of the parent behind `to`; gives its end, or `to` if none is kept. */
  function writeParentKey(spans: FieldSpans, to: number): number {
    const [pid, start] = [slot['proc.ppid'], slot['proc.ppid.ts']];
    for (let back = 0; back < (has(spans, start) ? 1 : 2); back += 1) {
      const end = writeKey(spans, pid, start, back, to);
      if (end > to && touchNewest(to, end)) return end;
    }
    return to;
  }

  function formers(spans: FieldSpans): Kept[] {
    const found = find(spans, slot['proc.pid'], slot['proc.pid.ts']);
    const now = timeOf(spans);
    const before = found.filter((entry) => Math.abs(now - entry.seconds) >= SAME_EXEC);
    if (has(spans, slot['proc.pid.ts'])) return before;
    const parent = text(spans, slot['proc.ppid']);
    return before.filter(
      (entry) =>
        now - entry.seconds <= YOUNG_FORMER &&
        parent !== undefined &&
        decodeKept(entry.payload)['proc.ppid'] === parent,
    );
  }

  /** Where Falco knows no parent any more, the former programs of the process may have known it. */
  function ancestors(spans: FieldSpans, before: readonly Kept[]): Buffer[] {
    const exact = has(spans, slot['proc.ppid.ts']);
    const chain: Buffer[] = [];
    let entry: Kept | undefined = find(spans, slot['proc.ppid'], slot['proc.ppid.ts'])[0];
    let name = text(spans, slot['proc.pname']);
    if (entry === undefined && !has(spans, slot['proc.ppid'])) {
      const parent = before.find((one) => one.parent.length > 0)?.parent;
      entry = parent === undefined ? undefined : memory.get(parent);
    }
    while (entry !== undefined && chain.length < MAX_DEPTH) {
      const process = decodeKept(entry.payload);
      if (!exact && name !== undefined && name !== process['proc.name']) break;
      chain.push(entry.payload);
      name = process['proc.pname'];
      entry = entry.parent.length === 0 ? undefined : memory.get(entry.parent);
    }
    return chain;
  }

  return {
    recall(spans) {
      const before = formers(spans);
      return { formers: before.map((entry) => entry.payload), ancestors: ancestors(spans, before) };
    },
    remember(spans) {
      const end = writeKey(spans, slot['proc.pid'], slot['proc.pid.ts'], 0, 0);
      if (end === 0) return;
      if (touchNewest(0, end)) keys[end - 1] = Math.min(keys[end - 1]! + 1, zero + GENERATIONS - 1);
      const parentEnd = writeParentKey(spans, end);
      memory.put(keys, 0, end, end, parentEnd, timeOf(spans), payload, writePayload(spans, payload));
    },
  };
}

/** Exact to about a quarter of a microsecond. */
function timeOf(spans: FieldSpans): number {
  return spans.seconds + spans.nanos / 1e9;
}

function writePayload(spans: FieldSpans, payload: Buffer): number {
  let to = 0;
  for (const index of keptSlots) {
    // One command line is enough, and exeline tells argv[0] as well.
    const spare = index === slot['proc.cmdline'] && has(spans, slot['proc.exeline']);
    const size = spare ? 0 : length(spans, index);
    const bytes = Math.min(size, MAX_VALUE);
    payload[to++] = (size > MAX_VALUE ? 0x80 : 0) | (bytes >>> 8);
    payload[to++] = bytes;
    const start = spans.at[index * 2]!;
    to += copyBytes(spans.bytes, start, start + bytes, payload, to);
  }
  return to;
}

/** Reads what `remember` kept. */
export function decodeKept(payload: Buffer): KeptProcess {
  const process: KeptProcess = {};
  let at = 0;
  for (const name of kept) {
    if (at + 2 > payload.length) break;
    const head = payload.readUInt16BE(at);
    const end = at + 2 + (head & 0x7fff);
    if (end > at + 2) process[name] = utf8(payload, at + 2, end);
    if ((head & 0x8000) !== 0 && (name === 'proc.exeline' || name === 'proc.cmdline')) process.cut = true;
    at = end;
  }
  return process;
}

function length(spans: FieldSpans, index: number): number {
  return spans.at[index * 2 + 1]! - spans.at[index * 2]!;
}

function copy(spans: FieldSpans, index: number, target: Buffer, to: number): number {
  return copyBytes(spans.bytes, spans.at[index * 2]!, spans.at[index * 2 + 1]!, target, to);
}

/** Gives the number of bytes. A loop is quicker than the call of `copy` for the short values most are. */
function copyBytes(from: Buffer, start: number, end: number, target: Buffer, to: number): number {
  if (end - start > 64) return from.copy(target, to, start, end);
  for (let at = start, into = to; at < end; at += 1, into += 1) target[into] = from[at]!;
  return end - start;
}

function text(spans: FieldSpans, index: number): string | undefined {
  return has(spans, index) ? utf8(spans.bytes, spans.at[index * 2]!, spans.at[index * 2 + 1]!) : undefined;
}
