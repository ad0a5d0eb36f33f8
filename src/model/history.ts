import type { ExecEvent } from './exec-event.ts';
import type { Finding, IndicatorHit, Severity, Verdict } from './finding.ts';
import type { StateFacts } from './intake.ts';

/** What a person said of a kept exec. */
export const labels = ['expected', 'malicious'] as const;
export interface Label {
  is: (typeof labels)[number];
  note?: string;
  /** RFC 3339: when it was said. */
  time: string;
}

/**
 * An exec that named a tool and became no finding: `lanner.miss/v1`. One of a sample: `stands_for` says of how
 * many, itself included.
 */
export interface Miss {
  schema: 'lanner.miss/v1';
  /** `m-`, and then what stands behind `f-` in the id of the finding it would be. */
  id: string;
  /** The exec's time. */
  time: string;
  /** `none`, or below what any route wanted. */
  severity: Severity;
  score: number;
  tool: string;
  category?: string;
  indicators: IndicatorHit[];
  /** The lowest severity that any route wanted then. */
  floor: Severity;
  /** What memory knew when it was judged. */
  facts?: StateFacts;
  /** The normalized exec event that was judged, redacted unless configured otherwise. */
  exec: ExecEvent;
  /** Filled in where it is read: execs of the same structure, kept or not. */
  stands_for?: number;
}

/** An exec that named a tool and did not fire, as it was judged last. */
export interface MissedExec {
  event: ExecEvent;
  verdict: Verdict;
  facts: StateFacts;
  /** The lowest severity that any route wanted. */
  floor: Severity;
  /** Event time. */
  seconds: number;
}

/** What the history gives back, with its label if a person gave one. */
export type Kept = (Finding | Miss) & { label?: Label };

/** The same for the finding and the miss of one exec. */
export function execKeyOf(id: string): string {
  return id.slice(2);
}

/** A finding or a miss as it is kept, with what is asked for beside its text. */
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
  /** The finding or miss as JSON, redacted as it left. */
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
  label?: Label['is'];
  /** True: execs that did not fire, instead of findings. */
  missed?: boolean;
}

/** A page of findings or misses as JSON, labels included; `next` goes on, absent at the end. */
export interface HistoryPage {
  payloads: string[];
  next?: number;
}

/** How many execs a kept miss stands for by now. */
export interface MissCount {
  id: string;
  stands_for: number;
}

/** Where the history stands: one row for each finding, its last revision; misses have bounds of their own. */
export interface HistoryStore {
  /** Keeps these and forgets, oldest first, what is beyond the bounds; answers how many were forgotten. */
  keepHistory(records: readonly HistoryRecord[], bounds: HistoryBounds): Promise<number>;
  /** The same for execs that did not fire; `counts` are told of those kept before. */
  keepMisses(
    records: readonly HistoryRecord[],
    counts: readonly MissCount[],
    bounds: HistoryBounds,
  ): Promise<number>;
  /** Says what a person thinks of a finding or miss, instead of what was said before; false: there is none. */
  labelHistory(id: string, label: Label): Promise<boolean>;
  /** In the order they were kept, `newest` first if asked for. */
  queryHistory(
    filter: HistoryFilter,
    page: { newest: boolean; limit: number; from?: number },
  ): Promise<HistoryPage>;
  /** The finding or miss with this id, as JSON; of an exec that is both, the finding. */
  getHistory(id: string): Promise<string | undefined>;
}
