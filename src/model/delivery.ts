import type { Finding } from './finding.ts';

/**
 * What a sink answers for one attempt. A value, not an exception: a sink throws only on a bug. `reason` is a
 * short snake_case word from a closed set, since it is a metric's label as well; `detail` is for the log.
 */
export type Outcome =
  | { kind: 'delivered' }
  | { kind: 'retry'; reason: string; detail?: string; after_ms?: number }
  | { kind: 'rejected'; reason: string; detail?: string };

/** One finding on its way to one sink. */
export interface Delivery {
  /** Constant over all attempts and restarts, so that a receiver can tell a repeat: finding, revision, sink. */
  id: string;
  sink: string;
  finding: Finding;
}

/** A destination for findings. Constructing one touches nothing outside the process. */
export interface Sink {
  readonly name: string;
  readonly type: string;
  /** One attempt, ended by the sink's own deadline or by `signal`. */
  send(delivery: Delivery, signal: AbortSignal): Promise<Outcome>;
  close(): Promise<void>;
}
