import { openDeliverer } from '../deliver/dispatcher.ts';
import { memoryStore } from '../deliver/store/memory.ts';
import { holdingClock } from '../lib/clock.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { StateFacts } from '../model/intake.ts';
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
  /** Tells what memory knew of an exec that is judged again; before it is judged. */
  recall(event: ExecEvent, facts: StateFacts): void;
  drain(): Promise<number>;
} {
  const { config, log, deliver } = parts;
  const metrics = new Metrics();
  const deliverer = openDeliverer({
    sinks: deliver ? openSinks(config).sinks : [],
    store: memoryStore(),
    log,
    clock: holdingClock,
    random: Math.random,
    events: deliverEvents(metrics, log),
  });
  const { detector, exceptions, router, minSeverity, redact } = openJudging(config);
  const recalled = new WeakMap<ExecEvent, StateFacts>();
  const memory = recalling(openMemory(config, parts.state ?? true), recalled);
  const started = deliver ? deliverer.start() : Promise.resolve();
  const pipeline = openPipeline({
    detector,
    ...memory,
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
    recall: (event, facts) => void recalled.set(event, facts),
    async drain() {
      if (!deliver) return 0;
      await started;
      return (await deliverer.drain(config.shutdown_secs * 1000)).left;
    },
  };
}

type Memory = ReturnType<typeof openMemory>;

/** A sample of what happened knows less than memory knew then: the greater count is the true one. */
function recalling(memory: Memory, recalled: WeakMap<ExecEvent, StateFacts>): Memory {
  const seen = memory.state?.seen;
  if (memory.state === undefined || seen === undefined) return memory;
  return {
    ...memory,
    state: {
      ...memory.state,
      seen: {
        count: (event, seconds) =>
          Math.max(seen.count(event, seconds), recalled.get(event)?.seen_before ?? 0),
        get size() {
          return seen.size;
        },
      },
    },
  };
}
