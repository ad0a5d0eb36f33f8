import { type Clock, pause } from '../lib/clock.ts';
import type { UnknownReason } from '../model/enrich.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { EnrichEvents } from '../telemetry/enrich-events.ts';

/** Events waiting for late facts, at most. */
const maxWaiting = 1000;
const firstWaitMs = 100;
const longestWaitMs = 5000;

export interface FollowUpOptions {
  /** For how long facts are waited for; 0: not at all. */
  window_ms: number;
  clock: Clock;
  events: EnrichEvents;
  closing: AbortSignal;
  /** Enriches again. */
  look: (event: ExecEvent) => ExecEvent | Promise<ExecEvent>;
  /** Fulfilled when the question about this container that is under way is over. */
  pending: (containerId: string) => Promise<void> | undefined;
}

/** Looks again at events that left with unknown facts, until more is known or their time is over. */
export function createFollowUps(options: FollowUpOptions): {
  later(event: ExecEvent): Promise<ExecEvent | undefined>;
} {
  const { clock, events, closing } = options;
  let waiting = 0;

  const watch = async (event: ExecEvent, containerId: string): Promise<ExecEvent | undefined> => {
    const end = clock.now() + options.window_ms;
    for (
      let wait = firstWaitMs;
      clock.now() < end && !closing.aborted;
      wait = Math.min(wait * 2, longestWaitMs)
    ) {
      const rest = pause(clock, Math.min(wait, Math.max(end - clock.now(), 1)), closing);
      const pending = options.pending(containerId);
      await (pending === undefined ? rest : Promise.race([pending, rest]));
      const again = await options.look(event);
      if (tellsMore(event, again)) return again;
    }
    return undefined;
  };

  return {
    async later(event) {
      if (options.window_ms === 0 || event.container === undefined || !mayCome(event)) return undefined;
      if (waiting >= maxWaiting) {
        events.followUp('refused');
        return undefined;
      }
      waiting += 1;
      try {
        const again = await watch(event, event.container.id);
        events.followUp(again === undefined ? 'expired' : 'updated');
        return again;
      } finally {
        waiting -= 1;
      }
    },
  };
}

/** Reasons that waiting can mend. */
const passing = new Set<string>([
  'deadline',
  'unavailable',
  'breaker_open',
  'overloaded',
  'failed',
  'socket_missing',
  'socket_permission',
  'container_gone',
] satisfies UnknownReason[]);

function mayCome(event: ExecEvent): boolean {
  return Object.values(event.unknown ?? {}).some((reason) => passing.has(reason));
}

/** True if a fact that was unknown before is known now. */
function tellsMore(before: ExecEvent, now: ExecEvent): boolean {
  return Object.keys(before.unknown ?? {}).some((fact) => now.unknown?.[fact] === undefined);
}
