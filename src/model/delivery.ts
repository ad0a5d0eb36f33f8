import type { Finding, Severity } from './finding.ts';

/** Why an attempt failed and another may succeed. Closed, since each is the label of a metric. */
export const retryReasons = [
  'timeout',
  'connect_refused',
  'connection_lost',
  'name_unknown',
  'tls',
  'network',
  'proxy',
  'bad_response',
  'request_timeout',
  'too_early',
  'throttled',
  'server_error',
  'credentials_unreadable',
  'io_error',
  'aborted',
  'lease_expired',
] as const;
export type RetryReason = (typeof retryReasons)[number];

/** Why an attempt failed and repeating the same would fail again. Closed as well. */
export const rejectReasons = [
  'unauthorized',
  'gone',
  'too_large',
  'redirect',
  'not_implemented',
  'client_error',
  'unexpected_status',
  'unrenderable',
] as const;
export type RejectReason = (typeof rejectReasons)[number];

/**
 * What a sink answers for one attempt. A value, not an exception: a sink throws only on a bug. `reason` is a
 * short snake_case word from a closed set, since it is a metric's label as well; `detail` is for the log.
 * `after_ms` is what the receiver asked for (Retry-After): it pauses the sink, not the one delivery.
 */
export type Outcome =
  | { kind: 'delivered'; detail?: string }
  | { kind: 'retry'; reason: RetryReason; detail?: string; after_ms?: number }
  | { kind: 'rejected'; reason: RejectReason; detail?: string };

/** Findings that were held back and are told in one notice. */
export interface Group {
  /** Stable name of the group. */
  key: string;
  /** `group`: gathered by a route's group_by; `rate`: held back by a rate limit. */
  kind: 'group' | 'rate';
  /** The values the findings have in common, by the fields of group_by. */
  labels: Record<string, string>;
  /** How many findings the notice stands for; all are in the history. */
  count: number;
  by_severity: Partial<Record<Severity, number>>;
  /** RFC 3339: the first and the last finding of this notice. */
  first: string;
  last: string;
  /** Some of them, the most severe first. The delivery's `finding` is the first of these. */
  samples: Finding[];
}

/** One finding on its way to one sink; with `group`, the notice for many. */
export interface Delivery {
  /** Constant over all attempts and restarts, so that a receiver can tell a repeat: finding, revision, sink. */
  id: string;
  sink: string;
  finding: Finding;
  group?: Group;
}

/** Lanner's own trouble, with start and end, told through the same sinks as findings. */
export interface Notice {
  schema: 'lanner.notice/v1';
  /** The same for the start and the end of one trouble. */
  id: string;
  kind:
    | 'source_down'
    | 'sensor_blind'
    | 'upstream_drops'
    | 'spool_filling'
    | 'spool_degraded'
    | 'sink_blocked'
    | 'delivery_lost'
    | 'config_refused';
  state: 'started' | 'ended';
  severity: Severity;
  /** The source or sink it is about. */
  subject: string;
  title: string;
  detail: string;
  started: string;
  ended?: string;
}

/** A status notice on its way to one sink. */
export interface NoticeDelivery {
  id: string;
  sink: string;
  notice: Notice;
}

/** A received body that is passed on byte by byte as it came, whatever its encoding. */
export interface RelayDelivery {
  id: string;
  sink: string;
  relay: { body_base64: string; content_type: string };
}

/** Several deliveries in one attempt. Its composition is stored before the first attempt and never changes. */
export interface BatchDelivery {
  id: string;
  sink: string;
  batch: Delivery[];
}

/** Whatever a sink can be asked to send. */
export type Parcel = Delivery | NoticeDelivery | RelayDelivery | BatchDelivery;

/** How one attempt differs from the plain one. */
export interface SendOptions {
  /** The receiver found the body too large: leave out what is not needed to understand the finding. */
  compact?: boolean;
  /** The JSON of the parcel's findings as UTF-8, where it is at hand: whoever sends just that need not make it again. */
  json?: readonly Buffer[];
}

/** A destination for findings. Constructing one touches nothing outside the process. */
export interface Sink {
  readonly name: string;
  readonly type: string;
  /** How the dispatcher treats it; what is absent has the dispatcher's default. */
  readonly conduct?: Partial<SinkConduct>;
  /** One attempt, ended by the sink's own deadline or by `signal`. */
  send(parcel: Parcel, signal: AbortSignal, options?: SendOptions): Promise<Outcome>;
  close(): Promise<void>;
}

/** How the dispatcher treats one sink. */
export interface SinkConduct {
  /** Attempts at the same time. */
  concurrency: number;
  retry_initial_ms: number;
  retry_max_ms: number;
  /** After this age a delivery becomes a dead letter. */
  max_age_ms: number;
  /** Failures in a row that open the circuit breaker. */
  breaker_failures: number;
  /** An attempt that has not ended by then is aborted and counted as `lease_expired`. */
  lease_ms: number;
  /** Absent: one delivery per attempt. */
  batch?: { max_count: number; max_bytes: number; max_wait_ms: number };
}

/** One sink a finding goes to, and whether it is told at once or held. */
export interface Addressee {
  sink: string;
  /** Held back until `due_ms` (epoch) and then told in one notice with all that is held under the same key. */
  hold?: { key: string; kind: Group['kind']; due_ms: number; labels: Record<string, string> };
}

/** Why a delivery will never arrive. The reject reasons, and the dispatcher's own. */
export type DeadReason = RejectReason | 'expired' | 'unreadable' | 'sink_removed';

/** Why a delivery was dropped without being kept as a dead letter. */
export type ShedReason = 'spool_full' | 'memory_full' | 'dropped_by_operator' | 'store_corrupt';

/** How a sink stands. Only `flowing` sends freely. */
export type SinkState = 'flowing' | 'paused' | 'broken' | 'parked' | 'disabled';

/**
 * What happens to deliveries, told to metrics and log in one place. Each call is one occurrence; no call
 * throws. Deliveries balance: accepted + recovered = delivered + dead + shed + waiting.
 */
export interface DeliverEvents {
  accepted(sink: string, severity: Severity): void;
  /** Found in the store of a former run. */
  recovered(sink: string, count: number): void;
  attempted(sink: string, outcome: Outcome, took_ms: number): void;
  /** `count` deliveries arrived in one attempt, `age_ms` after the oldest was accepted. */
  delivered(sink: string, count: number, age_ms: number): void;
  dead(sink: string, reason: DeadReason, delivery: string, detail?: string): void;
  shed(sink: string, reason: ShedReason, severity: Severity): void;
  sinkState(sink: string, state: SinkState, detail: string): void;
  /** The configuration has no such sink any more; `waiting` deliveries for it became dead letters. */
  sinkRemoved(sink: string, waiting: number): void;
  /** The store does not take writes: deliveries are kept in memory only. */
  storeDegraded(detail: string): void;
  storeRecovered(written: number): void;
  /** The store could not be used and now stands at `path`; `detail` says why, and what was taken over from it. */
  storeSetAside(path: string, detail: string): void;
}

/** What status and health show of delivery. */
export interface DelivererStatus {
  sinks: SinkStatus[];
  spool: {
    /** Accepted means: on disk. */
    durable: boolean;
    /** Why deliveries are in memory only, while that is so. */
    degraded?: string;
    waiting: number;
    bytes: number;
    max_deliveries: number;
    max_bytes: number;
    /** RFC 3339: when the oldest waiting delivery was accepted. */
    oldest?: string;
  };
}

/** What status and health show of one sink. */
export interface SinkStatus {
  name: string;
  type: string;
  state: SinkState;
  detail?: string;
  /** RFC 3339: until when it is not asked, if it is known. */
  until?: string;
  waiting: number;
  in_flight: number;
  delivered: number;
  dead: number;
  shed: number;
  attempts: number;
  last_error?: string;
}
