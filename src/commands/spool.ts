import { loadConfig } from '../config.ts';
import { controlStopped, type Selection, type SpoolControl } from '../deliver/spool-control.ts';
import type { DeadLetter, DeliveryStore, SpoolEntry } from '../deliver/store/contract.ts';
import { durableStore } from '../deliver/store/durable.ts';
import { askControl } from '../http/control.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import { controlSocket, stateDirectory } from '../service/places.ts';
import { exitCodes } from './exit-codes.ts';
import { printable } from './terminal.ts';

export interface SpoolFlags {
  config: string;
  json: boolean;
  limit: number;
  /** retry, drop: all dead letters, of `sink` if given. */
  all: boolean;
  sink?: string;
}

/**
 * `lanner spool list|show|retry|drop`: asks the running Lanner, or opens the files if none runs. Throws
 * LannerError `usage` without ids, `store_locked` if a Lanner runs that cannot be asked,
 * `store_unusable` if the files cannot be opened.
 */
export async function spoolCommand(
  action: 'list' | 'show' | 'retry' | 'drop',
  ids: readonly string[],
  flags: SpoolFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const directory = stateDirectory(loadConfig(flags.config));
  const [id] = ids;
  if (action === 'list') {
    const { waiting, dead } = await asking(directory, (spool) => spool.list({ limit: flags.limit }));
    write(flags.json ? `${JSON.stringify({ waiting, dead })}\n` : listText(waiting, dead));
    return exitCodes.ok.code;
  }
  if (action === 'show') {
    if (id === undefined) throw usage('Name the delivery: lanner spool show ID.');
    const payload = await asking(directory, (spool) => spool.show({ id }));
    if (payload === null) throw usage(`there is no delivery ${id}; see lanner spool list`);
    write(`${JSON.stringify(JSON.parse(payload), null, 2)}\n`);
    return exitCodes.ok.code;
  }
  const selection = selectionOf(ids, flags);
  const count = await asking(directory, (spool) => spool[action](selection));
  write(action === 'retry' ? `${count} wait again\n` : `${count} dropped\n`);
  return exitCodes.ok.code;
}

function selectionOf(ids: readonly string[], flags: SpoolFlags): Selection {
  if (ids.length > 0) return { ids: [...ids] };
  if (!flags.all)
    throw usage('Name deliveries, or give --all for all dead letters (of one sink with --sink).');
  return flags.sink === undefined ? { all: true } : { all: true, sink: flags.sink };
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, 'See lanner spool --help.');
}

/** The same call wherever the spool is. */
async function asking<T>(directory: string, call: (spool: SpoolControl) => Promise<T>): Promise<T> {
  const path = controlSocket(directory);
  const ask = async (name: string, input: unknown) => {
    const reply = await askControl(path, `spool_${name}`, input);
    if (!reply) throw new NobodyRuns();
    return reply.value as never;
  };
  const running: SpoolControl = {
    list: (input) => ask('list', input),
    show: (input) => ask('show', input),
    retry: (input) => ask('retry', input),
    drop: (input) => ask('drop', input),
  };
  try {
    return await call(running);
  } catch (error) {
    if (!(error instanceof NobodyRuns)) throw error;
  }
  const store = durableStore(directory, { only_look: true });
  try {
    return await call(controlStopped(store, await entriesOf(store, directory)));
  } finally {
    await store.close();
  }
}

async function entriesOf(store: DeliveryStore, directory: string): Promise<SpoolEntry[]> {
  try {
    return (await store.open()).entries;
  } catch (error) {
    if (error instanceof LannerError) throw error;
    throw new LannerError(
      'store_unusable',
      `${directory}: ${messageOf(error)}`,
      'Check state_dir, and that this user may write there.',
      { cause: error },
    );
  }
}

class NobodyRuns extends Error {}

function listText(waiting: SpoolEntry[], dead: DeadLetter[]): string {
  const age = (since: number) => `${Math.max(0, Math.round((Date.now() - since) / 1000))} s`;
  const line = (entry: SpoolEntry, more: string) =>
    `  ${entry.severity.padEnd(8)} ${entry.sink.padEnd(16)} ${entry.id}  ${more}\n`;
  const first = waiting.map((entry) =>
    line(entry, `waits ${age(entry.accepted_ms)}, ${entry.attempts} attempts`),
  );
  const second = dead.map(({ entry, reason, detail, died_ms }) =>
    line(entry, printable(`${reason} ${age(died_ms)} ago: ${detail}`, 120)),
  );
  return `${waiting.length} waiting\n${first.join('')}${dead.length} dead letters\n${second.join('')}`;
}
