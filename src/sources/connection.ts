import type { LannerError } from '../lib/errors.ts';
import type { SourceCounts, SourceHealth } from '../model/intake.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * What a source knows of its connection: the state that health shows, and the gaps in which the sensor's events
 * were not seen. A gap begins when the source starts or its connection is lost, and is counted when it closes.
 */
export interface Connection {
  /** The stream is open. Closes the gap. */
  up(counts: SourceCounts, version?: string): void;
  /** The stream is gone, or never came. Says so in the log once for each reason, not for each attempt. */
  down(counts: SourceCounts, reason: LannerError): void;
  /** Open, yet not as it should be. */
  degraded(reason: LannerError): void;
  /** As it should be again. */
  recovered(): void;
  stopped(): void;
  health(): SourceHealth;
}

export interface ConnectionDeps {
  log: Log;
  /** Milliseconds since the epoch. */
  now: () => number;
}

export function trackConnection(name: string, type: string, deps: ConnectionDeps): Connection {
  const { log, now } = deps;
  let health: SourceHealth = { name, type, state: 'starting', since: new Date(now()).toISOString() };
  let gapSince: number | undefined = now();
  let connected = false;

  function set(state: SourceHealth['state'], reason?: LannerError): void {
    const { sensor_version } = health;
    const same = health.state === state && health.code === reason?.code;
    health = {
      name,
      type,
      state,
      since: same ? health.since : new Date(now()).toISOString(),
      ...(reason !== undefined && { reason: `${reason.message}. ${reason.mend}`, code: reason.code }),
      ...(sensor_version !== undefined && { sensor_version }),
    };
  }

  return {
    up(counts, version) {
      const seconds = gapSince === undefined ? 0 : (now() - gapSince) / 1000;
      counts.connects += 1;
      counts.gap_seconds += seconds;
      log.info('connected', {
        source: name,
        ...(version !== undefined && { sensor_version: version }),
        ...(gapSince !== undefined && {
          unseen_from: new Date(gapSince).toISOString(),
          unseen_seconds: Number(seconds.toFixed(3)),
        }),
      });
      gapSince = undefined;
      connected = true;
      set('ok');
      if (version !== undefined) health.sensor_version = version;
    },
    down(counts, reason) {
      const known = health.state === 'degraded' && health.code === reason.code;
      if (connected) counts.disconnects += 1;
      connected = false;
      gapSince ??= now();
      set('degraded', reason);
      if (!known)
        log.warn(reason.message, {
          source: name,
          code: reason.code,
          mend: reason.mend,
          next: 'reconnecting',
        });
    },
    degraded(reason) {
      const known = health.state === 'degraded' && health.code === reason.code;
      set('degraded', reason);
      if (!known) log.warn(reason.message, { source: name, code: reason.code, mend: reason.mend });
    },
    recovered() {
      if (health.state === 'ok') return;
      set('ok');
      log.info('in order again', { source: name });
    },
    stopped: () => set('stopped'),
    health: () => health,
  };
}
