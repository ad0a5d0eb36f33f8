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
  return {
    count(event, seconds) {
      const key = pairKey(event);
      const known = pairs.get(key);
      const fresh = known !== undefined && seconds - known.last <= ttl;
      const count = fresh ? known.count : 0;
      pairs.delete(key);
      pairs.set(key, { count: count + 1, last: Math.max(seconds, known?.last ?? seconds) });
      if (pairs.size > maxEntries) pairs.delete(pairs.keys().next().value!);
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
  return [
    event.container?.id.slice(0, 12) ?? '',
    process.binary ?? process.exe ?? '',
    own.slice(0, KEPT),
    own.length,
    parent?.binary ?? parent?.exe ?? '',
    above.slice(0, KEPT),
    above.length,
  ].join('\u0001');
}
