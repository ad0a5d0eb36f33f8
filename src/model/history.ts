import type { Severity } from './finding.ts';

/** A finding as it is kept, with what is asked for beside its text. */
export interface HistoryRecord {
  id: string;
  revision: number;
  /** The exec's time, RFC 3339 in UTC with nine digits. */
  time: string;
  /** Epoch milliseconds. */
  kept_ms: number;
  severity: Severity;
  tool?: string;
  /** References and repository, one a line. */
  image?: string;
  namespace?: string;
  workload?: string;
  indicators: string[];
  /** Names of the exceptions that applied. */
  exceptions: string[];
  hidden: boolean;
  sinks: string[];
  /** The finding as JSON, redacted as it left. */
  payload: string;
}

/** Bounds of the history, in the store's own terms. */
export interface HistoryBounds {
  max_bytes: number;
  /** Kept before this is forgotten. */
  before_ms: number;
}

/** Which findings are asked for; all that is given must hold. */
export interface HistoryFilter {
  /** RFC 3339 in UTC with nine digits; `since` included, `until` not. */
  since?: string;
  until?: string;
  severities?: Severity[];
  tool?: string;
  /** A reference or repository; `*` stands for anything. */
  image?: string;
  namespace?: string;
  workload?: string;
  indicator?: string;
  exception?: string;
  hidden?: boolean;
}

/** A page of findings; `next` goes on, absent at the end. */
export interface HistoryPage {
  payloads: string[];
  next?: number;
}

/** Where the history stands: one row for each finding, its last revision. */
export interface HistoryStore {
  /** Keeps these and forgets, oldest first, what is beyond the bounds; answers how many were forgotten. */
  keepHistory(records: readonly HistoryRecord[], bounds: HistoryBounds): Promise<number>;
  /** In the order they were kept, `newest` first if asked for. */
  queryHistory(
    filter: HistoryFilter,
    page: { newest: boolean; limit: number; from?: number },
  ): Promise<HistoryPage>;
  /** The finding with this id, as JSON. */
  getHistory(id: string): Promise<string | undefined>;
}
