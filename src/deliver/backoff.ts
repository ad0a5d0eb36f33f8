/**
 * Full jitter: anything between 0 and an exponentially growing bound, so that many senders that failed
 * together do not return together. `attempts` counts the failed ones, from 1; `random` is in [0, 1).
 */
export function backoff(attempts: number, initial_ms: number, max_ms: number, random: () => number): number {
  const bound = Math.min(max_ms, initial_ms * 2 ** Math.min(attempts - 1, 40));
  return Math.round(bound * random());
}
