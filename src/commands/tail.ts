import { type Config, loadConfig } from '../config.ts';
import { followControl } from '../http/control.ts';
import { holdingClock, pause } from '../lib/clock.ts';
import { LannerError } from '../lib/errors.ts';
import { rfc3339, secondsOf } from '../lib/time.ts';
import type { HistoryFilter, Kept } from '../model/history.ts';
import { controlSocket, stateDirectory } from '../service/places.ts';
import { exitCodes } from './exit-codes.ts';
import { keptTexts, lineOf } from './history.ts';
import { type FilterFlags, filterOf } from './history-filter.ts';
import { stopSignal } from './signals.ts';
import { type Paint, paintFor, printable } from './terminal.ts';

export interface TailFlags extends FilterFlags {
  config: string;
  json: boolean;
}

/** Where it writes: the process's own, or a test's. */
export interface TailStreams {
  out: { write(text: string): boolean; once(event: 'drain', listener: () => void): unknown };
  err: { write(text: string): unknown };
  paint: Paint;
}

/**
 * `lanner tail`: what a running Lanner finds, as it finds it, until SIGINT or SIGTERM. While that Lanner is away
 * it waits, and shows first what was kept meanwhile. Throws LannerError `socket_missing` if none runs at first.
 */
export async function tail(flags: TailFlags): Promise<number> {
  const ending = new AbortController();
  void stopSignal().then(() => ending.abort());
  const { stdout, stderr } = process;
  const streams = { out: stdout, err: stderr, paint: paintFor(stdout, process.env) };
  await follow(loadConfig(flags.config), flags, streams, ending.signal);
  return exitCodes.ok.code;
}

/** Longest pause between two attempts to reach a Lanner that has gone. */
const LONGEST_MS = 5_000;
/** Sensors deliver late: so much before the last is asked for again. */
const LATE_SECONDS = 60;

/** The same until `signal` aborts. */
export async function follow(
  config: Config,
  flags: Omit<TailFlags, 'config'>,
  streams: TailStreams,
  signal: AbortSignal,
): Promise<void> {
  const { since, ...live } = filterOf(flags, Date.now());
  const path = controlSocket(stateDirectory(config));
  const printer = openPrinter(flags.json, streams);
  let from = since;
  let met = false;
  for (let wait = 250; !signal.aborted; wait = Math.min(wait * 2, LONGEST_MS)) {
    const ended = await followControl(path, 'history_tail', { filter: live }, signal, {
      async begin() {
        if (met) streams.err.write('connected again\n');
        met = true;
        wait = 250;
        if (from !== undefined) await printPast(config, { ...live, since: from }, printer);
        from = printer.last() ?? rfc3339(Math.floor(Date.now() / 1000), 0);
      },
      line: printer.print,
    });
    if (signal.aborted) return;
    if (ended === 'nobody' && !met) throw nobody(path);
    from = lateStart(printer.last() ?? from);
    if (ended === 'gone') streams.err.write('Lanner has gone; waiting for it\n');
    await pause(holdingClock, wait, signal);
  }
}

function nobody(path: string): LannerError {
  return new LannerError(
    'socket_missing',
    `no Lanner listens at ${path}`,
    'Start lanner run with this configuration; lanner history query shows what was found before.',
  );
}

function lateStart(time: string | undefined): string | undefined {
  return time === undefined ? undefined : rfc3339(Math.floor(secondsOf(time)) - LATE_SECONDS, 0);
}

async function printPast(config: Config, filter: HistoryFilter, printer: Printer): Promise<void> {
  for await (const text of keptTexts(config, filter, { newest: false, limit: Number.MAX_SAFE_INTEGER }))
    await printer.print(text);
}

interface Printer {
  /** Fulfilled when there is room for more. */
  print(text: string): Promise<void>;
  /** The latest time that was shown. */
  last(): string | undefined;
}

/** What was shown lately is not shown again when it comes by another way. */
const REMEMBERED = 5_000;

function openPrinter(json: boolean, { out, err, paint }: TailStreams): Printer {
  const shown = new Set<string>();
  let last: string | undefined;

  async function write(text: string): Promise<void> {
    if (!out.write(`${text}\n`)) await new Promise<void>((resolve) => void out.once('drain', resolve));
  }

  function isNew(kept: Kept): boolean {
    const key = `${kept.id}:${'revision' in kept ? kept.revision : 0}`;
    if (shown.has(key)) return false;
    shown.add(key);
    if (shown.size > REMEMBERED) shown.delete(shown.values().next().value!);
    return true;
  }

  return {
    last: () => last,
    async print(text) {
      const read = JSON.parse(text) as Kept | { schema: 'lanner.tail/v1'; dropped: number };
      if (read.schema === 'lanner.tail/v1') {
        if (json) return write(text);
        err.write(`${read.dropped} left out: this terminal reads too slowly\n`);
        return;
      }
      if (!isNew(read)) return;
      if (last === undefined || read.time > last) last = read.time;
      await write(json ? text : textOf(read, paint));
    },
  };
}

function textOf(kept: Kept, paint: Paint): string {
  const line = lineOf(kept, paint);
  if (kept.schema === 'lanner.miss/v1') return line;
  return `${line}\n    ${paint('dim', printable(kept.exec.process.argv.join(' '), 160))}`;
}
