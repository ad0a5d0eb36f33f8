import type { ExecEvent } from '../model/exec-event.ts';

/**
 * How often the same arguments were seen under the same parent in the same container. Keyed on the pair: two
 * independent lists would learn combinations that never happened. Bounded by count; an entry is forgotten a
 * time after it was seen last. Time is event time.
 */
export interface SeenBefore {
  /** How often the pair was seen before this event, which is counted from now on. */
  count(event: ExecEvent, seconds: number): number;
  readonly size: number;
}

export function seenBefore(options: { maxEntries?: number; ttlSeconds?: number } = {}): SeenBefore {
  const maxEntries = options.maxEntries ?? 10_000;
  const ttl = options.ttlSeconds ?? 3600;
  /** In order of the last sight. */
  const pairs = new Map<string, { count: number; last: number }>();

  /** Some at once: a Map looks past everything deleted at its front to find its first key. */
  function forgetOldest(): void {
    const left = maxEntries - (maxEntries >> 4);
    for (const key of pairs.keys()) {
      if (pairs.size <= left) break;
      pairs.delete(key);
    }
  }

  return {
    count(event, seconds) {
      const key = pairKey(event);
      const known = pairs.get(key);
      if (known === undefined) {
        pairs.set(key, { count: 1, last: seconds });
        if (pairs.size > maxEntries) forgetOldest();
        return 0;
      }
      const count = seconds - known.last <= ttl ? known.count : 0;
      pairs.delete(key);
      pairs.set(key, { count: count + 1, last: Math.max(seconds, known.last) });
      return count;
    },
    get size() {
      return pairs.size;
    },
  };
}

/** Arguments longer than this are known by their beginning and length; nothing is ever matched by them alone. */
const KEPT = 512;

function pairKey(event: ExecEvent): string {
  const { process } = event;
  const parent = event.ancestors[0];
  const own = process.argv.join('\u0000');
  const above = parent === undefined || parent.place === 'outside' ? '' : parent.argv.join('\u0000');
  const container = event.container?.id.slice(0, 12) ?? '';
  const binary = process.binary ?? process.exe ?? '';
  const parentBinary = parent?.binary ?? parent?.exe ?? '';
  return `${container}\u0001${binary}\u0001${own.slice(0, KEPT)}\u0001${own.length}\u0001${parentBinary}\u0001${above.slice(0, KEPT)}\u0001${above.length}`;
}
