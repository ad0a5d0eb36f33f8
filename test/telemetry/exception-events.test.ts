import { expect, it } from 'vitest';
import { exceptionEvents } from '../../src/telemetry/exception-events.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { aFinding } from '../support/finding.ts';

it('counts what exceptions do, with the last time and a sample, and knows the unused', async () => {
  const metrics = new Metrics();
  const events = exceptionEvents(
    metrics,
    [
      { name: 'probe', mode: 'hide' },
      { name: 'idle', mode: 'count' },
    ],
    Date.parse('2026-11-22T11:00:00.500Z'),
  );
  expect(events.since).toBe('2026-11-22T11:00:00.500000000Z');
  const note = { name: 'probe', mode: 'hide' as const, why: '' };
  events.seen(aFinding({ exceptions: [{ ...note, applied: true }] }));
  events.seen(aFinding({ id: 'f-2', exceptions: [{ ...note, applied: true }] }));
  events.seen(aFinding({ id: 'f-3', exceptions: [{ ...note, applied: false }] }));
  events.seen(aFinding());
  const { time, title } = aFinding();
  expect(events.uses()).toEqual([
    { name: 'probe', mode: 'hide', hits: 2, not_applied: 1, last: { time, id: 'f-2', title } },
    { name: 'idle', mode: 'count', hits: 0, not_applied: 0 },
  ]);
  expect(events.unused()).toEqual(['idle']);
  const text = await metrics.registry.metrics();
  expect(text).toContain('lanner_exception_hits_total{exception="probe",mode="hide"} 2');
  expect(text).toContain('lanner_exception_hits_total{exception="idle",mode="count"} 0');
  expect(text).toMatch(/^lanner_exception_last_hit_timestamp_seconds\{exception="probe"\} 1795348800\.123/m);
  expect(text).toContain('lanner_exception_not_applied_total{exception="probe"} 1');
});
