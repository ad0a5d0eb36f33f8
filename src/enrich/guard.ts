import type { Clock } from '../lib/clock.ts';
import type { UnknownReason } from '../model/enrich.ts';
import type { EnrichEvents } from '../telemetry/enrich-events.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import type { EnrichConfig } from './config.ts';
import type { FactSource, Lookup, Question } from './source.ts';

/** A source with its bounds: how many lookups at a time, how long each, and when it is left alone. */
export interface GuardedSource {
  readonly source: FactSource;
  /** At once where asking would be in vain, else a promise that is always fulfilled. `signal` gives up earlier. */
  ask(question: Question, signal?: AbortSignal): Lookup | Promise<Lookup>;
  isOpen(): boolean;
}

type Limits = Pick<
  EnrichConfig,
  'deadline_ms' | 'lookup_timeout_ms' | 'max_lookups' | 'max_waiting' | 'breaker'
>;

/**
 * Puts bounds round a source. A lookup that is not answered within `deadline_ms` counts as a failure of the
 * source at that moment; its late answer is still used. Kubernetes has no breaker: its lookups only wait for
 * what the watch brings, and the watch knows by itself when it is down.
 */
export function guard(source: FactSource, limits: Limits, clock: Clock, events: EnrichEvents): GuardedSource {
  const isWatch = source.kind === 'kubernetes';
  const breaker = createBreaker({
    ...limits.breaker,
    now: clock.now,
    changed: (open) => events.breaker(source.name, source.kind, open),
  });
  const slots = isWatch ? limits.max_waiting : limits.max_lookups;
  // A storm of new containers must not keep findings from their facts.
  const queues = { urgent: [] as (() => void)[], ahead: [] as (() => void)[] };
  const queueOf = (question: Question) => (question.ahead ? queues.ahead : queues.urgent);
  let running = 0;

  const refuse = (reason: UnknownReason): Lookup => {
    events.refused(source.kind, reason);
    return { kind: 'failed', reason };
  };

  // A slot goes from hand to hand: `running` falls only when nobody waits.
  const release = () => {
    const next = queues.urgent.shift() ?? queues.ahead.shift();
    if (next === undefined) running -= 1;
    else next();
  };

  const look = async (question: Question, isTrial: boolean, signal?: AbortSignal): Promise<Lookup> => {
    const queued = running >= slots;
    if (queued) await new Promise<void>((resolve) => queueOf(question).push(resolve));
    else running += 1;
    try {
      // Much may have happened while it waited for its turn; a trial has to be made, or the breaker never closes.
      if (queued && !isTrial) {
        const reason = source.down() ?? (breaker.isOpen() ? 'breaker_open' : undefined);
        if (reason !== undefined) return refuse(reason);
      }
      return await timed(source, question, limits, clock, events, isWatch ? undefined : breaker, signal);
    } finally {
      release();
    }
  };

  return {
    source,
    isOpen: breaker.isOpen,
    ask(question, signal) {
      const down = source.down();
      if (down !== undefined) return refuse(down);
      const isFull = queueOf(question).length >= limits.max_waiting;
      const isCrowded = isWatch && running >= (question.ahead ? slots / 2 : slots);
      if (isFull || isCrowded) return refuse('overloaded');
      const isTrial = breaker.isOpen();
      if (!isWatch && !breaker.admits()) return refuse('breaker_open');
      return look(question, isTrial, signal);
    },
  };
}

async function timed(
  source: FactSource,
  question: Question,
  limits: Limits,
  clock: Clock,
  events: EnrichEvents,
  breaker: Breaker | undefined,
  signal?: AbortSignal,
): Promise<Lookup> {
  const abort = new AbortController();
  const giveUp = () => abort.abort();
  signal?.addEventListener('abort', giveUp, { once: true });
  let late = false;
  const start = clock.now();
  const stopDeadline = clock.after(limits.deadline_ms, () => {
    late = true;
    breaker?.failed();
  });
  const stopTimeout = clock.after(limits.lookup_timeout_ms, giveUp);
  try {
    const answer = await source.lookup(question, abort.signal);
    const timedOut = answer.kind === 'failed' && abort.signal.aborted;
    const result: Lookup = timedOut ? { kind: 'failed', reason: 'deadline' } : answer;
    if (!late) {
      if (result.kind === 'failed') breaker?.failed();
      else breaker?.succeeded();
    }
    events.lookup(source.kind, result.kind === 'failed' ? result.reason : result.kind, clock.now() - start);
    return result.kind === 'found' ? { ...result, source: source.name } : result;
  } finally {
    stopDeadline();
    stopTimeout();
    signal?.removeEventListener('abort', giveUp);
  }
}
