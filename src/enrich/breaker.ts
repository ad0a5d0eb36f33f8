/** Leaves a source alone that fails repeatedly, and lets one question at a time try whether it is well again. */
export interface Breaker {
  /** True if a question may be asked now. After the pause the first to ask gets true, others false until it ends. */
  admits(): boolean;
  succeeded(): void;
  failed(): void;
  isOpen(): boolean;
}

export interface BreakerOptions {
  /** Failures in a row that open it. */
  failures: number;
  open_ms: number;
  open_max_ms: number;
  now: () => number;
  changed?: (open: boolean) => void;
}

/** Closed at first. Each failure of a trial doubles the pause, up to `open_max_ms`. */
export function createBreaker(options: BreakerOptions): Breaker {
  let failures = 0;
  let pause = options.open_ms;
  let openUntil: number | undefined;
  let trying = false;
  return {
    isOpen: () => openUntil !== undefined,
    admits() {
      if (openUntil === undefined) return true;
      if (trying || options.now() < openUntil) return false;
      trying = true;
      return true;
    },
    succeeded() {
      failures = 0;
      pause = options.open_ms;
      trying = false;
      if (openUntil === undefined) return;
      openUntil = undefined;
      options.changed?.(false);
    },
    failed() {
      failures += 1;
      if (openUntil !== undefined && !trying) return;
      if (openUntil === undefined && failures < options.failures) return;
      const first = openUntil === undefined;
      if (!first) pause = Math.min(pause * 2, options.open_max_ms);
      trying = false;
      openUntil = options.now() + pause;
      if (first) options.changed?.(true);
    },
  };
}
