import type { Finding, Severity } from '../model/finding.ts';

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
