import type { Clock } from './clock.ts';

/**
 * Deadlines that are all equally far away, held by one timer: a timer for each attempt is made and cancelled for
 * nothing nearly always. Times are those of the clock; one that is set back lengthens a wait at most once.
 */
export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #missed: (item: T) => void;
  /** In order, since each is as far away when it is set. */
  readonly #due = new Map<T, number>();
  #cancel: (() => void) | undefined;

  /** `missed` hears of each item that has not been ended `ms` after it was started. */
  constructor(clock: Clock, ms: number, missed: (item: T) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#missed = missed;
  }

  start(item: T): void {
    const due = this.#clock.now() + this.#ms;
    this.#due.set(item, due);
    if (this.#cancel === undefined) this.#arm(this.#ms, due);
  }

  end(item: T): void {
    this.#due.delete(item);
  }

  /** Ends the timer, which stays for a while after the last item was ended. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(ms: number, due: number): void {
    this.#cancel = this.#clock.after(Math.min(Math.max(ms, 1), this.#ms), () => this.#fire(due));
  }

  #fire(armedFor: number): void {
    const now = Math.max(this.#clock.now(), armedFor);
    // What is started meanwhile is due after what stands here: it must not set the timer.
    this.#cancel = nothing;
    let next: number | undefined;
    try {
      next = this.#missAll(now);
    } finally {
      this.#cancel = undefined;
    }
    if (next !== undefined) this.#arm(next - now, next);
  }

  /** Gives when the first of the others is due. */
  #missAll(now: number): number | undefined {
    for (const [item, due] of this.#due) {
      if (due > now) return due;
      this.#due.delete(item);
      this.#missed(item);
    }
    return undefined;
  }
}

function nothing(): void {}
