import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type Config, loadConfig } from '../config.ts';
import { LannerError } from '../lib/errors.ts';
import type { HistoryFilter, Kept } from '../model/history.ts';
import { keptTexts } from './history.ts';
import {
  holdsKept,
  isKeptFile,
  type KeptSource,
  openKeptFiles,
  type PassedOver,
  standardInput,
} from './kept-files.ts';

/** What is replayed: messages of sensors, and execs that were kept. */
export interface Inputs {
  recordings: string[];
  kept?: KeptSource;
}

/**
 * Sorts files by what they hold; `history` is the history of the Lanner with this configuration, unless a file
 * has that name. Throws LannerError.
 */
export async function inputsOf(files: readonly string[], config: string | undefined): Promise<Inputs> {
  const recordings: string[] = [];
  const keptFiles: string[] = [];
  let history: KeptSource | undefined;
  for (const file of files) {
    if (file === 'history' && !existsSync(file)) history = historySource(configOf(config), {});
    else if (file === '-' && holdsKept(await peek())) keptFiles.push(await standardInput());
    else if (file !== '-' && (await isKeptFile(file))) keptFiles.push(file);
    else recordings.push(file);
  }
  const sources = [
    ...(history === undefined ? [] : [history]),
    ...(keptFiles.length === 0 ? [] : [openKeptFiles(keptFiles)]),
  ];
  if (sources.length > 1)
    throw new LannerError(
      'usage',
      'the history and exported findings may hold the same execs',
      'Export the history (lanner history export) and give all of them as files.',
    );
  return { recordings, ...(sources[0] !== undefined && { kept: sources[0] }) };
}

/** Findings and missed execs of the history in the order they were kept, findings first; or what `filter.missed` says. */
export function historySource(config: Config, filter: HistoryFilter): KeptSource {
  return {
    paths: [],
    async *read() {
      const kinds = filter.missed === undefined ? [false, true] : [filter.missed];
      for (const missed of kinds)
        for await (const text of keptTexts(
          config,
          { ...filter, missed },
          { newest: false, limit: Number.MAX_SAFE_INTEGER },
        ))
          yield JSON.parse(text) as Kept;
    },
    passedOver: () => ({ skipped: 0, places: [], repeats: 0 }),
  };
}

/** What was passed over, on standard error: a few places, and how many there were. */
export function tellPassedOver({ skipped, places }: PassedOver): void {
  if (skipped === 0) return;
  const rest = skipped - places.length;
  process.stderr.write(
    `${places.map((place) => `${place}\n`).join('')}${rest > 0 ? `… and ${rest} more\n` : ''}${skipped} passed over\n`,
  );
}

function configOf(file: string | undefined): Config {
  if (file !== undefined) return loadConfig(file);
  throw new LannerError('usage', 'the history is that of a Lanner', 'Name its configuration with --config.');
}

/** The first bytes of standard input, which stay in it. */
async function peek(): Promise<Buffer> {
  const { stdin } = process;
  await Promise.race([once(stdin, 'readable'), once(stdin, 'end')]);
  const chunk = stdin.read() as Buffer | null;
  if (chunk !== null) stdin.unshift(chunk);
  return chunk ?? Buffer.alloc(0);
}
