import { describe, expect, it } from 'vitest';
import { historySchema } from '../../src/history/config.ts';
import { openRecorder, recordOf } from '../../src/history/recorder.ts';
import type { HistoryBounds, HistoryRecord } from '../../src/model/history.ts';
import { historyEvents } from '../../src/telemetry/history-events.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { manualClock } from '../support/clock.ts';
import { aFinding } from '../support/finding.ts';

const told = { hidden: false, sinks: ['ops'] };

/** A store that answers when the test lets it. */
function slowStore() {
  const batches: {
    ids: string[];
    bounds: HistoryBounds;
    done: (forgotten: number) => void;
    fail: () => void;
  }[] = [];
  return {
    batches,
    keepHistory: (records: readonly HistoryRecord[], bounds: HistoryBounds) =>
      new Promise<number>((resolve, reject) => {
        batches.push({
          ids: records.map(({ id }) => id),
          bounds,
          done: resolve,
          fail: () => reject(new Error('the disk is full')),
        });
      }),
  };
}

function open(queue?: { max_records: number; max_bytes: number }) {
  const store = slowStore();
  const said: string[] = [];
  const clock = manualClock(10 * 86_400_000);
  const recorder = openRecorder({
    store,
    config: historySchema.parse({ max_days: 2 }),
    clock,
    events: {
      kept: (count) => said.push(`kept ${count}`),
      forgotten: (count) => said.push(`forgotten ${count}`),
      leftOut: (reason, count) => said.push(`${reason} ${count}`),
    },
    ...(queue !== undefined && { queue }),
  });
  /** Longer than what waits for company. */
  const turn = () => clock.advance(100);
  return { store, said, recorder, turn };
}

describe('what writes the history', () => {
  it('writes in one go what came in a tenth of a second, within the bounds', async () => {
    const { store, said, recorder, turn } = open();
    for (const id of ['f-1', 'f-2']) recorder.keep(recordOf(aFinding({ id }), told, 0));
    await turn();
    expect(store.batches.map(({ ids }) => ids)).toEqual([['f-1', 'f-2']]);
    expect(store.batches[0]!.bounds).toEqual({ max_bytes: 256 * 2 ** 20, before_ms: 8 * 86_400_000 + 100 });
    store.batches[0]!.done(3);
    await recorder.flush();
    expect(said).toEqual(['kept 2', 'forgotten 3']);
  });

  it('leaves out and counts what a slow store cannot take, and never waits', async () => {
    const { store, said, recorder, turn } = open({ max_records: 2, max_bytes: 2 ** 20 });
    recorder.keep(recordOf(aFinding({ id: 'f-0' }), told, 0));
    await turn();
    for (const id of ['f-1', 'f-2', 'f-3', 'f-4']) recorder.keep(recordOf(aFinding({ id }), told, 0));
    expect(said).toEqual(['queue_full 1', 'queue_full 1']);
    store.batches[0]!.done(0);
    await turn();
    expect(store.batches[1]!.ids).toEqual(['f-1', 'f-2']);
    store.batches[1]!.done(0);
    await recorder.flush();
  });

  it('answers a flush that comes while the last batch is ending', async () => {
    const { store, recorder, turn } = open();
    recorder.keep(recordOf(aFinding(), told, 0));
    await turn();
    const flushed: string[] = [];
    store.batches[0]!.done(0);
    // At each step of the ending: none may be forgotten.
    for (let step = 0; step < 8; step += 1) {
      void recorder.flush().then(() => flushed.push(`${step}`));
      await Promise.resolve();
    }
    await turn();
    expect(flushed).toHaveLength(8);
  });

  it('counts what a failing store did not keep, and goes on', async () => {
    const { store, said, recorder, turn } = open();
    recorder.keep(recordOf(aFinding(), told, 0));
    await turn();
    store.batches[0]!.fail();
    await recorder.flush();
    recorder.keep(recordOf(aFinding(), told, 0));
    await turn();
    store.batches[1]!.done(0);
    await recorder.flush();
    expect(said).toEqual(['store_failed 1', 'kept 1']);
  });

  it('leaves out a finding of more than a mebibyte', () => {
    const { said, recorder } = open();
    recorder.keep(recordOf(aFinding({ why: ['x'.repeat(2 ** 21)] }), told, 0));
    expect(said).toEqual(['too_large 1']);
  });

  it('keeps no context, which other findings and execs are', () => {
    const context = [{ time: '', kind: 'exec' as const, text: 'x' }];
    expect(JSON.parse(recordOf(aFinding({ context }), told, 0).payload)).toEqual(aFinding());
  });
});

it('what is left out is told once until it goes well again', async () => {
  const lines: string[] = [];
  const log = {
    ...silentLog,
    warn: () => lines.push('warn'),
    info: (_message: string, fields?: object) => lines.push(JSON.stringify(fields)),
  };
  const metrics = new Metrics();
  const events = historyEvents(metrics, log);
  events.leftOut('queue_full', 1, '');
  events.leftOut('queue_full', 4, '');
  events.kept(1);
  events.kept(1);
  expect(lines).toEqual(['warn', '{"left_out":5}']);
  expect(await metrics.registry.metrics()).toContain('lanner_history_left_out_total{reason="queue_full"} 5');
});
