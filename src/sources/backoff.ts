/** How long to wait before the next attempt to connect. */
export interface Backoff {
  /** Milliseconds to wait now; each call doubles the bound of the next. */
  next(): number;
  /** Starts again at the smallest bound: call it once a connection has proved itself. */
  reset(): void;
}

export interface BackoffOptions {
  first_ms: number;
  max_ms: number;
  /** Uniform in [0, 1). */
  random: () => number;
}

/**
 * Exponential backoff with full jitter: each wait is uniform between 0 and a bound that doubles from `first_ms`
 * to `max_ms`, so that a thousand nodes whose sensors restart together do not come back together.
 */
export function openBackoff(options: BackoffOptions): Backoff {
  let bound = options.first_ms;
  return {
    next() {
      const wait = Math.round(options.random() * bound);
      bound = Math.min(options.max_ms, bound * 2);
      return wait;
    },
    reset() {
      bound = options.first_ms;
    },
  };
}

/** Fulfilled after `ms`, or at once when `signal` aborts; never rejects. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
