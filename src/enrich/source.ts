import type { EnrichHealth, UnknownReason } from '../model/enrich.ts';
import type { Container, ImageFacts, Pod } from '../model/exec-event.ts';

export type SourceKind = 'cri' | 'docker' | 'kubernetes';

/** What one source tells of one container. Immutable once handed over. */
export interface Facts {
  /** Full id; as the sensor gave it where `provisional`. */
  id: string;
  from: SourceKind;
  container: Omit<Container, 'id'>;
  image?: ImageFacts;
  pod?: Pod;
  node?: string;
  /** The container's first process: pid in the root pid namespace, and the argv it was started with. */
  first?: { pid?: number; argv?: string[] };
  /** The source knows that no pod owns the container. */
  podless?: true;
  /** More is being asked for (owner, namespace); what is here is right. */
  incomplete?: true;
  /** Put together from what the sensor said of pod and name, before the source has seen the id: not kept. */
  provisional?: true;
  /** Facts this source looked for and could not get. */
  unknown?: Record<string, UnknownReason>;
}

/** What is asked: an id as the sensor gave it, and what else the event says. */
export interface Question {
  /** 8 to 64 hexadecimal characters. */
  id: string;
  pod?: { namespace: string; name: string; uid?: string };
  container_name?: string;
  /** Nobody waits for the answer yet: it comes after those somebody waits for. */
  ahead?: true;
}

export type Lookup =
  /** `source`: the name of the source that found it, put there by its guard. */
  | { kind: 'found'; facts: Facts; source?: string }
  | { kind: 'missing' }
  | { kind: 'ambiguous' }
  | { kind: 'failed'; reason: UnknownReason };

/** Where a source hands over what it hears without being asked. No call throws. */
export interface Learn {
  /** A container runs that may not be known yet. */
  started(id: string): void;
  /** Facts, new or renewed. */
  learned(facts: Facts): void;
  gone(id: string): void;
  /** All containers that run now: the others this source has told of are gone. */
  alive(ids: ReadonlySet<string>): void;
}

/** One place facts come from. Constructing one touches nothing outside the process. */
export interface FactSource {
  /** Kind and address; unique. */
  readonly name: string;
  readonly kind: SourceKind;
  /** Never rejects; ends soon after `signal` aborts. */
  lookup(question: Question, signal: AbortSignal): Promise<Lookup>;
  /** Connects, reconnects and tells `learn` until `signal` aborts. Calls `tried` after the first attempt. Never rejects. */
  run(learn: Learn, tried: () => void, signal: AbortSignal): Promise<void>;
  /** Why asking would be in vain, or undefined if it would not. */
  down(): UnknownReason | undefined;
  health(): EnrichHealth;
}

/** An id that a container can have, shortened or not. */
export function isContainerId(id: string): boolean {
  return /^[0-9a-f]{8,64}$/.test(id);
}
