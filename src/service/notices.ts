import type { Config } from '../config.ts';
import type { Deliverer } from '../deliver/dispatcher.ts';
import { openTroubleWatch } from '../deliver/troubles.ts';
import { holdingClock } from '../lib/clock.ts';
import type { CanaryHealth } from '../model/canary.ts';
import type { SourceCounts, SourceHealth } from '../model/intake.ts';
import type { Log } from '../telemetry/log.ts';

export interface NoticeParts {
  config: () => Config;
  sources: () => SourceHealth[];
  counts: () => ReadonlyMap<string, SourceCounts>;
  canaries: () => CanaryHealth[];
  /** Why a changed configuration is not in force. */
  configRefused: () => string | undefined;
  deliverer: Deliverer;
  log: Log;
}

/**
 * Lanner's own troubles, looked for from `start` to `stop`, go to the sinks that are asked for, but for the one
 * they are about.
 */
export function openNotices(parts: NoticeParts): { start(): void; stop(): void } {
  const { deliverer, log } = parts;
  const watch = openTroubleWatch({
    get after_ms() {
      return parts.config().notices.after_secs * 1000;
    },
  });
  let cancel: (() => void) | undefined;

  function look(): void {
    const { notices, route, sinks } = parts.config();
    cancel = holdingClock.after(notices.look_secs * 1000, look);
    const observation = {
      sources: parts.sources(),
      counts: parts.counts(),
      status: deliverer.status(),
      canaries: parts.canaries(),
      config_refused: parts.configRefused(),
    };
    const to = notices.sinks ?? route.sinks ?? Object.keys(sinks);
    for (const notice of watch.look(observation, Date.now())) {
      const { title, kind, state, subject, detail } = notice;
      log.warn(title, { notice: kind, state, subject, detail });
      void deliverer.notify(
        notice,
        to.filter((sink) => sink !== subject),
      );
    }
  }

  return { start: look, stop: () => cancel?.() };
}
