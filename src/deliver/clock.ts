/** Time as the dispatcher sees it, handed in so that tests need not sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls `action` once after `ms`; the result cancels it. */
  after(ms: number, action: () => void): () => void;
}

/** setTimeout holds at most 2^31-1 ms; a longer wait fires there, and its waiter looks again. */
const longest = 2 ** 31 - 1;

/** The clock of the machine. Its timers keep the process alive until they are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, action) {
    const timer = setTimeout(action, Math.min(Math.max(ms, 0), longest));
    return () => clearTimeout(timer);
  },
};
