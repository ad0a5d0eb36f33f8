import type { LannerError } from '../lib/errors.ts';
import type { SourceCounts, SourceHealth } from '../model/intake.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * What a source knows of its connection: the state that health shows, and the gaps in which the sensor's events
 * were not seen. A gap begins when the source starts or its connection is lost, and is counted when it closes.
 */
export interface Connection {
  /**
   * The stream is open. Closes the gap. After two streams that ended at once for the same reason it says and shows
   * nothing new until this one has proven itself: by a message, or by lasting 30 s.
   */
  up(counts: SourceCounts, version?: string): void;
  /** The stream is gone, or never came. Says so in the log once for each reason, not for each attempt. */
  down(counts: SourceCounts, reason: LannerError): void;
  /** Open, yet not as it should be. */
  degraded(reason: LannerError): void;
  /** As it should be again. */
  recovered(): void;
  /** What carries the stream, and why not a cheaper carrier. */
  carriedBy(transport: NonNullable<SourceHealth['transport']>, because?: string): void;
  stopped(): void;
  health(): SourceHealth;
}

export interface ConnectionDeps {
  log: Log;
  /** Milliseconds since the epoch. */
  now: () => number;
}

const PROVEN_MS = 30_000;

export function trackConnection(name: string, type: string, deps: ConnectionDeps): Connection {
  const { log, now } = deps;
  let health: SourceHealth = { name, type, state: 'starting', since: new Date(now()).toISOString() };
  let gapSince: number | undefined = now();
  /** The open stream: when it was opened, and what had come before. */
  let open: { since: number; counts: SourceCounts; messages: number } | undefined;
  /** Why the last stream ended, if it had not proven itself; two in a row for the same reason are failing. */
  let endedAtOnce: string | undefined;
  let failing = false;

  function isProven(): boolean {
    return open !== undefined && (open.counts.messages > open.messages || now() - open.since >= PROVEN_MS);
  }

  function recover(): void {
    failing = false;
    endedAtOnce = undefined;
    if (health.state === 'ok') return;
    set('ok');
    log.info('in order again', { source: name });
  }

  function set(state: SourceHealth['state'], reason?: LannerError): void {
    const { sensor_version, transport, transport_reason } = health;
    const same = health.state === state && health.code === reason?.code;
    health = {
      name,
      type,
      state,
      since: same ? health.since : new Date(now()).toISOString(),
      ...(reason !== undefined && { reason: `${reason.message}. ${reason.mend}`, code: reason.code }),
      ...(sensor_version !== undefined && { sensor_version }),
      ...(transport !== undefined && { transport }),
      ...(transport_reason !== undefined && { transport_reason }),
    };
  }

  return {
    up(counts, version) {
      const seconds = gapSince === undefined ? 0 : (now() - gapSince) / 1000;
      counts.connects += 1;
      counts.gap_seconds += seconds;
      if (!failing)
        log.info('connected', {
          source: name,
          ...(version !== undefined && { sensor_version: version }),
          ...(gapSince !== undefined && {
            unseen_from: new Date(gapSince).toISOString(),
            unseen_seconds: Number(seconds.toFixed(3)),
          }),
        });
      gapSince = undefined;
      open = { since: now(), counts, messages: counts.messages };
      if (!failing) set('ok');
      if (version !== undefined) health.sensor_version = version;
    },
    down(counts, reason) {
      if (open !== undefined) counts.disconnects += 1;
      if (failing && isProven()) recover();
      const code = open === undefined || isProven() ? undefined : reason.code;
      failing = code !== undefined && code === endedAtOnce;
      endedAtOnce = code;
      open = undefined;
      const known = failing || (health.state === 'degraded' && health.code === reason.code);
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
    recovered: recover,
    carriedBy(transport, because) {
      const { transport_reason: _former, ...rest } = health;
      health = { ...rest, transport, ...(because !== undefined && { transport_reason: because }) };
    },
    stopped: () => set('stopped'),
    health() {
      if (failing && isProven()) recover();
      return health;
    },
  };
}
