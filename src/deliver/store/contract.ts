import type { Addressee, DeadReason } from '../../model/delivery.ts';
import type { Severity } from '../../model/finding.ts';
import type { Salvaged } from './salvage.ts';

/** What is known of a waiting delivery without its payload: the dispatcher keeps one of these in memory. */
export interface SpoolEntry {
  id: string;
  sink: string;
  severity: Severity;
  /** Deliveries of one sink with the same key arrive in the order they were accepted. */
  order_key: string;
  /** Epoch milliseconds. */
  accepted_ms: number;
  /** Failed attempts. */
  attempts: number;
  /** Of the payload. */
  bytes: number;
  /** A finding, which may share an attempt with others; relayed bodies and status notices go by themselves. */
  batchable: boolean;
  hold?: NonNullable<Addressee['hold']>;
  /** The batch or group notice it was put in before that one's first attempt. */
  unit?: string;
}

/** An entry with its payload: a delivery, a notice or a relayed body as JSON. */
export interface SpoolRecord {
  entry: SpoolEntry;
  payload: string;
}

/** A delivery that was given up, kept for a person to look at, to retry or to drop. */
export interface DeadLetter {
  entry: SpoolEntry;
  reason: DeadReason;
  detail: string;
  died_ms: number;
}

/** The file there was could not be used: it now stands at `path`, and the store is a new one. */
export type SetAside = { path: string } & (
  | { why: 'unreadable'; salvaged: Salvaged }
  | { why: 'newer'; version: number }
);

/** What was found at the opening. */
export interface Opened {
  entries: SpoolEntry[];
  set_aside?: SetAside;
  /**
   * Nothing waits, so the store has not been touched: fulfilled once it has been opened for the first change or
   * question, with what was found then. What it rejects with reaches that change or question, too.
   */
  later?: Promise<Opened>;
}

/**
 * Where deliveries wait. All calls take effect in the order they are made. A promise that is fulfilled means
 * the change survives the store's kind of accident; one that rejects means that it may not have been kept.
 */
export interface DeliveryStore {
  /** True if a fulfilled promise outlives kill -9 and power loss. */
  readonly durable: boolean;
  /**
   * Everything that still waits, in order of acceptance. Called first; again if the store has failed, which
   * makes a new start. Rejects if it cannot be used (yet), with a LannerError if waiting will not mend it.
   */
  open(): Promise<Opened>;
  /** An id that is already kept stays as it is. */
  put(records: readonly SpoolRecord[]): Promise<void>;
  /** Payloads by id; one that is not there is missing in the map. */
  read(ids: readonly string[]): Promise<Map<string, string>>;
  /** These are sent together from now on. */
  compose(unit: string | undefined, ids: readonly string[]): Promise<void>;
  /** Counts a failed attempt. */
  attempted(ids: readonly string[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  bury(ids: readonly string[], reason: DeadReason, detail: string, at_ms: number): Promise<void>;
  /** Newest first. */
  deadLetters(limit: number): Promise<DeadLetter[]>;
  /** Takes dead letters out of their graves; what is returned waits again, with no attempts. */
  revive(ids: readonly string[]): Promise<SpoolEntry[]>;
  /** Forgets dead letters beyond the bounds, oldest first, and answers how many. */
  prune(max_letters: number, before_ms: number): Promise<number>;
  /** Removes dead letters; answers how many there were. */
  dropDead(ids: readonly string[]): Promise<number>;
  close(): Promise<void>;
}
