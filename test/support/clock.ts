import type { Clock } from '../../src/lib/clock.ts';

/** A clock that a test moves by hand. */
export interface ManualClock extends Clock {
  /** Moves on, running each timer at its time and letting promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Timers that wait. */
  readonly pending: number;
}

/** Lets everything run that needs no time: promises, and what they start. */
export async function settle(rounds = 3): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

export function manualClock(start = Date.parse('2026-11-22T12:00:00Z')): ManualClock {
  let now = start;
  const timers = new Set<{ at: number; action: () => void }>();

  function due(until: number) {
    let first: { at: number; action: () => void } | undefined;
    for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer;
    return first;
  }

  return {
    now: () => now,
    after(ms, action) {
      const timer = { at: now + Math.max(0, ms), action };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let timer = due(until); timer; timer = due(until)) {
        timers.delete(timer);
        now = Math.max(now, timer.at);
        timer.action();
        await settle();
      }
      now = until;
    },
    get pending() {
      return timers.size;
    },
  };
}

/**
 * Moves the clock on until something has come true that another thread or a socket takes part in: those have
 * a time of their own. Gives up after some seconds of real time.
 */
export async function advanceUntil(
  clock: ManualClock,
  step_ms: number,
  isTrue: () => boolean,
): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isTrue() && Date.now() < deadline) {
    await clock.advance(step_ms);
    await new Promise<void>((resolve) => setTimeout(resolve, 2));
  }
}
