import { compareSeverity, type ExceptionNote, type Finding, type Severity } from '../model/finding.ts';
import type { Kept } from '../model/history.ts';
import { type ExceptionConfig, expiryOf } from '../route/exceptions-schema.ts';

/** What is wrong with an exception, or will be. Closed. */
export type Remark =
  | 'expired'
  | 'expires_soon'
  | 'never_hit'
  | 'hides_severe'
  | 'hides_hard_indicator'
  | 'hides_malicious'
  | 'broken_through'
  | 'undecided'
  | 'shadowed';

/** A finding an exception met. */
export interface Met {
  time: string;
  id: string;
  title: string;
}

/** One exception at work. */
export interface ExceptionReport {
  name: string;
  mode: ExceptionNote['mode'];
  reason: string;
  owner?: string;
  expires?: string;
  /** The larger of the next two: each forgets what the other may know. */
  hits: number;
  /** Findings in the history it applied to. */
  hits_kept: number;
  /** Findings it applied to since the running Lanner started, folded ones too; absent: none runs. */
  hits_since_start?: number;
  last?: Met;
  /** How often it did not apply though it matched or may have, by what kept it. */
  kept_from: Partial<Record<NonNullable<ExceptionNote['because']>, number>>;
  remarks: { is: Remark; text: string; sample?: string }[];
}

/** What a running Lanner knows since it started. */
export interface LiveUses {
  /** RFC 3339 in UTC, nine digits. */
  since: string;
  uses: { name: string; hits: number; last?: Met }[];
}

export interface ReportOptions {
  /** RFC 3339 in UTC, nine digits. */
  now: string;
  /** Hiding a finding of this severity is remarked on. */
  severe: Severity;
  /** An expiry so many days ahead is remarked on. */
  soon_days: number;
  live?: LiveUses;
}

/** What one exception did to the kept findings. */
interface Tally {
  hits: number;
  last?: Met;
  kept_from: ExceptionReport['kept_from'];
  concerns: Map<Remark, { count: number; sample: Met; why?: string }>;
  /** By name: how often another applied as well. */
  with: Map<string, number>;
}

/** Looks at kept findings one by one; `result` says what is to be said of each exception, in their order. */
export function openExceptionsReport(
  configs: readonly ExceptionConfig[],
  options: ReportOptions,
): { take(finding: Kept): void; result(): { watched_since?: string; exceptions: ExceptionReport[] } } {
  const tallies = new Map<string, Tally>(
    configs.map(({ name }) => [name, { hits: 0, kept_from: {}, concerns: new Map(), with: new Map() }]),
  );
  let oldest: string | undefined;

  function take(kept: Kept): void {
    if (kept.schema !== 'lanner.finding/v1') return;
    const finding: Finding & Pick<Kept, 'label'> = kept;
    if (oldest === undefined || finding.time < oldest) oldest = finding.time;
    const applied = (finding.exceptions ?? []).filter((note) => note.applied).map(({ name }) => name);
    for (const note of finding.exceptions ?? []) {
      const tally = tallies.get(note.name);
      if (tally === undefined) continue;
      if (note.applied) hit(tally, note, finding, applied);
      else kept_from(tally, note, finding);
    }
  }

  function hit(
    tally: Tally,
    note: ExceptionNote,
    finding: Finding & Pick<Kept, 'label'>,
    applied: readonly string[],
  ): void {
    tally.hits += 1;
    const met = metOf(finding);
    if (tally.last === undefined || finding.time >= tally.last.time) tally.last = met;
    for (const other of applied)
      if (other !== note.name) tally.with.set(other, (tally.with.get(other) ?? 0) + 1);
    if (note.mode === 'count') return;
    const severity = finding.severity_before ?? finding.severity;
    if (compareSeverity(severity, options.severe) >= 0) concern(tally, 'hides_severe', met);
    if (finding.indicators.some(({ hard }) => hard)) concern(tally, 'hides_hard_indicator', met);
    if (finding.label?.is === 'malicious') concern(tally, 'hides_malicious', met);
  }

  function result(): { watched_since?: string; exceptions: ExceptionReport[] } {
    const since = [oldest, options.live?.since].filter((one) => one !== undefined).sort()[0];
    const exceptions = configs.map((config) => {
      const tally = tallies.get(config.name)!;
      return reportOf(config, tally, since, shadowOf(config, tally), options);
    });
    return { ...(since !== undefined && { watched_since: since }), exceptions };
  }

  /** Another that applied each time this one did; of two that are the same, the later is the shadow. */
  function shadowOf({ name }: ExceptionConfig, tally: Tally): string | undefined {
    if (tally.hits === 0) return undefined;
    const order = configs.map((config) => config.name);
    const covering = [...tally.with].find(([other, times]) => {
      const theirs = tallies.get(other);
      const config = configs.find((one) => one.name === other);
      if (theirs === undefined || times < tally.hits || config?.mode !== 'hide') return false;
      return theirs.hits > tally.hits || order.indexOf(other) < order.indexOf(name);
    });
    return covering?.[0];
  }

  return { take, result };
}

function metOf({ time, id, title }: Finding): Met {
  return { time, id, title };
}

function concern(tally: Tally, is: Remark, sample: Met, why?: string): void {
  const known = tally.concerns.get(is);
  if (known === undefined) tally.concerns.set(is, { count: 1, sample, ...(why !== undefined && { why }) });
  else tally.concerns.set(is, { ...known, count: known.count + 1, sample });
}

function kept_from(tally: Tally, { because, why }: ExceptionNote, finding: Finding): void {
  if (because === undefined) return;
  tally.kept_from[because] = (tally.kept_from[because] ?? 0) + 1;
  if (because === 'hard_indicator') concern(tally, 'broken_through', metOf(finding), why);
  if (because === 'missing_fact') concern(tally, 'undecided', metOf(finding), why);
}

function reportOf(
  { name, mode, reason, owner, expires }: ExceptionConfig,
  tally: Tally,
  since: string | undefined,
  shadow: string | undefined,
  options: ReportOptions,
): ExceptionReport {
  const live = options.live?.uses.find((use) => use.name === name);
  const hits = Math.max(tally.hits, live?.hits ?? 0);
  const last = [tally.last, live?.last]
    .filter((one) => one !== undefined)
    .sort((a, b) => (a.time < b.time ? -1 : 1))
    .at(-1);
  const remarks: ExceptionReport['remarks'] = [
    ...expiryRemark(expires, options),
    ...(hits > 0 ? [] : [{ is: 'never_hit' as const, text: neverHit(since) }]),
    ...[...tally.concerns].map(([is, { count, sample, why }]) => ({
      is,
      text: concernText(is, count, why, options.severe),
      sample: sample.id,
    })),
    ...(shadow === undefined
      ? []
      : [{ is: 'shadowed' as const, text: `each time it applied, ${shadow} did too: it may not be needed` }]),
  ];
  return {
    name,
    mode: typeof mode === 'object' ? 'lower' : mode,
    reason,
    ...(owner !== undefined && { owner }),
    ...(expires !== undefined && { expires }),
    hits,
    hits_kept: tally.hits,
    ...(live !== undefined && { hits_since_start: live.hits }),
    ...(last !== undefined && { last }),
    kept_from: tally.kept_from,
    remarks,
  };
}

function neverHit(since: string | undefined): string {
  return since === undefined
    ? 'it never applied, and nothing was watched yet'
    : `it never applied since ${since.slice(0, 16)}Z, which is as far back as is known`;
}

function expiryRemark(
  expires: string | undefined,
  { now, soon_days }: ReportOptions,
): ExceptionReport['remarks'] {
  const end = expires === undefined ? undefined : expiryOf(expires);
  if (end === undefined) return [];
  if (end < now) return [{ is: 'expired', text: `it expired ${expires} and does not apply any more` }];
  const days = Math.floor((Date.parse(end) - Date.parse(now)) / 86_400_000);
  return days >= soon_days
    ? []
    : [
        {
          is: 'expires_soon',
          text: `it expires ${expires}, in ${days === 0 ? 'less than a day' : `${days} days`}`,
        },
      ];
}

function concernText(is: Remark, count: number, why: string | undefined, severe: Severity): string {
  const times = `${count} ${count === 1 ? 'finding' : 'findings'}`;
  switch (is) {
    case 'hides_severe':
      return `it changed what was told of ${times} of ${severe} or above`;
    case 'hides_hard_indicator':
      return `it changed what was told of ${times} with a hard indicator that it names`;
    case 'hides_malicious':
      return `it changed what was told of ${times} that a person labelled malicious`;
    case 'broken_through':
      return `it also fits ${times} with a hard indicator, which were told: ${why ?? ''}`;
    default:
      return `of ${times} it could not be decided: ${why ?? ''}`;
  }
}
