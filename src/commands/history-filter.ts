import { LannerError } from '../lib/errors.ts';
import { normalizeTime, rfc3339 } from '../lib/time.ts';
import { compareSeverity, type Severity, severities } from '../model/finding.ts';
import { type HistoryFilter, type Label, labels } from '../model/history.ts';

/** What commands that look at the history have in common. */
export interface FilterFlags {
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
  missed?: boolean;
  label?: string;
}

/** The filter that flags ask for; ages count back from `now` (epoch milliseconds). Throws LannerError `usage`. */
export function filterOf(flags: FilterFlags, now: number): HistoryFilter {
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
    ...(flags.label !== undefined && { label: labelOf(flags.label) }),
    ...(flags.missed === true && { missed: true }),
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

/** A label by its name. Throws LannerError `usage`. */
export function labelOf(text: string): Label['is'] {
  const found = labels.find((one) => one === text);
  if (found === undefined)
    throw usage(`there is no label ${JSON.stringify(text)}. Known: ${labels.join(', ')}`);
  return found;
}

/** How many are asked for at most; 0: all. Throws LannerError `usage`. */
export function limitOf({ limit, json }: { limit?: string; json: boolean }): number {
  if (limit === undefined) return json ? Number.MAX_SAFE_INTEGER : 50;
  const count = Number(limit);
  if (!Number.isInteger(count) || count < 0) throw usage(`--limit ${limit}: not a whole number`);
  return count === 0 ? Number.MAX_SAFE_INTEGER : count;
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, 'See lanner history query --help.');
}
