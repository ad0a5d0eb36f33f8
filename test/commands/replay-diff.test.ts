import { describe, expect, it } from 'vitest';
import { diffJson, renderDiff } from '../../src/commands/replay-diff.ts';
import { diffOutcomes, isDifferent, type Outcome } from '../../src/route/outcome-diff.ts';

function outcome(id: string, change: Partial<Outcome> = {}): Outcome {
  return {
    id,
    time: `2026-01-01T00:00:0${id.length}Z`,
    severity: 'low',
    title: `t ${id}`,
    command: 'curl x',
    sinks: ['ops'],
    ...change,
  };
}
const mapOf = (...all: Outcome[]) => new Map(all.map((one) => [one.id, one]));
const plain = (_style: unknown, text: string) => text;

describe('what differs between two outcomes', () => {
  it.each([
    ['nothing', [outcome('a')], [outcome('a')], {}],
    ['one is new', [], [outcome('a')], { newly_fires: 1 }],
    ['one was hidden', [outcome('a', { hidden_by: ['x'] })], [outcome('a')], { newly_fires: 1 }],
    ['one is gone', [outcome('a')], [], { no_longer_fires: 1 }],
    ['one is hidden', [outcome('a')], [outcome('a', { hidden_by: ['x'] })], { no_longer_fires: 1 }],
    ['one is hidden in both', [outcome('a', { hidden_by: ['x'] })], [outcome('a', { hidden_by: ['y'] })], {}],
    ['the severity', [outcome('a')], [outcome('a', { severity: 'high' })], { changed_severity: 1 }],
    ['the sinks', [outcome('a')], [outcome('a', { sinks: [] })], { changed_destination: 1 }],
    [
      'both',
      [outcome('a')],
      [outcome('a', { severity: 'high', sinks: ['ops', 'pager'] })],
      { changed_severity: 1, changed_destination: 1 },
    ],
  ] as [string, Outcome[], Outcome[], Record<string, number>][])('%s', (_what, old, now, wanted) => {
    const diff = diffOutcomes(mapOf(...old), mapOf(...now));
    const counts = Object.fromEntries(
      Object.entries(diff).flatMap(([key, all]) =>
        Array.isArray(all) && all.length > 0 ? [[key, all.length]] : [],
      ),
    );
    expect(counts).toEqual(wanted);
    expect(isDifferent(diff)).toBe(Object.keys(wanted).length > 0);
  });

  it('shows the most severe first, and how many more there are', () => {
    const all = [outcome('a'), outcome('bb', { severity: 'critical' }), outcome('ccc', { severity: 'high' })];
    const diff = diffOutcomes(new Map(), mapOf(...all));
    expect(diffJson(diff, 2)).toMatchObject({
      different: true,
      newly_fires: { count: 3, examples: [{ id: 'bb' }, { id: 'ccc' }] },
    });
    const text = renderDiff(diff, 2, plain);
    expect(text).toContain('3 newly fire\n  CRITICAL t bb');
    expect(text).toContain('… and 1 more');
    expect(text).not.toContain('t a\n');
  });

  it('says what hides, and where to and from', () => {
    const old = mapOf(outcome('a'), outcome('b'), outcome('c'));
    const now = mapOf(
      outcome('a', { hidden_by: ['probe'] }),
      outcome('b', { sinks: [] }),
      outcome('c', { severity: 'info' }),
    );
    const text = renderDiff(diffOutcomes(old, now), 5, plain);
    expect(text).toContain('t a (hidden by probe)');
    expect(text).toContain('t b ops → no sink');
    expect(text).toContain('t c low → info');
  });
});
