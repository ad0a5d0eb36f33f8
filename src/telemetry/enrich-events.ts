import type { Log } from './log.ts';
import type { Metrics, Tally } from './metrics.ts';

/** What enrichment counts and logs, each in one place. `kind` is `cri`, `docker` or `kubernetes`. */
export interface EnrichEvents {
  /** A lookup ended; `outcome` is found, missing, ambiguous, or the reason of its failure. */
  lookup(kind: string, outcome: string, ms: number): void;
  /** A lookup was not made. */
  refused(kind: string, reason: string): void;
  breaker(name: string, kind: string, open: boolean): void;
  /** An event was enriched: out of memory alone (`hit`), after asking (`miss`). */
  cache(result: 'hit' | 'miss'): void;
  /** An event left with this fact unknown. */
  unknown(fact: string, reason: string): void;
  /** An event that left with unknown facts was looked at again: `updated` or `expired` or `refused`. */
  followUp(outcome: 'updated' | 'expired' | 'refused'): void;
  /** A source works (again). */
  up(name: string, kind: string, version: string): void;
  /** A source does not work: logged when the code changes, not for each attempt. */
  down(name: string, kind: string, code: string, reason: string): void;
  /** How much is remembered. */
  sizes(containers: number, images: number): void;
}

/** Occurrences of enrichment as metrics and log lines. */
export function enrichEvents(metrics: Metrics, log: Log): EnrichEvents {
  const lookups = metrics.counter(
    'lanner_enrich_lookups_total',
    'Questions to container runtimes and Kubernetes',
    ['source', 'outcome'],
  );
  const seconds = metrics.histogram(
    'lanner_enrich_lookup_seconds',
    'How long a question took',
    ['source'],
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
  );
  const cache = metrics.tallied(
    'lanner_enrich_cache_total',
    'Events enriched from memory (hit) or not (miss)',
    ['result'],
  );
  const unknown = metrics.tallied('lanner_enrich_unknown_total', 'Facts that events left without', [
    'fact',
    'reason',
  ]);
  const followUps = metrics.counter(
    'lanner_enrich_follow_ups_total',
    'Events looked at again after they left with unknown facts',
    ['outcome'],
  );
  const breakers = metrics.gauge('lanner_enrich_breaker_open', '1 while a source is left alone', ['source']);
  const ups = metrics.gauge('lanner_enrich_source_up', '1 while a source answers', ['source', 'name']);
  const entries = metrics.gauge('lanner_enrich_cache_entries', 'What is remembered', ['kind']);
  const cached = { hit: cache.of({ result: 'hit' }), miss: cache.of({ result: 'miss' }) };
  const unknowns = new Map<string, Tally>();
  const open = new Map<string, number>();
  const lastCode = new Map<string, string>();
  return {
    lookup(kind, outcome, ms) {
      lookups.inc({ source: kind, outcome });
      seconds.observe({ source: kind }, ms / 1000);
    },
    refused: (kind, reason) => lookups.inc({ source: kind, outcome: reason }),
    breaker(name, kind, isOpen) {
      const count = (open.get(kind) ?? 0) + (isOpen ? 1 : -1);
      open.set(kind, count);
      breakers.set({ source: kind }, count);
      if (isOpen) log.warn('enrichment: source is slow or fails, left alone for a while', { source: name });
      else log.info('enrichment: source answers in time again', { source: name });
    },
    cache(result) {
      cached[result].count += 1;
    },
    unknown(fact, reason) {
      const key = `${fact} ${reason}`;
      let tally = unknowns.get(key);
      if (tally === undefined) {
        tally = unknown.of({ fact, reason });
        unknowns.set(key, tally);
      }
      tally.count += 1;
    },
    followUp: (outcome) => followUps.inc({ outcome }),
    up(name, kind, version) {
      ups.set({ source: kind, name }, 1);
      if (lastCode.get(name) === 'ok') return;
      lastCode.set(name, 'ok');
      log.info('enrichment: source answers', { source: name, version });
    },
    down(name, kind, code, reason) {
      ups.set({ source: kind, name }, 0);
      if (lastCode.get(name) === code) return;
      lastCode.set(name, code);
      log.warn('enrichment: source cannot be asked', { source: name, code, reason });
    },
    sizes(containers, images) {
      entries.set({ kind: 'containers' }, containers);
      entries.set({ kind: 'images' }, images);
    },
  };
}
