import { type CanaryParts, type CanaryWatch, openCanaryWatch } from '../canary/watch.ts';
import type { Config } from '../config.ts';
import { holdingClock } from '../lib/clock.ts';
import type { CanaryCheck, CanaryHealth } from '../model/canary.ts';
import type { SourceHealth } from '../model/intake.ts';
import { canaryEvents } from '../telemetry/canary-events.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The names of sources that are held to reporting canaries; none where they are switched off. */
export function canarySources({ canary, sources }: Pick<Config, 'canary' | 'sources'>): string[] {
  if (!canary.enabled) return [];
  return canary.sources ?? Object.keys(sources);
}

export interface CanariesParts {
  config: Config;
  sources: () => SourceHealth[];
  metrics: Metrics;
  log: Log;
  run?: CanaryParts['run'];
}

/** The watch that the configuration asks for, if it asks for one, whatever the configuration becomes. */
export interface Canaries {
  /** For a source that is asked: outlasts the watch, while the source is asked. */
  check(source: string): CanaryCheck | undefined;
  start(): void;
  /** Begins anew where the settings, or the sources that are asked, are others. */
  adopt(config: Config): void;
  stop(): Promise<void>;
  /** Undefined: none run. */
  health(): { sources: CanaryHealth[]; failure: string | undefined } | undefined;
}

/** Registers its metrics in any case. Runs nothing before `start`. */
export function openCanaries({ config, sources, metrics, log, run }: CanariesParts): Canaries {
  const events = canaryEvents(metrics, log);
  /** What intakes hold on to, and the check of the current watch behind it. */
  const checks = new Map<string, { now: CanaryCheck | undefined; check: CanaryCheck }>();
  let key = keyOf(config);
  let watch = open(config);

  function open(of: Config): CanaryWatch | undefined {
    const names = canarySources(of);
    if (names.length === 0) return undefined;
    const asked = names.filter((name) => of.sources[name] !== undefined);
    return openCanaryWatch({
      config: of.canary,
      names: asked,
      sources,
      clock: holdingClock,
      events,
      ...(run !== undefined && { run }),
    });
  }

  function checkOf(source: string): CanaryCheck | undefined {
    const known = checks.get(source);
    if (known !== undefined) return known.now && known.check;
    if (watch?.check(source) === undefined) return undefined;
    const holder = {
      now: watch?.check(source),
      check: {
        exec: (bytes: Uint8Array, pathStart: number, pathEnd: number, textStart: number, textEnd: number) =>
          holder.now?.exec(bytes, pathStart, pathEnd, textStart, textEnd) ?? false,
      },
    };
    checks.set(source, holder);
    return holder.check;
  }

  return {
    check: checkOf,
    start: () => watch?.start(),
    adopt(next) {
      if (keyOf(next) === key) return;
      key = keyOf(next);
      void watch?.stop();
      for (const { source } of watch?.health() ?? []) events.forgotten(source);
      watch = open(next);
      for (const [source, holder] of checks) holder.now = watch?.check(source);
      watch?.start();
    },
    stop: async () => void (await watch?.stop()),
    health: () => watch && { sources: watch.health(), failure: watch.failure() },
  };
}

function keyOf(config: Config): string {
  return JSON.stringify([config.canary, canarySources(config)]);
}
