import { compareSeverity, type Finding, type Severity } from '../model/finding.ts';
import { type Paint, printable, severityText } from './terminal.ts';

/** What one configuration made of one finding. */
export interface Outcome {
  id: string;
  time: string;
  severity: Severity;
  title: string;
  command: string;
  /** Sorted; empty: reported nowhere. */
  sinks: string[];
  /** Exceptions that hide it; absent: it is told. */
  hidden_by?: string[];
}

/** Of two configurations over the same events, what differs. Each list in the order of time. */
export interface ReplayDiff {
  newly_fires: Outcome[];
  /** As it was told before, and what hides it now, if an exception does. */
  no_longer_fires: (Outcome & { now_hidden_by?: string[] })[];
  changed_severity: { from: Outcome; to: Outcome }[];
  changed_destination: { from: Outcome; to: Outcome }[];
  unchanged: number;
}

/** The outcome of a finding; of its later revisions the last one counts. */
export function outcomeOf(finding: Finding, sinks: readonly string[], hidden: boolean): Outcome {
  const hiding = (finding.exceptions ?? []).filter(({ mode, applied }) => mode === 'hide' && applied);
  return {
    id: finding.id,
    time: finding.time,
    severity: finding.severity,
    title: finding.title,
    command: finding.exec.process.argv.join(' ').slice(0, 300),
    sinks: [...sinks].sort(),
    ...(hidden && { hidden_by: hiding.map(({ name }) => name) }),
  };
}

/**
 * Compares by the finding's id, which is that of its first exec: where an exception takes away the first of
 * several execs of one command, the next of them fires in its stead and is shown as new.
 */
export function diffOutcomes(
  old: ReadonlyMap<string, Outcome>,
  now: ReadonlyMap<string, Outcome>,
): ReplayDiff {
  const diff: ReplayDiff = {
    newly_fires: [],
    no_longer_fires: [],
    changed_severity: [],
    changed_destination: [],
    unchanged: 0,
  };
  for (const [id, from] of old) {
    if (from.hidden_by !== undefined) continue;
    const to = now.get(id);
    if (to === undefined) diff.no_longer_fires.push(from);
    else if (to.hidden_by !== undefined) diff.no_longer_fires.push({ ...from, now_hidden_by: to.hidden_by });
    else {
      const severity = from.severity !== to.severity;
      const destination = from.sinks.join() !== to.sinks.join();
      if (severity) diff.changed_severity.push({ from, to });
      if (destination) diff.changed_destination.push({ from, to });
      if (!severity && !destination) diff.unchanged += 1;
    }
  }
  for (const [id, to] of now) {
    const from = old.get(id);
    if (to.hidden_by === undefined && (from === undefined || from.hidden_by !== undefined))
      diff.newly_fires.push(to);
  }
  const byTime = (a: Outcome, b: Outcome) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0);
  diff.newly_fires.sort(byTime);
  diff.no_longer_fires.sort(byTime);
  diff.changed_severity.sort((a, b) => byTime(a.from, b.from));
  diff.changed_destination.sort((a, b) => byTime(a.from, b.from));
  return diff;
}

export function isDifferent(diff: ReplayDiff): boolean {
  const { newly_fires, no_longer_fires, changed_severity, changed_destination } = diff;
  return [newly_fires, no_longer_fires, changed_severity, changed_destination].some(
    ({ length }) => length > 0,
  );
}

/** For tools: counts, and at most so many examples of each, the most severe first. */
export function diffJson(diff: ReplayDiff, examples: number): Record<string, unknown> {
  const part = <T>(all: readonly T[], of: (one: T) => Outcome) => ({
    count: all.length,
    examples: mostSevere(all, of, examples),
  });
  return {
    different: isDifferent(diff),
    unchanged: diff.unchanged,
    newly_fires: part(diff.newly_fires, (one) => one),
    no_longer_fires: part(diff.no_longer_fires, (one) => one),
    changed_severity: part(diff.changed_severity, ({ from }) => from),
    changed_destination: part(diff.changed_destination, ({ from }) => from),
  };
}

/** For a person. */
export function renderDiff(diff: ReplayDiff, examples: number, paint: Paint): string {
  const line = (one: Outcome, more = '') =>
    `  ${severityText(one.severity, paint)} ${printable(one.title, 120)}${more}\n           ${paint('dim', printable(one.command, 120))}\n`;
  const change = (from: Outcome, what: string) => line(from, ` ${paint('bold', what)}`);
  const part = <T>(title: string, all: readonly T[], of: (one: T) => Outcome, show: (one: T) => string) => {
    const shown = mostSevere(all, of, examples);
    const rest = all.length - shown.length;
    return `${paint('bold', `${all.length} ${title}`)}\n${shown.map(show).join('')}${rest > 0 ? `  … and ${rest} more\n` : ''}`;
  };
  const sinks = (one: Outcome) => (one.sinks.length === 0 ? 'no sink' : one.sinks.join(', '));
  const self = (one: Outcome) => one;
  return [
    part('newly fire', diff.newly_fires, self, (one) => line(one)),
    part('no longer fire', diff.no_longer_fires, self, (one) =>
      line(one, one.now_hidden_by === undefined ? '' : ` (hidden by ${one.now_hidden_by.join(', ')})`),
    ),
    part(
      'change severity',
      diff.changed_severity,
      ({ from }) => from,
      (one) => change(one.from, `${one.from.severity} → ${one.to.severity}`),
    ),
    part(
      'change destination',
      diff.changed_destination,
      ({ from }) => from,
      (one) => change(one.from, `${sinks(one.from)} → ${sinks(one.to)}`),
    ),
    `${diff.unchanged} unchanged\n`,
  ].join('');
}

function mostSevere<T>(all: readonly T[], of: (one: T) => Outcome, count: number): T[] {
  return [...all].sort((a, b) => compareSeverity(of(b).severity, of(a).severity)).slice(0, count);
}
