import { describe, expect, it } from 'vitest';
import { historySchema } from '../../src/history/config.ts';
import { openMissRecorder } from '../../src/history/misses.ts';
import type { HistoryRecord, Miss, MissCount, MissedExec } from '../../src/model/history.ts';
import { missEvents } from '../../src/telemetry/history-events.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { manualClock } from '../support/clock.ts';
import { aFinding } from '../support/finding.ts';

const { exec } = aFinding();
const missed: MissedExec = {
  event: exec,
  verdict: {
    severity: 'none',
    score: 8,
    tool: 'curl',
    category: 'http',
    indicators: [],
    why: [],
    mitre: [],
    triage: [],
  },
  facts: { seen_before: 4 },
  floor: 'low',
  seconds: 1_795_000_000,
};

function open(fail = false) {
  const clock = manualClock();
  const batches: { records: HistoryRecord[]; counts: MissCount[] }[] = [];
  const metrics = new Metrics();
  const events = missEvents(metrics, silentLog);
  const recorder = openMissRecorder({
    store: {
      keepMisses: async (records, counts) => {
        if (fail) throw new Error('disk full');
        batches.push({ records: [...records], counts: [...counts] });
        return 0;
      },
    },
    config: historySchema.parse({}).misses,
    clock,
    events,
    findingId: (id) => `f-of-${id}`,
    redact: (miss) => ({ ...miss, exec: { ...miss.exec, source: 'redacted' } }),
  });
  return { clock, batches, recorder, events, metrics };
}

describe('what keeps execs that did not fire', () => {
  it('writes the first of them, redacted, with what memory knew, under an id that belongs to the exec', async () => {
    const { batches, recorder } = open();
    recorder.miss(missed);
    await recorder.close();
    const [record] = batches[0]!.records;
    expect(record).toMatchObject({ id: 'm-of-exec-1', tool: 'curl', namespace: 'shop', severity: 'none' });
    expect(JSON.parse(record?.payload ?? '')).toEqual({
      schema: 'lanner.miss/v1',
      id: 'm-of-exec-1',
      time: exec.time,
      severity: 'none',
      score: 8,
      tool: 'curl',
      category: 'http',
      indicators: [],
      floor: 'low',
      facts: { seen_before: 4 },
      exec: { ...exec, source: 'redacted' },
    } satisfies Miss);
  });

  it('makes no text of those that are only counted, and writes the counts some time later', async () => {
    const { clock, batches, recorder } = open();
    let texts = 0;
    const event = {
      ...exec,
      toJSON() {
        texts += 1;
        return exec;
      },
    };
    for (let i = 0; i < 1000; i += 1) recorder.miss({ ...missed, event });
    expect(recorder.counts()).toEqual({ kept: 3, counted: 997, rate_limited: 0 });
    expect(texts).toBe(3);
    await clock.advance(30_000);
    await recorder.close();
    expect(batches.flatMap(({ counts }) => counts)).toContainEqual({ id: 'm-of-exec-1', stands_for: 901 });
  });

  it('counts what became of them', async () => {
    const { recorder, events, metrics } = open(true);
    for (let i = 0; i < 5; i += 1) recorder.miss(missed);
    await recorder.close();
    events.refresh(recorder.counts());
    const text = await metrics.registry.metrics();
    expect(text).toContain('lanner_history_misses_total{fate="counted"} 4');
    expect(text).toContain('lanner_history_misses_total{fate="store_failed"} 1');
  });
});
