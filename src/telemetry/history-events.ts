import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** What happens to what is written. */
export interface WrittenEvents {
  kept(count: number): void;
  forgotten(count: number): void;
  leftOut(reason: string, count: number, detail: string): void;
}

/** What happens to the history: counted; what is left out is told once until it goes well again. */
export function historyEvents(metrics: Metrics, log: Log): WrittenEvents {
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

/**
 * What happens to execs that did not fire: counted by what became of them. `refresh` takes over what the
 * sampler counted, to be called before each scrape.
 */
export function missEvents(
  metrics: Metrics,
  log: Log,
): WrittenEvents & { refresh(sampled: Readonly<Record<'counted' | 'rate_limited', number>>): void } {
  const misses = metrics.counter(
    'lanner_history_misses_total',
    'Execs that named a tool and did not fire, by what became of them: kept, counted with one that was kept, left out',
    ['fate'],
  );
  const forgotten = metrics.counter(
    'lanner_history_misses_forgotten_total',
    'Kept execs that did not fire, beyond the bounds',
  );
  const fates: Record<string, number> = { kept: 0, counted: 0, rate_limited: 0 };
  let failing = false;
  return {
    kept(count) {
      fates.kept! += count;
      failing = false;
    },
    forgotten: (count) => forgotten.inc(count),
    leftOut(reason, count, detail) {
      fates[reason] = (fates[reason] ?? 0) + count;
      if (!failing)
        log.warn('execs that did not fire are left out of the history; findings are not concerned', {
          reason,
          detail,
        });
      failing = true;
    },
    refresh(sampled) {
      Object.assign(fates, sampled);
      misses.reset();
      for (const [fate, count] of Object.entries(fates)) misses.inc({ fate }, count);
    },
  };
}

/** What commands that listen to a running Lanner get, and what they do not. */
export function tailEvents(metrics: Metrics): {
  listeners(count: number): void;
  dropped(count: number): void;
} {
  const listeners = metrics.gauge(
    'lanner_tail_listeners',
    'Commands that listen to findings as they are made',
  );
  const dropped = metrics.counter(
    'lanner_tail_dropped_total',
    'Lines that were left out for a command that reads too slowly',
  );
  listeners.set(0);
  return { listeners: (count) => listeners.set(count), dropped: (count) => dropped.inc(count) };
}
