import { openDeliverer } from '../deliver/dispatcher.ts';
import { memoryStore } from '../deliver/store/memory.ts';
import { holdingClock } from '../lib/clock.ts';
import { openPipeline, type Pipeline } from '../pipeline.ts';
import { deliverEvents } from '../telemetry/deliver-events.ts';
import { Metrics } from '../telemetry/metrics.ts';
import type { ServiceParts } from './index.ts';
import { openJudging } from './judging.ts';
import { openMemory } from './memory.ts';
import { openSinks } from './sinks.ts';

/**
 * The same pipeline for recordings: judged at once and in order, delivered only on request. `drain` waits for
 * the deliveries and says how many are left.
 */
export function openReplayPipeline(parts: Omit<ServiceParts, 'version'> & { deliver: boolean }): {
  pipeline: Pipeline;
  drain(): Promise<number>;
} {
  const { config, log, deliver } = parts;
  const metrics = new Metrics();
  const deliverer = openDeliverer({
    sinks: deliver ? openSinks(config) : [],
    store: memoryStore(),
    log,
    clock: holdingClock,
    random: Math.random,
    events: deliverEvents(metrics, log),
  });
  const { detector, exceptions, router, minSeverity, redact } = openJudging(config);
  const started = deliver ? deliverer.start() : Promise.resolve();
  const pipeline = openPipeline({
    detector,
    ...openMemory(config, parts.state ?? true),
    except: exceptions.apply,
    ...(parts.onHidden !== undefined && { onHidden: parts.onHidden }),
    route: (finding) => router.route(finding).map((target) => target.sink),
    accept: async (finding, to) => {
      await started;
      if (deliver) await deliverer.accept(finding, to);
    },
    minSeverity,
    ...(redact !== undefined && { redact }),
    log,
    ...(parts.onFinding !== undefined && { onFinding: parts.onFinding }),
  });
  return {
    pipeline,
    async drain() {
      if (!deliver) return 0;
      await started;
      return (await deliverer.drain(config.shutdown_secs * 1000)).left;
    },
  };
}
