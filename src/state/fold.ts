import type { ExecEvent } from '../model/exec-event.ts';
import {
  compareSeverity,
  type Finding,
  type IndicatorHit,
  type Severity,
  type ToolUse,
} from '../model/finding.ts';

/**
 * One finding for one command: a wrapper, the shell that runs it and the tool itself are three execs of one
 * thing, and a loop is one thing many times. The first finding leaves at once; later execs amend it as new
 * revisions, of which only those that raise the severity are worth telling again.
 *
 * Two findings are the same when they stand in one line of descent with the same tool and compatible peers, or
 * repeat the same use of the same program in the same container. Time is event time.
 */
export interface Folds {
  /** What becomes of a finding that was just made. */
  fold(finding: Finding, use: ToolUse | undefined, seconds: number): Folded;
  /** The finding told before, with facts that came later: its next revision, worth telling. */
  revise(finding: Finding): Finding;
  readonly size: number;
}

/** `tell`: the finding goes on, a new one unchanged or the amended one. What only repeats is counted. */
export type Folded =
  | { tell: true; amends: boolean; finding: Finding }
  | { tell: false; amends: true; id: string; revision: number; related: Related | undefined };

type Related = NonNullable<Finding['related']>;

/** Of a finding that was told what later ones are held to: whole, a few thousand are tens of megabytes. */
interface Open {
  id: string;
  revision: number;
  time: string;
  tool: string | undefined;
  severity: Severity;
  indicators: IndicatorHit[];
  mitre: string[];
  /** Of the exec whose judgement stands. */
  exec: string;
  /** Once there are two execs. */
  related: Related | undefined;
  first: Related[number];
  /** The finding of a later exec, where that is the one that counts now. */
  main: Finding | undefined;
  container: string;
  trace: Trace;
  further: Further | undefined;
  last: number;
}

/** What tells that two execs are of one command: pids inside the container, and the use that is made. */
interface Trace {
  pid: number | undefined;
  above: readonly number[];
  peers: readonly string[];
  use: string;
}

/** The same of the execs that were folded into it. */
interface Further {
  pids: Set<number>;
  above: Set<number>;
  peers: Set<string>;
  uses: Set<string>;
}

/** Execs that are listed in a finding; further ones are only counted by its revision. */
const MAX_RELATED = 20;
const NONE: readonly never[] = [];

export function openFolds(options: { windowSeconds?: number; maxOpen?: number } = {}): Folds {
  const window = options.windowSeconds ?? 600;
  const maxOpen = options.maxOpen ?? 2048;
  /** By container, oldest first. */
  const open = new Map<string, Open[]>();
  let size = 0;

  function candidates(container: string, seconds: number): readonly Open[] {
    const all = open.get(container);
    if (all === undefined) return NONE;
    const live = all.filter((one) => Math.abs(seconds - one.last) <= window);
    size -= all.length - live.length;
    if (live.length === 0) open.delete(container);
    else if (live.length < all.length) open.set(container, live);
    return live;
  }

  function add(entry: Open): void {
    const all = open.get(entry.container);
    if (all === undefined) open.set(entry.container, [entry]);
    else all.push(entry);
    size += 1;
    if (size > maxOpen) forgetOldest();
  }

  /** Some at once: a Map looks past everything deleted at its front to find its first key. */
  function forgetOldest(): void {
    const left = maxOpen - (maxOpen >> 4);
    for (const [container, all] of open) {
      const few = all.splice(0, size - left);
      size -= few.length;
      if (all.length === 0) open.delete(container);
      if (size <= left) break;
    }
  }

  return {
    fold(finding, use, seconds) {
      const container = finding.exec.container?.id.slice(0, 12) ?? '';
      const trace = traceOf(finding, use);
      const known = candidates(container, seconds).find((one) => isSame(one, finding, trace));
      if (known === undefined) {
        add(openOf(finding, container, trace, seconds));
        return { tell: true, amends: false, finding };
      }
      // The same exec, seen again by another source or after a reconnect.
      if (known.id === finding.id) return repeated(known);
      const amended = amend(known, finding);
      known.last = Math.max(known.last, seconds);
      follow(known, trace);
      return amended === undefined ? repeated(known) : { tell: true, amends: true, finding: amended };
    },
    revise(finding) {
      const container = finding.exec.container?.id.slice(0, 12) ?? '';
      const known = open.get(container)?.find((one) => one.id === finding.id);
      if (known === undefined) return { ...finding, revision: finding.revision + 1 };
      // A later exec of the same command may have become the one that counts: its facts are its own.
      const revised: Finding = {
        ...(known.exec === finding.exec.id ? finding : (known.main ?? finding)),
        revision: known.revision + 1,
        ...(known.related !== undefined && { related: known.related }),
      };
      stand(known, revised);
      return revised;
    },
    get size() {
      return size;
    },
  };
}

function openOf(finding: Finding, container: string, trace: Trace, seconds: number): Open {
  return {
    id: finding.id,
    revision: finding.revision,
    time: finding.time,
    tool: finding.tool,
    severity: finding.severity,
    indicators: finding.indicators,
    mitre: finding.mitre,
    exec: finding.exec.id,
    related: finding.related,
    first: relatedOf(finding.exec),
    main: undefined,
    container,
    trace,
    further: undefined,
    last: seconds,
  };
}

/** This is the finding as it was told last. */
function stand(known: Open, finding: Finding): void {
  known.revision = finding.revision;
  known.time = finding.time;
  known.tool = finding.tool;
  known.severity = finding.severity;
  known.indicators = finding.indicators;
  known.mitre = finding.mitre;
  known.exec = finding.exec.id;
  known.related = finding.related;
  if (known.main !== undefined) known.main = finding;
}

function repeated({ id, revision, related }: Open): Folded {
  return { tell: false, amends: true, id, revision, related };
}

function traceOf({ exec, tool, indicators }: Finding, use: ToolUse | undefined): Trace {
  const peers = use?.peers ?? NONE;
  const above: number[] = [];
  for (const one of exec.ancestors)
    if (one.place === 'container' && one.pid !== undefined) above.push(one.pid);
  const ids: string[] = [];
  for (const one of indicators) if (one.points > 0) ids.push(one.id);
  const program = use?.program ?? exec.process.binary ?? exec.process.exe ?? '';
  // No argument and no path holds a NUL.
  const told = `${tool ?? ''}\u0000${ids.sort().join(' ')}\u0000${program}\u0000${peers.join('\u0000')}`;
  return { pid: exec.process.pid, above, peers, use: told };
}

/** The traces of a further exec, kept with the others'. */
function follow(known: Open, { pid, above, peers, use }: Trace): void {
  known.further ??= { pids: new Set(), above: new Set(), peers: new Set(), uses: new Set() };
  const { further } = known;
  if (pid !== undefined) further.pids.add(pid);
  for (const one of above) further.above.add(one);
  for (const peer of peers) further.peers.add(peer);
  further.uses.add(use);
}

function isSame(known: Open, finding: Finding, trace: Trace): boolean {
  if (known.id === finding.id) return true;
  if (known.tool !== finding.tool) return false;
  if (known.trace.use === trace.use || known.further?.uses.has(trace.use) === true) return true;
  return inOneLine(known, trace) && compatible(known, trace.peers);
}

/** One is an ancestor of the other, or they are one process that executed twice. */
function inOneLine(known: Open, { pid, above }: Trace): boolean {
  const { trace, further } = known;
  const isOwn = (one: number) => trace.pid === one || further?.pids.has(one) === true;
  const isAbove = (one: number) => trace.above.includes(one) || further?.above.has(one) === true;
  return (pid !== undefined && (isOwn(pid) || isAbove(pid))) || above.some(isOwn);
}

function compatible({ trace, further }: Open, peers: readonly string[]): boolean {
  const known = further?.peers;
  if (peers.length === 0 || (trace.peers.length === 0 && (known?.size ?? 0) === 0)) return true;
  return peers.some((peer) => trace.peers.includes(peer) || known?.has(peer) === true);
}

/**
 * The judgement of the more severe exec stands; the other's execs and indicators are kept beside it. The finding
 * that goes on, if the later exec is the one.
 */
function amend(known: Open, later: Finding): Finding | undefined {
  const rises = compareSeverity(later.severity, known.severity) > 0;
  const related = [...(known.related ?? [known.first]), relatedOf(later.exec)].slice(0, MAX_RELATED);
  const [main, other] = rises ? [later, known] : [known, later];
  const amended = {
    id: known.id,
    revision: known.revision + 1,
    time: known.time,
    indicators: union(main.indicators, other.indicators),
    mitre: [...new Set([...main.mitre, ...other.mitre])],
    related,
  };
  if (rises) known.main = { ...later, ...amended };
  else if (known.main !== undefined) known.main = { ...known.main, ...amended };
  if (known.main !== undefined) stand(known, known.main);
  else Object.assign(known, amended);
  return rises ? known.main : undefined;
}

function union(main: readonly IndicatorHit[], other: readonly IndicatorHit[]): IndicatorHit[] {
  const ids = new Set(main.map((one) => one.id));
  return [...main, ...other.filter((one) => one.points > 0 && !ids.has(one.id))];
}

function relatedOf(exec: ExecEvent): Related[number] {
  return {
    exec_id: exec.exec_id ?? exec.id,
    time: exec.time,
    text: exec.process.argv.join(' ').slice(0, 512),
  };
}
