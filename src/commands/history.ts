import { type Config, loadConfig } from '../config.ts';
import { durableStore } from '../deliver/store/durable.ts';
import { askControl } from '../http/control.ts';
import { LannerError } from '../lib/errors.ts';
import type { HistoryFilter, HistoryPage, Kept, Label } from '../model/history.ts';
import type { HistoryQuestion } from '../service/control.ts';
import { controlSocket, stateDirectory } from '../service/places.ts';
import { exitCodes } from './exit-codes.ts';
import { type FilterFlags, filterOf, limitOf } from './history-filter.ts';
import { paintFor, printable, severityText } from './terminal.ts';

export interface HistoryFlags extends FilterFlags {
  config: string;
  limit?: string;
  json: boolean;
}

/** Findings come in pages, so that a long answer holds up neither side. */
const PAGE = 200;

/**
 * `lanner history query`: from the running Lanner, or from the files of one that is stopped. Throws LannerError
 * `usage` for a filter that makes no sense.
 */
export async function historyQuery(
  flags: HistoryFlags,
  out: { write(text: string): boolean; once(event: 'drain', listener: () => void): void } = process.stdout,
): Promise<number> {
  const filter = filterOf(flags, Date.now());
  const limit = limitOf(flags);
  const paint = paintFor(process.stdout, process.env);
  let count = 0;
  for await (const text of keptTexts(loadConfig(flags.config), filter, { newest: !flags.json, limit })) {
    count += 1;
    const line = flags.json ? text : lineOf(JSON.parse(text) as Kept, paint);
    if (!out.write(`${line}\n`)) await new Promise<void>((resolve) => out.once('drain', resolve));
  }
  if (!flags.json && count === 0)
    out.write(flags.missed ? 'no exec that did not fire fits\n' : 'no finding fits\n');
  return exitCodes.ok.code;
}

/** Kept findings or misses as JSON texts, in the order they were kept or the newest first. */
export async function* keptTexts(
  config: Config,
  filter: HistoryFilter,
  { newest, limit }: { newest: boolean; limit: number },
): AsyncGenerator<string> {
  const history = await openHistory(config);
  try {
    let left = limit;
    let from: number | undefined;
    do {
      const page = await history.query({
        filter,
        page: { newest, limit: Math.min(PAGE, left), ...(from !== undefined && { from }) },
      });
      yield* page.payloads;
      left -= page.payloads.length;
      from = page.next;
    } while (from !== undefined && left > 0);
  } finally {
    await history.close();
  }
}

/** A kept finding or miss by its id. */
export async function keptById(id: string, config: Config): Promise<Kept | undefined> {
  return withHistory(config, (history) => history.get(id));
}

/** Asks the running Lanner, or the files of one that is stopped, for as long as `use` needs it. */
export async function withHistory<T>(config: Config, use: (history: OpenHistory) => Promise<T>): Promise<T> {
  const history = await openHistory(config);
  try {
    return await use(history);
  } finally {
    await history.close();
  }
}

export interface OpenHistory {
  query(question: HistoryQuestion): Promise<HistoryPage>;
  get(id: string): Promise<Kept | undefined>;
  /** Says what a person thinks of a finding or miss; false: there is none with this id. */
  label(id: string, label: Label): Promise<boolean>;
  close(): Promise<void>;
}

async function openHistory(config: Config): Promise<OpenHistory> {
  if (!config.durable)
    throw new LannerError('usage', 'this Lanner keeps no history: durable is false', 'Set durable: true.');
  const directory = stateDirectory(config);
  const path = controlSocket(directory);
  if ((await askControl(path, 'status')) !== undefined)
    return {
      query: async (question) => (await askControl(path, 'history_query', question))?.value as HistoryPage,
      get: async (id) => keptOf((await askControl(path, 'history_get', { id }))?.value),
      label: async (id, label) => (await askControl(path, 'history_label', { id, label }))?.value === true,
      close: async () => {},
    };
  const store = durableStore(directory, { only_look: true });
  await store.open();
  return {
    query: ({ filter, page }) => store.queryHistory(filter, page),
    get: async (id) => keptOf(await store.getHistory(id)),
    label: (id, label) => store.labelHistory(id, label),
    close: () => store.close(),
  };
}

function keptOf(text: unknown): Kept | undefined {
  return typeof text === 'string' ? (JSON.parse(text) as Kept) : undefined;
}

/** One line for a person: when, how bad, which, what; and what became of it. */
export function lineOf(kept: Kept, paint: ReturnType<typeof paintFor>): string {
  const when = kept.time.replace('T', ' ').slice(0, 19);
  return `${when}  ${severityText(kept.severity, paint)} ${kept.id}  ${printable(whatOf(kept), 160)}${notesOf(kept)}`;
}

function whatOf(kept: Kept): string {
  if (kept.schema === 'lanner.finding/v1') return kept.title;
  const { image, pod, container, process } = kept.exec;
  const where = image?.repository ?? pod?.name ?? container?.name ?? container?.id.slice(0, 12) ?? '';
  return `${kept.tool} in ${where}: ${process.argv.join(' ')}`;
}

function notesOf(kept: Kept): string {
  const notes: string[] = [];
  if (kept.schema === 'lanner.miss/v1')
    notes.push(`did not fire, score ${kept.score}, 1 of ${kept.stands_for ?? 1}`);
  else
    for (const { name, mode, applied } of kept.exceptions ?? [])
      if (applied) notes.push(`${mode} by ${name}`);
  const { label } = kept;
  if (label !== undefined)
    notes.push(printable(`${label.is}${label.note === undefined ? '' : `: ${label.note}`}`, 80));
  return notes.map((note) => ` (${note})`).join('');
}
