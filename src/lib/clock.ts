/** Time as a part sees it, handed in so that tests need not sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls `action` once after `ms`; the result cancels it. */
  after(ms: number, action: () => void): () => void;
}

/** setTimeout holds at most 2^31-1 ms; a longer wait fires there, and its waiter looks again. */
const longest = 2 ** 31 - 1;

function machineClock(keepsAlive: boolean): Clock {
  return {
    now: () => Date.now(),
    after(ms, action) {
      const timer = setTimeout(action, Math.min(Math.max(ms, 0), longest));
      if (!keepsAlive) timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

/** The clock of the machine. Its timers do not keep the process alive. */
export const systemClock: Clock = machineClock(false);

/** The same; its timers keep the process alive until they are cancelled. */
export const holdingClock: Clock = machineClock(true);

/** Fulfilled after `ms` or when `signal` aborts, whichever comes first. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
