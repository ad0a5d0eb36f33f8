import { compareSeverity, type ExceptionNote, type Finding, type Severity } from '../model/finding.ts';
import { indexMatches } from './anchors.ts';
import { checkedCel } from './cel.ts';
import { compileExceptionMatch, type ExceptionMatch } from './exceptions-match.ts';
import { type ExceptionConfig, expiryOf } from './exceptions-schema.ts';
import { all, type Decision, type Matcher } from './match.ts';

/** Notes in one finding of exceptions that did not apply: where a fact is missing, all may be undecided. */
const MAX_IDLE_NOTES = 20;

/** What became of a finding. */
export interface Excepted {
  /** With `exceptions` where any applied or might have, and its severity lowered where one said so. */
  finding: Finding;
  hidden: boolean;
}

/** One exception that was looked at, for `explain`. */
export interface ExceptionStep extends ExceptionNote {
  is: Decision['is'] | 'expired' | 'broken_through';
}

/** The exceptions, ready to use. Pure: whether one has expired is asked of the finding's own time. */
export interface Exceptions {
  readonly names: readonly { name: string; mode: ExceptionNote['mode'] }[];
  /**
   * The cost does not grow with exceptions that name another tool, image, workload or argument. `note` hears
   * each exception, those that do not match too; the result is the same.
   */
  apply(finding: Finding, note?: (step: ExceptionStep) => void): Excepted;
}

interface Compiled {
  name: string;
  mode: ExceptionNote['mode'];
  lower: Severity | undefined;
  expires: string | undefined;
  named: ReadonlySet<string>;
  matches: Matcher;
}

/** Compiles what was validated; throws an Error on what validation should have refused. */
export function compileExceptions(configs: readonly ExceptionConfig[]): Exceptions {
  const compiled = configs.map(compileOne);
  const candidates = indexMatches(configs.map(({ match }) => match as ExceptionMatch | undefined));
  const every = configs.map((_config, index) => index);
  return {
    names: compiled.map(({ name, mode }) => ({ name, mode })),
    apply(finding, note) {
      const notes: ExceptionNote[] = [];
      let hidden = false;
      let severity = finding.severity;
      let idle = 0;
      for (const index of note === undefined ? candidates(finding) : every) {
        const one = compiled[index]!;
        const step = decide(one, finding);
        note?.(step);
        if (step.is === 'no') continue;
        if (step.applied || ++idle <= MAX_IDLE_NOTES) notes.push(noteOf(step));
        if (!step.applied) continue;
        if (one.mode === 'hide') hidden = true;
        if (one.lower !== undefined && compareSeverity(one.lower, severity) < 0) severity = one.lower;
      }
      if (notes.length === 0) return { finding, hidden };
      const lowered = severity === finding.severity ? {} : { severity, severity_before: finding.severity };
      return { finding: { ...finding, ...lowered, exceptions: notes }, hidden };
    },
  };
}

const reasons: Partial<Record<ExceptionStep['is'], NonNullable<ExceptionNote['because']>>> = {
  unknown: 'missing_fact',
  expired: 'expired',
  broken_through: 'hard_indicator',
};

function noteOf({ name, mode, applied, why, is }: ExceptionStep): ExceptionNote {
  const because = reasons[is];
  return { name, mode, applied, why, ...(because !== undefined && { because }) };
}

/** Exceptions that have stopped at `now` (RFC 3339 in UTC, nine digits). */
export function expiredExceptions(
  configs: readonly ExceptionConfig[],
  now: string,
): { name: string; expires: string; owner?: string }[] {
  return configs
    .filter(({ expires }) => expires !== undefined && hasExpired(expiryOf(expires), now))
    .map(({ name, expires, owner }) => ({
      name,
      expires: expires!,
      ...(owner !== undefined && { owner }),
    }));
}

function compileOne(config: ExceptionConfig): Compiled {
  const { name, match, when, mode, expires, even_if } = config;
  const matchers = [
    ...(match === undefined ? [] : [compileExceptionMatch(match as ExceptionMatch)]),
    ...(when === undefined ? [] : [checkedCel(when)]),
  ];
  return {
    name,
    mode: typeof mode === 'object' ? 'lower' : mode,
    lower: typeof mode === 'object' ? mode.lower : undefined,
    expires: expires === undefined ? undefined : expiryOf(expires),
    named: new Set([...even_if, ...namedIndicators(match as ExceptionMatch | undefined)]),
    matches: all(matchers),
  };
}

/** Indicators spelled out in `match`: whoever names one, means it. A glob names none. */
function namedIndicators(match: ExceptionMatch | undefined): string[] {
  const pattern = match?.indicator;
  const listed = (Array.isArray(pattern) ? pattern : [pattern]).filter((one) => one !== undefined);
  return listed.map(String).filter((text) => /^[a-z0-9_]+$/.test(text));
}

function decide(one: Compiled, finding: Finding): ExceptionStep {
  const decision = one.matches(finding);
  const step = (is: ExceptionStep['is'], why: string, applied = false): ExceptionStep => ({
    name: one.name,
    mode: one.mode,
    applied,
    why,
    is,
  });
  if (decision.is === 'no') return step('no', decision.why);
  if (hasExpired(one.expires, finding.time))
    return step('expired', `it expired ${one.expires?.slice(0, 19)}Z`);
  if (decision.is === 'unknown') return step('unknown', decision.why);
  const hard = finding.indicators.filter(({ id, hard }) => hard && !one.named.has(id)).map(({ id }) => id);
  if (hard.length > 0 && one.mode !== 'count')
    return step('broken_through', `${hard.join(', ')} breaks through: the exception does not name it`);
  return step('yes', decision.why, true);
}

function hasExpired(expires: string | undefined, time: string): boolean {
  return expires !== undefined && time > expires;
}
