import { type CanaryParts, type CanaryWatch, openCanaryWatch } from '../canary/watch.ts';
import type { Config } from '../config.ts';
import { holdingClock } from '../lib/clock.ts';
import type { SourceHealth } from '../model/intake.ts';
import { canaryEvents } from '../telemetry/canary-events.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The names of sources that are held to reporting canaries; none where they are switched off. */
export function canarySources({ canary, sources }: Pick<Config, 'canary' | 'sources'>): string[] {
  if (!canary.enabled) return [];
  return canary.sources ?? Object.keys(sources);
}

/** Registers its metrics in any case; undefined where no source is asked. Runs nothing before `start`. */
export function openCanary(
  config: Config,
  sources: () => SourceHealth[],
  metrics: Metrics,
  log: Log,
  run?: CanaryParts['run'],
): CanaryWatch | undefined {
  const events = canaryEvents(metrics, log);
  const names = canarySources(config);
  if (names.length === 0) return undefined;
  return openCanaryWatch({
    config: config.canary,
    sources: () => sources().filter(({ name }) => names.includes(name)),
    clock: holdingClock,
    events,
    ...(run !== undefined && { run }),
  });
}
