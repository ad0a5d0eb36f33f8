import type { ExecEvent } from '../model/exec-event.ts';
import type { MissCount } from '../model/history.ts';
import { structureOf } from './structure.ts';

/** `kept`: to be written; `counted`: one that was kept stands for it; `rate_limited`: nothing does. */
export type Sampled = 'kept' | 'counted' | 'rate_limited';

/**
 * Chooses which execs that did not fire are kept, so that a storm of one kind leaves room for the others: of
 * each structure and hour the 1st, the 10th, the 100th and so on, up to a bound; of all together so many a
 * minute. Time is event time. Costs well below a microsecond for what is only counted.
 */
export interface Sampler {
  /** `idOf` is asked only where the exec is kept. */
  take(event: ExecEvent, tool: string, severity: string, seconds: number, idOf: () => string): Sampled;
  /** How many each kept one stands for, where that has changed since the last call. */
  counts(): MissCount[];
  readonly structures: number;
}

export interface SamplerBounds {
  max_per_hour: number;
  max_per_minute: number;
  max_structures: number;
}

interface Structure {
  hour: number;
  seen: number;
  kept: number;
  /** The next to be kept: the 1st, 10th, 100th … of the hour. */
  next: number;
  /** The last that was kept, and for how many it stands. */
  id: string | undefined;
  stands_for: number;
}

export function openSampler(bounds: SamplerBounds): Sampler {
  /** In the order of their hour's first sight. */
  const structures = new Map<number, Structure>();
  const grown = new Set<Structure>();
  /** Final counts of those that were followed by another, or forgotten. */
  const settled = new Map<string, number>();
  let minute = 0;
  let inMinute = 0;

  function settle(one: Structure): void {
    if (grown.delete(one) && one.id !== undefined) settled.set(one.id, one.stands_for);
  }

  function fresh(key: number, hour: number): Structure {
    const one = { hour, seen: 0, kept: 0, next: 1, id: undefined, stands_for: 0 };
    structures.set(key, one);
    if (structures.size > bounds.max_structures) {
      const [oldest, former] = structures.entries().next().value!;
      settle(former);
      structures.delete(oldest);
    }
    return one;
  }

  function current(key: number, hour: number): Structure {
    const known = structures.get(key);
    if (known === undefined) return fresh(key, hour);
    // Sensors deliver late: the hour never goes back.
    if (known.hour >= hour) return known;
    settle(known);
    structures.delete(key);
    return fresh(key, hour);
  }

  function hasRoom(seconds: number): boolean {
    const now = Math.floor(seconds / 60);
    if (now > minute) {
      minute = now;
      inMinute = 0;
    }
    return inMinute < bounds.max_per_minute;
  }

  return {
    take(event, tool, severity, seconds, idOf) {
      const one = current(structureOf(event, tool, severity), Math.floor(seconds / 3600));
      one.seen += 1;
      if (one.seen >= one.next && one.kept < bounds.max_per_hour && hasRoom(seconds)) {
        settle(one);
        inMinute += 1;
        one.kept += 1;
        while (one.next <= one.seen) one.next *= 10;
        one.id = idOf();
        one.stands_for = 1;
        return 'kept';
      }
      if (one.id === undefined) return 'rate_limited';
      one.stands_for += 1;
      grown.add(one);
      return 'counted';
    },
    counts() {
      const counts = [...settled].map(([id, stands_for]) => ({ id, stands_for }));
      for (const { id, stands_for } of grown) if (id !== undefined) counts.push({ id, stands_for });
      settled.clear();
      grown.clear();
      return counts;
    },
    get structures() {
      return structures.size;
    },
  };
}
