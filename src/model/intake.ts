import type { CanaryCheck } from './canary.ts';
import type { ExecEvent } from './exec-event.ts';
import type { Severity, Verdict } from './finding.ts';

/** An alert of Falco that is no exec: context for findings of the same container, and something to relay. */
export interface SensorAlert {
  time: string;
  source: string;
  container_id?: string;
  rule: string;
  priority: string;
  output: string;
}

/**
 * The early test on bytes: could an exec with this path or these arguments become a finding? It may say yes
 * too often and must never say no to what the detection would report.
 */
export interface Interest {
  /** `bytes[start..end)` is a path or a program name. */
  path(bytes: Uint8Array, start: number, end: number): boolean;
  /** `bytes[start..end)` is an argument string. */
  text(bytes: Uint8Array, start: number, end: number): boolean;
  /** Both together, for a sensor that tells the executed path and all arguments: says yes less often. */
  exec(bytes: Uint8Array, pathStart: number, pathEnd: number, textStart: number, textEnd: number): boolean;
}

/** Why something was not read or not kept. Closed, since each is the label of a metric. */
export const dropReasons = [
  'queue_full',
  'undecodable',
  'oversized',
  'truncated_recording',
  'not_json',
  'not_falco_json',
  'falco_text_output',
  'shutdown',
] as const;
export type DropReason = (typeof dropReasons)[number];

/** Findings that were told since start; `tool` and `category` are the taxonomy's ids, or `none`. */
export interface FindingCount {
  severity: Severity;
  tool: string;
  category: string;
  count: number;
}

/**
 * What one source has seen since start. Plain numbers, so that the hot path only increments; metrics and
 * health read them.
 */
export interface SourceCounts {
  /** Messages that arrived, readable or not. */
  messages: number;
  /** Successful program starts, host included. */
  execs: number;
  /** Of these, in a container. */
  container_execs: number;
  exits: number;
  /** Processes that already ran when the sensor started (Tetragon's procFS): context, not new execs. */
  already_running: number;
  /** Falco: execve that failed (`evt.res` is not SUCCESS). */
  failed_execs: number;
  /** Falco: alerts that are no exec. */
  other_alerts: number;
  /** Falco: messages of source "internal". */
  internal: number;
  /** Execs dismissed on bytes. */
  early_rejected: number;
  /** Execs that were decoded and judged. */
  judged: number;
  /** Messages that could not be read; a part of `dropped` by reason. */
  unreadable: number;
  /** The sensor's own report of loss: throttle events, syscall drops, rate limits. */
  sensor_loss_reports: number;
  /** Events the sensor says it lost, where it gives a number. */
  sensor_lost_events: number;
  connects: number;
  disconnects: number;
  /** Seconds without a connection, closed gaps only. */
  gap_seconds: number;
  /** Falco over HTTP: requests answered before delivery had accepted the finding, since Falco may not wait. */
  late_answers: number;
  dropped: Partial<Record<DropReason, number>>;
}

/** All zero. */
export function newSourceCounts(): SourceCounts {
  return {
    messages: 0,
    execs: 0,
    container_execs: 0,
    exits: 0,
    already_running: 0,
    failed_execs: 0,
    other_alerts: 0,
    internal: 0,
    early_rejected: 0,
    judged: 0,
    unreadable: 0,
    sensor_loss_reports: 0,
    sensor_lost_events: 0,
    connects: 0,
    disconnects: 0,
    gap_seconds: 0,
    late_answers: 0,
    dropped: {},
  };
}

/** Counts `n` drops under their reason. */
export function countDrop(counts: SourceCounts, reason: DropReason, n = 1): void {
  counts.dropped[reason] = (counts.dropped[reason] ?? 0) + n;
  if (reason !== 'queue_full' && reason !== 'shutdown') counts.unreadable += n;
}

/**
 * Memory of processes, filled from bytes and decoded only when a finding asks. `key` and `parent` name a
 * process (Tetragon's exec_id; container, pid and start for Falco); `payload` is opaque to the memory.
 */
export interface ProcessMemory {
  /**
   * Keeps a copy of `payload[0..length)` under the key `bytes[keyStart..keyEnd)`. `seconds` is event time.
   * True if the parent is known, which the call refreshes as `touch` does.
   */
  put(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    parentStart: number,
    parentEnd: number,
    seconds: number,
    payload: Uint8Array,
    length: number,
  ): boolean;
  /** The same with a payload put together from pieces of `bytes` (from, to of each of `count`), key and parent among them. */
  putPieces(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    parentStart: number,
    parentEnd: number,
    seconds: number,
    pieces: Int32Array,
    count: number,
  ): boolean;
  /** True if the key is known; refreshes it, so that living parents outlast storms of short-lived children. */
  touch(bytes: Uint8Array, keyStart: number, keyEnd: number): boolean;
  /** The process has ended: it may be forgotten once 30 s of event time have passed. */
  exit(bytes: Uint8Array, keyStart: number, keyEnd: number, seconds: number): void;
  /** A copy of what was kept, or undefined. */
  get(key: Uint8Array): { payload: Buffer; parent: Buffer; seconds: number } | undefined;
}

/**
 * What ran lately in each container, and what else the sensors said about it: kept as bytes, decoded only for
 * the context of a finding.
 */
export interface RecentMemory {
  /** `bytes[id…)` is the container's id; binary and arguments follow. `seconds` is event time. */
  exec(
    bytes: Uint8Array,
    idStart: number,
    idEnd: number,
    seconds: number,
    pid: number,
    binaryStart: number,
    binaryEnd: number,
    argumentsStart: number,
    argumentsEnd: number,
  ): void;
  alert(alert: SensorAlert): void;
}

/** Turns a kept message into an event; undefined if it turns out to be no exec. Throws if it cannot be read. */
export type Decode = (message: Buffer) => ExecEvent | undefined;

/**
 * Where a source hands over what it reads; the pipeline makes one for each source. No call throws.
 */
export interface Intake {
  readonly counts: SourceCounts;
  readonly interest: Interest;
  readonly processes: ProcessMemory;
  readonly recent: RecentMemory;
  /** Recognizes the program that Lanner runs itself; absent: none runs. */
  readonly canary?: CanaryCheck;
  /**
   * Takes a message that the early test let through into the bounded queue, to be decoded and judged soon.
   * False if the queue was full: the drop is already counted. The buffer must not be reused by the caller.
   */
  offer(message: Buffer, decode: Decode): boolean;
  /**
   * Judges now. Undefined if nothing will be reported, else a promise that is fulfilled when delivery has
   * accepted the finding (it never rejects).
   */
  judge(event: ExecEvent): Promise<void> | undefined;
  /** An alert that is no exec. */
  alert(alert: SensorAlert): void;
  /** A message that could not be read: counted under `reason`; one redacted sample is kept for the log. */
  unreadable(reason: DropReason, detail: string, sample?: Uint8Array): void;
}

/** What health says of a source. */
export interface SourceHealth {
  name: string;
  type: string;
  state: 'starting' | 'ok' | 'degraded' | 'stopped' | 'failed';
  /** Why it is not ok, in words for an operator. */
  reason?: string;
  /** Stable code of `reason`, from the table of errors. */
  code?: string;
  /** RFC 3339: since when it is in this state. */
  since: string;
  sensor_version?: string;
  /** What carries the stream, where there is a choice. */
  transport?: 'http2' | 'grpc_js';
  /** Why it is not the cheaper one that was tried first. */
  transport_reason?: string;
}

/** A connection to one sensor. Constructing one touches nothing outside the process. */
export interface Source {
  readonly name: string;
  readonly type: string;
  /**
   * Connects, reconnects, yields events to `intake` until `signal` aborts; then everything received has been
   * handed over and the promise is fulfilled. Rejects only with a LannerError that waiting cannot mend (a
   * recording that does not exist, a port in use).
   */
  run(intake: Intake, signal: AbortSignal): Promise<void>;
  health(): SourceHealth;
}

/** What memory knows about an event when it is judged; absent parts are unknown or switched off. */
export interface StateFacts {
  /** The same arguments under the same parent were seen in this container so many times before. */
  seen_before?: number;
  /** An earlier step of a download, chmod, exec chain in this container: command line and time of each. */
  chain?: { step: 'download' | 'chmod'; text: string; time: string; path?: string }[];
}

/** One decision of the judgement, for `explain`. */
export interface NoteEntry {
  step:
    | 'scope'
    | 'program'
    | 'arguments'
    | 'peers'
    | 'location'
    | 'indicator'
    | 'score'
    | 'severity'
    | 'exception';
  text: string;
  data?: unknown;
}
export type Note = (entry: NoteEntry) => void;

/** The detection, ready to judge. Synchronous, no clock, no I/O. */
export interface Detector {
  judge(event: ExecEvent, state?: StateFacts, note?: Note): Verdict;
  /**
   * True only if the verdict on the event names a tool, whatever the state and whatever is added to container,
   * image, pod and file: then facts can be added before the first judgement. False may mean either.
   */
  names(event: ExecEvent): boolean;
  readonly interest: Interest;
}
