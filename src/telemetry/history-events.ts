import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** What happens to the history: counted; what is left out is told once until it goes well again. */
export function historyEvents(
  metrics: Metrics,
  log: Log,
): {
  kept(count: number): void;
  forgotten(count: number): void;
  leftOut(reason: string, count: number, detail: string): void;
} {
  const kept = metrics.counter('lanner_history_kept_total', 'Findings written to the history');
  const forgotten = metrics.counter(
    'lanner_history_forgotten_total',
    'Findings beyond the bounds of the history',
  );
  const leftOut = metrics.counter(
    'lanner_history_left_out_total',
    'Findings the history does not have, by reason',
    ['reason'],
  );
  let missing = 0;
  return {
    kept(count) {
      kept.inc(count);
      if (missing > 0) log.info('the history is written again', { left_out: missing });
      missing = 0;
    },
    forgotten: (count) => forgotten.inc(count),
    leftOut(reason, count, detail) {
      leftOut.inc({ reason }, count);
      if (missing === 0)
        log.warn('findings are left out of the history; deliveries are not concerned', { reason, detail });
      missing += count;
    },
  };
}
