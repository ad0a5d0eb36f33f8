import type { ExecEvent } from './exec-event.ts';

/**
 * Why a fact is unknown: the values of `ExecEvent.unknown`. Closed and stable, since exceptions, routes and
 * the label of a metric name them. Unknown is a third state: never read it as "no".
 */
export const unknownReasons = {
  deadline: 'no answer came in time',
  container_gone: 'no source knows the container: it was removed before it was asked for, or is not theirs',
  ambiguous_id: 'the sensor gave a shortened id that more than one container has',
  invalid_id: 'what the sensor gave is no container id',
  no_source: 'neither a container runtime nor Kubernetes is there to be asked',
  not_told: 'the sources that answered do not tell it',
  denied: 'Lanner may not read it from the source',
  socket_missing: 'the socket of the runtime does not exist',
  socket_permission: 'the socket of the runtime may not be opened',
  unavailable: 'the source cannot be reached',
  breaker_open: 'the source has failed or been slow repeatedly and is left alone for a while',
  overloaded: 'too many lookups wait already',
  failed: 'the source answered with an error, or with something unreadable',
} as const;
export type UnknownReason = keyof typeof unknownReasons;

/** What health says of one place facts come from. */
export interface EnrichHealth {
  /** The kind and the address, e.g. `cri:/run/containerd/containerd.sock`. */
  name: string;
  state: 'starting' | 'ok' | 'degraded' | 'off' | 'stopped';
  /** Why it is not ok, in words for an operator, with what to do about it. */
  reason?: string;
  /** Stable code of `reason`, from the table of errors. */
  code?: string;
  /** What answers there, e.g. `containerd 1.6.20`. */
  version?: string;
}

/**
 * Fills in what the sensor left out. Constructing one touches nothing outside the process. Nothing here
 * throws or rejects: what cannot be learned is named in `unknown`.
 */
export interface Enricher {
  /**
   * A new event with the facts that are known, or a promise of it where they have to be asked for; it is
   * fulfilled within the configured deadline. What the sensor told stays unless a source knows better.
   */
  enrich(event: ExecEvent): ExecEvent | Promise<ExecEvent>;
  /**
   * For an event that went out with unknown facts: the same event once more of them are known, or undefined
   * if none come within the configured time. Waits in the background, bounded in number.
   */
  later(event: ExecEvent): Promise<ExecEvent | undefined>;
  /** A container runs, by the id the sensor gave: look it up ahead of need. Cheap if it is known. */
  observe(containerId: string): void;
  /** One entry for each source, or a single one that says why there is none. */
  health(): EnrichHealth[];
  /** Connects and keeps connected until `signal` aborts. Fulfilled when each source has been tried once. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends everything that `start` began. May be called twice, and without `start`. */
  close(): Promise<void>;
}
