import type { CanaryEvents } from '../model/canary.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** What happens to canaries as metrics; that none can be run is logged, once until one can. Blindness is a notice. */
export function canaryEvents(metrics: Metrics, log: Log): CanaryEvents {
  const ended = metrics.counter(
    'lanner_canary_total',
    'Program starts of our own, by what the sensor made of them: seen, late, missed, skipped, failed; repeated: by others',
    ['source', 'outcome'],
  );
  const lastSeen = metrics.gauge(
    'lanner_canary_last_seen_timestamp_seconds',
    'When the sensor last reported a program start of our own',
    ['source'],
  );
  const delay = metrics.histogram(
    'lanner_canary_delay_seconds',
    'From the start of the program to its report by the sensor',
    ['source'],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  );
  const blind = metrics.gauge(
    'lanner_canary_blind',
    '1 while the sensor does not report program starts of our own',
    ['source'],
  );
  let said = '';
  return {
    ended(source, outcome) {
      ended.inc({ source, outcome });
      if (outcome === 'seen') said = '';
    },
    reported(source, delay_ms, at_ms) {
      delay.observe({ source }, delay_ms / 1000);
      lastSeen.set({ source }, at_ms / 1000);
      // Stands at zero from the first report on, so that an alert has something to compare with.
      blind.inc({ source }, 0);
    },
    blind: (source, is) => blind.set({ source }, is ? 1 : 0),
    forgotten(source) {
      lastSeen.remove({ source });
      blind.remove({ source });
    },
    repeated(source) {
      ended.inc({ source, outcome: 'repeated' });
      log.warn('someone repeats what a canary looked like: it is judged like every exec', { source });
    },
    failed(reason) {
      if (reason === said) return;
      said = reason;
      log.warn('no canary can be run: that the sensors see is not proven', { reason });
    },
  };
}
