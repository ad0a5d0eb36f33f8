import type { ExecEvent } from '../model/exec-event.ts';
import { compareSeverity, type Finding, type IndicatorHit, type ToolUse } from '../model/finding.ts';

/**
 * One finding for one command: a wrapper, the shell that runs it and the tool itself are three execs of one
 * thing, and a loop is one thing many times. The first finding leaves at once; later execs amend it as new
 * revisions, of which only those that raise the severity are worth telling again.
 *
 * Two findings are the same when they stand in one line of descent with the same tool and compatible peers, or
 * repeat the same use of the same program in the same container. Time is event time.
 */
export interface Folds {
  /** The finding as it goes on: a new one unchanged, or the amended one. `tell` is false for mere repeats. */
  fold(
    finding: Finding,
    use: ToolUse | undefined,
    seconds: number,
  ): { finding: Finding; tell: boolean; amends: boolean };
  /** The finding told before, with facts that came later: its next revision, worth telling. */
  revise(finding: Finding): Finding;
  readonly size: number;
}

interface Open {
  finding: Finding;
  container: string;
  /** pids of the execs that were folded into it, and of their ancestors inside the container. */
  own: Set<number>;
  above: Set<number>;
  peers: Set<string>;
  repeats: Set<string>;
  last: number;
}

/** Execs that are listed in a finding; further ones are only counted by its revision. */
const MAX_RELATED = 20;

export function openFolds(options: { windowSeconds?: number; maxOpen?: number } = {}): Folds {
  const window = options.windowSeconds ?? 600;
  const maxOpen = options.maxOpen ?? 2048;
  /** By container, oldest first. */
  const open = new Map<string, Open[]>();
  let size = 0;

  function candidates(container: string, seconds: number): Open[] {
    const all = open.get(container) ?? [];
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
    while (size > maxOpen) {
      const [container, oldest] = open.entries().next().value!;
      oldest.shift();
      size -= 1;
      if (oldest.length === 0) open.delete(container);
    }
  }

  return {
    fold(finding, use, seconds) {
      const container = finding.exec.container?.id.slice(0, 12) ?? '';
      const entry = describe(finding, use, container, seconds);
      const known = candidates(container, seconds).find((one) => isSame(one, entry));
      if (known === undefined) {
        add(entry);
        return { finding, tell: true, amends: false };
      }
      // The same exec, seen again by another source or after a reconnect.
      if (known.finding.id === finding.id) return { finding: known.finding, tell: false, amends: true };
      const rises = compareSeverity(finding.severity, known.finding.severity) > 0;
      known.finding = amend(known.finding, finding, rises);
      known.last = Math.max(known.last, seconds);
      for (const pid of entry.own) known.own.add(pid);
      for (const pid of entry.above) known.above.add(pid);
      for (const peer of entry.peers) known.peers.add(peer);
      for (const repeat of entry.repeats) known.repeats.add(repeat);
      return { finding: known.finding, tell: rises, amends: true };
    },
    revise(finding) {
      const container = finding.exec.container?.id.slice(0, 12) ?? '';
      const known = open.get(container)?.find((one) => one.finding.id === finding.id);
      if (known === undefined) return { ...finding, revision: finding.revision + 1 };
      // A later exec of the same command may have become the one that counts: its facts are its own.
      const isMain = known.finding.exec.id === finding.exec.id;
      const { revision, related } = known.finding;
      known.finding = {
        ...(isMain ? finding : known.finding),
        revision: revision + 1,
        ...(related !== undefined && { related }),
      };
      return known.finding;
    },
    get size() {
      return size;
    },
  };
}

function describe(finding: Finding, use: ToolUse | undefined, container: string, seconds: number): Open {
  const { exec } = finding;
  const peers = use?.peers ?? [];
  const above = exec.ancestors.filter((one) => one.place === 'container').flatMap((one) => one.pid ?? []);
  return {
    finding,
    container,
    own: new Set(exec.process.pid === undefined ? [] : [exec.process.pid]),
    above: new Set(above),
    peers: new Set(peers),
    repeats: new Set([
      JSON.stringify([
        finding.tool,
        finding.indicators
          .filter((one) => one.points > 0)
          .map((one) => one.id)
          .sort(),
        [...peers].sort(),
        use?.program ?? exec.process.binary ?? exec.process.exe,
      ]),
    ]),
    last: seconds,
  };
}

function isSame(known: Open, entry: Open): boolean {
  if (known.finding.id === entry.finding.id) return true;
  if (known.finding.tool !== entry.finding.tool) return false;
  for (const repeat of entry.repeats) if (known.repeats.has(repeat)) return true;
  return inOneLine(known, entry) && compatible(known.peers, entry.peers);
}

/** One is an ancestor of the other, or they are one process that executed twice. */
function inOneLine(a: Open, b: Open): boolean {
  for (const pid of b.own) if (a.own.has(pid) || a.above.has(pid)) return true;
  for (const pid of a.own) if (b.above.has(pid)) return true;
  return false;
}

function compatible(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size === 0 || b.size === 0) return true;
  for (const peer of b) if (a.has(peer)) return true;
  return false;
}

/** The judgement of the more severe exec stands; the other's execs and indicators are kept beside it. */
function amend(known: Finding, later: Finding, rises: boolean): Finding {
  const main = rises ? later : known;
  const other = rises ? known : later;
  const related = [...(known.related ?? [relatedOf(known.exec)]), relatedOf(later.exec)];
  return {
    ...main,
    id: known.id,
    revision: known.revision + 1,
    time: known.time,
    indicators: union(main.indicators, other.indicators),
    mitre: [...new Set([...main.mitre, ...other.mitre])],
    related: related.slice(0, MAX_RELATED),
  };
}

function union(main: readonly IndicatorHit[], other: readonly IndicatorHit[]): IndicatorHit[] {
  const ids = new Set(main.map((one) => one.id));
  return [...main, ...other.filter((one) => one.points > 0 && !ids.has(one.id))];
}

function relatedOf(exec: ExecEvent): NonNullable<Finding['related']>[number] {
  return {
    exec_id: exec.exec_id ?? exec.id,
    time: exec.time,
    text: exec.process.argv.join(' ').slice(0, 512),
  };
}
