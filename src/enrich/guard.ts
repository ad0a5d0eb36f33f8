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
  const slots = isWatch ? limits.max_waiting : limits.max_lookups;
  // A storm of new containers must not keep findings from their facts.
  const queues: Record<'urgent' | 'ahead', Waiter[]> = { urgent: [], ahead: [] };
  const queueOf = (question: Question) => (question.ahead ? queues.ahead : queues.urgent);
  let running = 0;

  const breaker = createBreaker({
    ...limits.breaker,
    now: clock.now,
    changed(open) {
      events.breaker(source.name, source.kind, open);
      if (!open) return;
      // Who waits for a turn would wait for those that hang.
      const all = [...queues.urgent.splice(0), ...queues.ahead.splice(0)];
      for (const turnAway of all) turnAway(false);
    },
  });

  const refuse = (reason: UnknownReason): Lookup => {
    events.refused(source.kind, reason);
    return { kind: 'failed', reason };
  };

  // A slot goes from hand to hand: `running` falls only when nobody waits.
  const release = () => {
    const next = queues.urgent.shift() ?? queues.ahead.shift();
    if (next === undefined) running -= 1;
    else next(true);
  };

  const look = async (question: Question, signal?: AbortSignal): Promise<Lookup> => {
    if (running >= slots) {
      const hasTurn = await new Promise<boolean>((resolve) => queueOf(question).push(resolve));
      if (!hasTurn) return refuse('breaker_open');
    } else running += 1;
    try {
      const down = source.down();
      if (down !== undefined) return refuse(down);
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
      if (isWatch) {
        if (running >= (question.ahead ? slots / 2 : slots)) return refuse('overloaded');
        return look(question, signal);
      }
      if (breaker.isOpen()) {
        if (!breaker.admits()) return refuse('breaker_open');
        // The trial takes no turn: those that hang must not delay the recovery.
        return timed(source, question, limits, clock, events, breaker, signal);
      }
      if (queueOf(question).length >= limits.max_waiting) return refuse('overloaded');
      return look(question, signal);
    },
  };
}

/** Called with true when it is its turn, with false when there will be none. */
type Waiter = (hasTurn: boolean) => void;

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
  let settled = false;
  // Where this process was busy, the answer may lie unread: it is looked at before the source is blamed.
  const stopDeadline = clock.after(limits.deadline_ms, () =>
    setImmediate(() => {
      if (settled) return;
      late = true;
      breaker?.failed();
    }),
  );
  const stopTimeout = clock.after(limits.lookup_timeout_ms, giveUp);
  try {
    const answer = await source.lookup(question, abort.signal);
    settled = true;
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
