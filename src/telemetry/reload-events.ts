import type { Log, LogFields } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Why the configuration is read again. */
export type ReloadCause = 'SIGHUP' | 'file' | 'command';

export interface ReloadEvents {
  /** `hash` is in force since `at_ms`; `needed` are the keys that wait for a restart. */
  inForce(hash: string, at_ms: number, needed: readonly string[]): void;
  applied(cause: ReloadCause, fields: LogFields): void;
  /** What was read is what is in force. */
  unchanged(cause: ReloadCause, fields: LogFields): void;
  refused(cause: ReloadCause, at_ms: number, fields: { code: string; why: string; mend: string }): void;
}

/** What became of each reading of the configuration, as metrics and one log line. */
export function reloadEvents(metrics: Metrics, log: Log): ReloadEvents {
  const reloads = metrics.counter(
    'lanner_config_reloads_total',
    'Readings of the configuration while running, by outcome: applied, unchanged, refused',
    ['outcome'],
  );
  for (const outcome of ['applied', 'unchanged', 'refused']) reloads.inc({ outcome }, 0);
  const successful = metrics.gauge(
    'lanner_config_last_reload_successful',
    '0 while the last reading of the configuration was refused and an older one is in force',
  );
  successful.set(1);
  const success = metrics.gauge(
    'lanner_config_last_reload_success_timestamp_seconds',
    'When the configuration was last read and found good, the start included',
  );
  const failure = metrics.gauge(
    'lanner_config_last_reload_failure_timestamp_seconds',
    'When a configuration was last refused; 0: never',
  );
  failure.set(0);
  const restart = metrics.gauge(
    'lanner_config_restart_needed',
    'Keys of the configuration that were changed and are applied by a restart only',
  );
  restart.set(0);
  const info = metrics.gauge(
    'lanner_config_info',
    'Always 1; begin of the SHA-256 of the configuration in force',
    ['hash'],
  );
  return {
    inForce(hash, at_ms, needed) {
      info.reset();
      info.set({ hash }, 1);
      success.set(at_ms / 1000);
      successful.set(1);
      restart.set(needed.length);
    },
    applied(cause, fields) {
      reloads.inc({ outcome: 'applied' });
      log.info('the configuration was taken over', { cause, ...fields });
    },
    unchanged(cause, fields) {
      reloads.inc({ outcome: 'unchanged' });
      log.info('the configuration was read again and is the one in force', { cause, ...fields });
    },
    refused(cause, at_ms, fields) {
      reloads.inc({ outcome: 'refused' });
      successful.set(0);
      failure.set(at_ms / 1000);
      log.error('the configuration was not taken over: the one before stays in force', { cause, ...fields });
    },
  };
}
