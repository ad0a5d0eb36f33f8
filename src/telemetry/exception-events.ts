import { rfc3339, secondsOf } from '../lib/time.ts';
import type { ExceptionNote, Finding } from '../model/finding.ts';
import type { Metrics } from './metrics.ts';

/** What one exception did since start. */
export interface ExceptionUse {
  name: string;
  mode: ExceptionNote['mode'];
  hits: number;
  /** Time of the last finding it applied to, and that finding's id and title. */
  last?: { time: string; id: string; title: string };
  /** It matched, and a hard indicator, its expiry or a missing fact kept it from applying. */
  not_applied: number;
}

export interface ExceptionEvents {
  /** When counting began, RFC 3339 in UTC with nine digits. */
  readonly since: string;
  /** Counts what the exceptions did to one finding. */
  seen(finding: Finding): void;
  /** The exceptions there are from now on; those that stay keep their counts. */
  adopt(known: readonly Pick<ExceptionUse, 'name' | 'mode'>[]): void;
  uses(): ExceptionUse[];
  /** Those that never applied. */
  unused(): string[];
}

/** Exceptions at work: each is counted, so that one that is not needed any more can be found. */
export function exceptionEvents(
  metrics: Metrics,
  known: readonly Pick<ExceptionUse, 'name' | 'mode'>[],
  now_ms: number,
): ExceptionEvents {
  const hits = metrics.counter(
    'lanner_exception_hits_total',
    'Findings an exception applied to, by exception and what it does',
    ['exception', 'mode'],
  );
  const missed = metrics.counter(
    'lanner_exception_not_applied_total',
    'Findings an exception may have matched without applying: a missing fact, a hard indicator, its expiry',
    ['exception'],
  );
  const lastHit = metrics.gauge(
    'lanner_exception_last_hit_timestamp_seconds',
    'Time of the newest finding an exception applied to since start',
    ['exception'],
  );
  let uses = new Map<string, ExceptionUse>();
  function adopt(names: typeof known): void {
    const former = uses;
    uses = new Map(
      names.map(({ name, mode }) => [
        name,
        { ...(former.get(name) ?? { name, hits: 0, not_applied: 0 }), mode },
      ]),
    );
    for (const { name, mode } of former.values()) {
      if (uses.get(name)?.mode !== mode) hits.remove({ exception: name, mode });
      if (uses.has(name)) continue;
      missed.remove({ exception: name });
      lastHit.remove({ exception: name });
    }
    for (const { name, mode } of names) hits.inc({ exception: name, mode }, 0);
  }
  adopt(known);
  return {
    adopt,
    since: rfc3339(Math.floor(now_ms / 1000), (now_ms % 1000) * 1_000_000),
    seen(finding) {
      for (const note of finding.exceptions ?? []) {
        const use = uses.get(note.name);
        if (use === undefined) continue;
        if (note.applied) {
          use.hits += 1;
          use.last = { time: finding.time, id: finding.id, title: finding.title };
          hits.inc({ exception: note.name, mode: note.mode });
          lastHit.set({ exception: note.name }, secondsOf(finding.time));
        } else {
          use.not_applied += 1;
          missed.inc({ exception: note.name });
        }
      }
    },
    uses: () => [...uses.values()].map((use) => ({ ...use })),
    unused: () => [...uses.values()].filter(({ hits: count }) => count === 0).map(({ name }) => name),
  };
}
