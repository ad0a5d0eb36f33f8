import type { UnknownReason } from '../model/enrich.ts';
import type { GuardedSource } from './guard.ts';
import type { Facts, Lookup, Question } from './source.ts';

/** What asking came to, for the runtimes together and for Kubernetes. Undefined: not asked. */
export interface Results {
  runtime?: Lookup;
  kubernetes?: Lookup;
}

/** Why a lookup brought no facts. */
export function reasonOf(lookup: Lookup | undefined): UnknownReason | undefined {
  switch (lookup?.kind) {
    case 'missing':
      return 'container_gone';
    case 'ambiguous':
      return 'ambiguous_id';
    case 'failed':
      return lookup.reason;
    default:
      return undefined;
  }
}

/**
 * Several runtimes as one: a container is in one of them. Two that know different containers by the id make it
 * ambiguous; one that cannot answer leaves it open only if none of the others has it.
 */
export function joinLookups(lookups: readonly Lookup[]): Lookup {
  const found = lookups.filter((lookup) => lookup.kind === 'found');
  const ids = new Set(found.map((lookup) => lookup.facts.id));
  if (ids.size > 1 || lookups.some((lookup) => lookup.kind === 'ambiguous')) return { kind: 'ambiguous' };
  return found[0] ?? lookups.find((lookup) => lookup.kind === 'failed') ?? { kind: 'missing' };
}

/** Asks every runtime. A value if all answer at once (all are down, say). */
export function askRuntimes(sources: readonly GuardedSource[], question: Question): Lookup | Promise<Lookup> {
  const answers = sources.map((source) => source.ask(question));
  if (answers.every((answer) => !(answer instanceof Promise))) return joinLookups(answers as Lookup[]);
  return Promise.all(answers).then(joinLookups);
}

/**
 * Asks Kubernetes beside the runtimes. What a runtime finds is better than the sensor's hints: a container
 * without a pod ends the wait for one, and a pod's name makes waiting for its status needless.
 */
export async function askKubernetes(
  source: GuardedSource,
  question: Question,
  runtime: Promise<Lookup> | undefined,
): Promise<Lookup> {
  const first = new AbortController();
  const plain = source.ask(question, first.signal);
  if (runtime === undefined || !(plain instanceof Promise)) return plain;
  const told = async (): Promise<Lookup | Facts> => {
    const lookup = await runtime;
    return lookup.kind === 'found' ? lookup.facts : plain;
  };
  const winner: Lookup | Facts = await Promise.race([plain, told()]);
  if (isLookup(winner)) return winner;
  first.abort();
  if (winner.podless) return { kind: 'missing' };
  const pod = winner.pod;
  if (pod === undefined) return plain;
  const better: Question = { id: winner.id, pod };
  if (winner.container.name !== undefined) better.container_name = winner.container.name;
  return source.ask(better);
}

function isLookup(value: Lookup | Facts): value is Lookup {
  return 'kind' in value;
}
