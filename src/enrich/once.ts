import { LRUCache } from 'lru-cache';

/** Remembers answers that never change for their key, and asks once for several who want the same. */
export interface Once<T> {
  /** The remembered answer, or the one `ask` gives. `undefined` answers and failures are not remembered. */
  get(key: string, ask: () => Promise<T | undefined>): Promise<T | undefined>;
  readonly size: number;
}

/** Bounded to `max` answers; `ttl_ms` limits how long one counts. */
export function createOnce<T extends object>(max: number, ttl_ms = 0): Once<T> {
  const answers = new LRUCache<string, T>({ max, ttl: ttl_ms });
  const running = new Map<string, Promise<T | undefined>>();
  return {
    get size() {
      return answers.size;
    },
    async get(key, ask) {
      const known = answers.get(key);
      if (known !== undefined) return known;
      const same = running.get(key);
      if (same !== undefined) return same;
      const promise = ask();
      running.set(key, promise);
      try {
        const answer = await promise;
        if (answer !== undefined) answers.set(key, answer);
        return answer;
      } finally {
        running.delete(key);
      }
    },
  };
}
