import { type Config, loadConfig } from '../config.ts';
import { durableStore } from '../deliver/store/durable.ts';
import { askControl } from '../http/control.ts';
import { LannerError } from '../lib/errors.ts';
import { normalizeTime, rfc3339 } from '../lib/time.ts';
import { compareSeverity, type Finding, type Severity, severities } from '../model/finding.ts';
import type { HistoryFilter, HistoryPage } from '../model/history.ts';
import type { HistoryQuestion } from '../service/control.ts';
import { controlSocket, stateDirectory } from '../service/places.ts';
import { exitCodes } from './exit-codes.ts';
import { paintFor, printable, severityText } from './terminal.ts';

export interface HistoryFlags {
  config: string;
  since?: string;
  until?: string;
  severity?: string;
  tool?: string;
  image?: string;
  namespace?: string;
  workload?: string;
  indicator?: string;
  exception?: string;
  hidden?: boolean;
  told?: boolean;
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
  for await (const text of keptFindings(loadConfig(flags.config), filter, { newest: !flags.json, limit })) {
    count += 1;
    const line = flags.json ? text : lineOf(JSON.parse(text) as Finding, paint);
    if (!out.write(`${line}\n`)) await new Promise<void>((resolve) => out.once('drain', resolve));
  }
  if (!flags.json && count === 0) out.write('no finding fits\n');
  return exitCodes.ok.code;
}

/** Kept findings as JSON texts, in the order they were kept or the newest first. */
export async function* keptFindings(
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

/** A kept finding by its id. */
export async function keptFinding(id: string, config: Config): Promise<Finding | undefined> {
  const history = await openHistory(config);
  try {
    const text = await history.get(id);
    return text === undefined ? undefined : (JSON.parse(text) as Finding);
  } finally {
    await history.close();
  }
}

interface OpenHistory {
  query(question: HistoryQuestion): Promise<HistoryPage>;
  get(id: string): Promise<string | undefined>;
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
      get: async (id) =>
        ((await askControl(path, 'history_get', { id }))?.value ?? undefined) as string | undefined,
      close: async () => {},
    };
  const store = durableStore(directory, { only_look: true });
  await store.open();
  return {
    query: ({ filter, page }) => store.queryHistory(filter, page),
    get: (id) => store.getHistory(id),
    close: () => store.close(),
  };
}

/** The filter that flags ask for; ages count back from `now` (epoch milliseconds). Throws LannerError `usage`. */
export function filterOf(flags: Omit<HistoryFlags, 'config' | 'json'>, now: number): HistoryFilter {
  const { tool, image, namespace, workload, indicator, exception } = flags;
  if (flags.hidden === true && flags.told === true) throw usage('--hidden and --told exclude each other');
  const hidden = flags.hidden === true ? true : flags.told === true ? false : undefined;
  return {
    ...(flags.since !== undefined && { since: whenOf('--since', flags.since, now) }),
    ...(flags.until !== undefined && { until: whenOf('--until', flags.until, now) }),
    ...(flags.severity !== undefined && { severities: severitiesOf(flags.severity) }),
    ...(tool !== undefined && { tool }),
    ...(image !== undefined && { image }),
    ...(namespace !== undefined && { namespace }),
    ...(workload !== undefined && { workload }),
    ...(indicator !== undefined && { indicator }),
    ...(exception !== undefined && { exception }),
    ...(hidden !== undefined && { hidden }),
  };
}

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function whenOf(flag: string, text: string, now: number): string {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined)
    return rfc3339(Math.floor(now / 1000) - Number(count) * unitSeconds[unit]!, 0);
  const time = normalizeTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (time === undefined)
    throw usage(`${flag} ${text}: neither a time (2026-11-22T12:00:00Z) nor an age (24h)`);
  return time;
}

function severitiesOf(text: string): Severity[] {
  const known = severities.filter((one) => one !== 'none');
  const [, least] = /^>=\s*(\w+)$/.exec(text) ?? [];
  const wanted = (least === undefined ? text.split(',') : [least]).map((one) => one.trim());
  const unknown = wanted.find((one) => !known.includes(one as (typeof known)[number]));
  if (unknown !== undefined)
    throw usage(`there is no severity ${JSON.stringify(unknown)}. Known: ${known.join(', ')}`);
  return least === undefined
    ? (wanted as Severity[])
    : known.filter((one) => compareSeverity(one, least as Severity) >= 0);
}

function limitOf({ limit, json }: HistoryFlags): number {
  if (limit === undefined) return json ? Number.MAX_SAFE_INTEGER : 50;
  const count = Number(limit);
  if (!Number.isInteger(count) || count < 0) throw usage(`--limit ${limit}: not a whole number`);
  return count === 0 ? Number.MAX_SAFE_INTEGER : count;
}

function lineOf(finding: Finding, paint: ReturnType<typeof paintFor>): string {
  const applied = (finding.exceptions ?? []).filter((one) => one.applied);
  const by =
    applied.length === 0 ? '' : ` (${applied.map(({ name, mode }) => `${mode} by ${name}`).join(', ')})`;
  const when = finding.time.replace('T', ' ').slice(0, 19);
  return `${when}  ${severityText(finding.severity, paint)} ${finding.id}  ${printable(finding.title, 120)}${by}`;
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, 'See lanner history query --help.');
}
