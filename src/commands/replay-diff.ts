import { compareSeverity } from '../model/finding.ts';
import { isDifferent, type Outcome, type ReplayDiff } from '../route/outcome-diff.ts';
import { type Paint, printable, severityText } from './terminal.ts';

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
