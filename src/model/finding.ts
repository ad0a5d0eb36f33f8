import type { ExecEvent } from './exec-event.ts';

/** In rising order; `none` is a verdict, never a finding. */
export const severities = ['none', 'info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareSeverity(a: Severity, b: Severity): number {
  return severities.indexOf(a) - severities.indexOf(b);
}

export const peerClasses = [
  'loopback',
  'any',
  'internal',
  'metadata',
  'public_ip',
  'public_name',
  'unix',
  'unknown',
] as const;
/** Where a peer lies. */
export type PeerClass = (typeof peerClasses)[number];
/** What each class is, for reference pages. */
export const peerClassMeanings: Readonly<Record<PeerClass, string>> = {
  loopback: 'this network namespace: 127/8 in any spelling, ::1, localhost, 0.0.0.0 and :: as destination',
  any: '0.0.0.0, ::, * or no address, where the tool listens: reachable by everyone',
  internal:
    'private and shared ranges of addresses, names of one label, *.svc, *.cluster.local, *.internal, *.local, *.consul',
  metadata: "a cloud's metadata service, in any spelling",
  public_ip: 'any other address',
  public_name: 'any other name',
  unix: 'the path of a unix socket',
  unknown:
    'not there to see (a variable, standard input, a file, a proxy), or another way to split joined arguments names others',
};

/** Who a tool talks to, as its arguments say it. */
export interface FindingPeer {
  /** `query`: a name that a DNS tool asks about. */
  role: 'connect' | 'listen' | 'proxy' | 'resolver' | 'query';
  /** `unknown`: not there to see, or another way to split joined arguments names others. */
  class: PeerClass;
  /** Lower case; IP addresses in canonical spelling. */
  host?: string;
  /** A number or a range. */
  port?: string;
  /** Of a unix socket. */
  path?: string;
}

/** One suspicious way of use that was seen, or a reason that lowers the score. */
export interface IndicatorHit {
  /** snake_case id of the indicator, stable: exceptions, routes and dashboards name it. */
  id: string;
  /** Points added to the score; negative for a mitigation. */
  points: number;
  /** A hard indicator is never lowered by context. */
  hard: boolean;
  /** What it was seen on: a path, an option, a peer; redacted where a finding leaves the process. */
  evidence: string;
  /** One sentence for the responder. */
  why: string;
  mitre: string[];
}

/** One step a responder takes; `command` is ready to paste and never run by us. */
export interface TriageStep {
  text: string;
  command?: string;
}

/** What the judgement worked out about how the tool is used: for memory and routing, not for people. */
export interface ToolUse {
  /** Canonical `host:port` of each peer, `dns:<domain>` for what a DNS tool asks about; sorted, no duplicates. */
  peers: string[];
  /** Files the tool writes, absolute. */
  downloads: { path: string; url?: string }[];
  /** Path of the effective program, wrappers and loaders taken off. */
  program?: string;
}

/** The judgement of one exec event. Pure function of the event, the state handed in and the configuration. */
export interface Verdict {
  severity: Severity;
  score: number;
  /** Canonical id of the network utility, e.g. `netcat`; absent when none was executed. */
  tool?: string;
  category?: string;
  indicators: IndicatorHit[];
  why: string[];
  /** ATT&CK technique ids, most specific first, no duplicates. */
  mitre: string[];
  triage: TriageStep[];
  use?: ToolUse;
  /** Absent where no tool's arguments were read. */
  peers?: FindingPeer[];
}

/** What else happened in the same container around the time. Never part of the judgement's evidence. */
export interface ContextEntry {
  time: string;
  kind: 'exec' | 'alert';
  /** Command line of an exec, or rule and output of an alert. */
  text: string;
  pid?: number;
  rule?: string;
}

/** An exception that applied to a finding, or that might have. */
export interface ExceptionNote {
  name: string;
  mode: 'hide' | 'lower' | 'count';
  /** False: it matched or may have matched, and did not apply for the reason given. */
  applied: boolean;
  why: string;
  /** What kept it from applying. */
  because?: 'hard_indicator' | 'missing_fact' | 'expired';
}

/** What Lanner reports: schema `lanner.finding/v1`. It grows by addition only. */
export interface Finding {
  schema: 'lanner.finding/v1';
  /** Stable for the same exec: the same exec seen again is the same finding. */
  id: string;
  /** 1, 2, … as facts or severity are added. */
  revision: number;
  /** The exec's time. */
  time: string;
  severity: Severity;
  score: number;
  /** One line: what, where. */
  title: string;
  tool?: string;
  category?: string;
  why: string[];
  indicators: IndicatorHit[];
  mitre: string[];
  triage: TriageStep[];
  /** Who the tool talks to; absent where its arguments were not read. At most 33. */
  peers?: FindingPeer[];
  /** The normalized exec event that was judged, redacted unless configured otherwise. */
  exec: ExecEvent;
  /** Events of the same command that were folded into this finding, the first one included. */
  related?: { exec_id: string; time: string; text: string }[];
  context?: ContextEntry[];
  /** Exceptions that applied or could not be decided; those that plainly do not match are left out. */
  exceptions?: ExceptionNote[];
  /** The severity the judgement gave, where an exception lowered it. */
  severity_before?: Severity;
  /** Marks findings that a person asked for (`lanner sink test`). */
  test?: true;
}
