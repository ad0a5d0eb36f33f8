import type { Config } from '../config.ts';
import type { Clock } from '../lib/clock.ts';
import { rfc3339 } from '../lib/time.ts';
import { expiredExceptions } from '../route/exceptions.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface ExpiryParts {
  config: () => Pick<Config, 'exceptions'>;
  clock: Clock;
  metrics: Metrics;
  log: Log;
}

/** Says once of each exception that it has expired, at the start or while Lanner runs. */
export interface Expiry {
  start(): void;
  /** After another configuration was taken over, and before each scrape. */
  look(): void;
  stop(): void;
}

const EVERY_MS = 30_000;

export function openExpiry({ config, clock, metrics, log }: ExpiryParts): Expiry {
  const gauge = metrics.gauge('lanner_exceptions_expired', 'Exceptions that have expired and do not apply');
  let told = new Set<string>();
  let cancel: (() => void) | undefined;

  function look(): void {
    const now = rfc3339(Math.floor(clock.now() / 1000), 0);
    const expired = expiredExceptions(config().exceptions, now);
    gauge.set(expired.length);
    const known = told;
    told = new Set(expired.map(({ name, expires }) => `${name} ${expires}`));
    for (const { name, expires, owner } of expired)
      if (!known.has(`${name} ${expires}`))
        log.warn('an exception has expired: it does not apply any more', {
          exception: name,
          expires,
          ...(owner !== undefined && { owner }),
        });
  }

  function again(): void {
    look();
    cancel = clock.after(EVERY_MS, again);
  }

  return { start: again, look, stop: () => cancel?.() };
}
