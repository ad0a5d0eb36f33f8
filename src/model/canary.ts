/**
 * The canary: a harmless program that Lanner runs itself, now and then, to see that the sensor reports it. These
 * are the shapes that the sources, the watch in src/canary and the status notices share.
 */

/** By what a sensor's filter can let canaries through. */
export interface CanarySign {
  /** The executed file. */
  binary: string;
  /** Regular expression (RE2) of the whole argument string. */
  pattern: string;
}

/** Recognizes the canary that is out, on bytes; one for each source. */
export interface CanaryCheck {
  /**
   * True if the exec with this path and these arguments is a canary that this source has not reported yet. It is
   * noted and must go no further. Anything else, a canary's second report included, is false: whoever repeats
   * what a canary looks like is judged as everybody.
   */
  exec(bytes: Uint8Array, pathStart: number, pathEnd: number, textStart: number, textEnd: number): boolean;
}

/** How the coverage of one source stands. */
export interface CanaryHealth {
  source: string;
  /**
   * `waiting`: none was looked for yet. `seen`: the last was reported in time. `missed`: the last was not. `blind`:
   * so many in a row that it counts as a trouble.
   */
  state: 'waiting' | 'seen' | 'missed' | 'blind';
  /** RFC 3339: when the last was reported. */
  last_seen?: string;
  /** From the start of the program until its report was read. */
  delay_ms?: number;
  /** Of `missed` and `blind`: what happened, and the mend. */
  reason?: string;
}

/** How one canary ended for one source. Closed, since each is the label of a metric. */
export const canaryOutcomes = ['seen', 'late', 'missed', 'skipped', 'failed', 'repeated'] as const;
/**
 * `late`: reported after it had been counted as missed. `skipped`: the source was not connected, which is told
 * elsewhere. `failed`: the program could not be run. `repeated`: an exec came that was like one reported before, which
 * nothing of ours does; it is judged like all.
 */
export type CanaryOutcome = (typeof canaryOutcomes)[number];

/** What happens to canaries, told to metrics and log in one place. No call throws. */
export interface CanaryEvents {
  ended(source: string, outcome: CanaryOutcome): void;
  /** Reported, in time or late, so long after its start. */
  reported(source: string, delay_ms: number, at_ms: number): void;
  blind(source: string, blind: boolean): void;
  /** The source is not asked any more. */
  forgotten(source: string): void;
  /** An exec with the file and the arguments of a canary that was reported before. */
  repeated(source: string): void;
  /** The program could not be run. */
  failed(reason: string): void;
}
