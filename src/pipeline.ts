import { hash } from 'node:crypto';
import { messageOf } from './lib/errors.ts';
import { BoundedQueue } from './lib/queue.ts';
import { secondsOf } from './lib/time.ts';
import type { CanaryCheck } from './model/canary.ts';
import type { Addressee } from './model/delivery.ts';
import type { ExecEvent } from './model/exec-event.ts';
import { compareSeverity, type Finding, type Severity, type Verdict } from './model/finding.ts';
import type { MissedExec } from './model/history.ts';
import {
  countDrop,
  type Decode,
  type Detector,
  type DropReason,
  type FindingCount,
  type Intake,
  type Interest,
  newSourceCounts,
  type ProcessMemory,
  type SensorAlert,
  type SourceCounts,
  type StateFacts,
} from './model/intake.ts';
import { makeFinding } from './model/make-finding.ts';
import type { Chains } from './state/chains.ts';
import type { Folds } from './state/fold.ts';
import type { RecentExecs } from './state/recent.ts';
import type { SeenBefore } from './state/seen.ts';
import type { Log } from './telemetry/log.ts';

/** What a configuration decides about the way of an event; can be swapped while it runs. */
export interface Settings {
  detector: Detector;
  /** Takes credentials out of a finding before it leaves; absent: it leaves as it is. */
  redact?: (finding: Finding) => Finding;
  /** Where this Lanner runs, for events whose sensor does not tell. */
  place?: { node: string; cluster?: string };
  /** What the exceptions make of a finding; absent: there are none. */
  except?: (finding: Finding) => { finding: Finding; hidden: boolean };
  /** The sinks of a finding, and which of them hold it back; empty: it is reported nowhere. */
  route: (finding: Finding) => readonly (string | Addressee)[];
  /** Findings below are not made. */
  minSeverity: Severity;
  /** Bounds of the queue between the streams and the judgement; absent: judged at once, in order (replay). */
  queue?: { max_messages: number; max_bytes: number };
}

/**
 * The way of one event, top to bottom:
 *
 *   source ── bytes ──▶ early test ── candidate ──▶ queue ──▶ decode ──▶ judge ──▶ enrich ──▶ judge again
 *                                                                                    │
 *   sinks ◀── deliver ◀── route ◀── fold ◀── exceptions ◀── finding ◀────────────────┘
 *
 * Only what the early test lets through gets here. Judging is synchronous; enrichment answers at once when its
 * cache knows, and never later than its deadline.
 */
export interface PipelineParts extends Settings {
  processes: ProcessMemory;
  recent: RecentExecs;
  /** What needs memory beyond ancestors; absent: each event is judged by itself (`--no-state`). */
  state?: { seen?: SeenBefore; chains?: Chains; folds?: Folds };
  /** Adds facts about container and image; absent, or the same event: nothing was added. */
  enrich?: (event: ExecEvent) => ExecEvent | Promise<ExecEvent>;
  /** For an event whose finding went out with unknown facts: the event with more of them, if they come. */
  later?: (event: ExecEvent) => Promise<ExecEvent | undefined>;
  /** Fulfilled when the finding is accepted, durably where a spool is configured. */
  accept: (finding: Finding, to: readonly (string | Addressee)[]) => Promise<void>;
  /** Recognizes the program that Lanner runs itself among the execs of a source; absent: none runs. */
  canary?: (source: string) => CanaryCheck | undefined;
  log: Log;
  /** Hears each finding that an exception hides. */
  onHidden?: (finding: Finding) => void;
  /** Hears each exec that named a tool and did not fire, with its last verdict: often, so it must be cheap. */
  onMiss?: (missed: MissedExec) => void;
  /** Hears each finding that is told, with its sinks: the terminal of `demo` and `replay`. */
  onFinding?: (finding: Finding, sinks: readonly string[]) => void;
  onAlert?: (alert: SensorAlert) => void;
}

export interface Pipeline {
  /** What a source hands its events to. One per source; asking again gives the same, with the canary of then. */
  intake(source: string): Intake;
  counts(): ReadonlyMap<string, SourceCounts>;
  findings(): readonly FindingCount[];
  /** Execs that were folded into a finding told before, without raising its severity. */
  folded(): number;
  /** Findings that an exception hid. */
  hidden(): number;
  queued(): { messages: number; bytes: number };
  /** From the next judgement on. Counts, memory and what waits in the queue stay; `queue` changes its bounds only. */
  adopt(settings: Settings): void;
  /** Fulfilled when everything handed over so far has been judged and accepted. */
  idle(): Promise<void>;
}

/** Judged in one go before the event loop gets its turn; keeps HTTP, timers and the sensors' sockets served. */
const SLICE_MS = 4;
/** How far back a finding's context reaches, and how much of it there is at most. */
const CONTEXT_SECONDS = 900;
const CONTEXT_ENTRIES = 25;

interface Candidate {
  message: Buffer;
  decode: Decode;
  intake: Intake;
}

/** Whether a source is asked for canaries may change between two of its runs. */
type OwnIntake = Omit<Intake, 'canary'> & { canary?: CanaryCheck };

export function openPipeline(parts: PipelineParts): Pipeline {
  const { log, state } = parts;
  let settings: Settings = parts;
  let { interest: ofDetector } = settings.detector;
  // Sources hold on to this one, whatever the detection becomes.
  const current: Interest = {
    path: (bytes, start, end) => ofDetector.path(bytes, start, end),
    text: (bytes, start, end) => ofDetector.text(bytes, start, end),
    exec: (bytes, pathStart, pathEnd, textStart, textEnd) =>
      ofDetector.exec(bytes, pathStart, pathEnd, textStart, textEnd),
  };
  const interest = state?.chains?.widen(current) ?? current;
  const queue = new BoundedQueue<Candidate>(parts.queue?.max_messages ?? 1, parts.queue?.max_bytes ?? 1);
  const intakes = new Map<string, OwnIntake>();
  const told = new Map<string, FindingCount>();
  const accepting = new Set<Promise<void>>();
  const waiting: (() => void)[] = [];
  let pumping = false;
  let amended = 0;
  let concealed = 0;

  function intakeFor(source: string): Intake {
    const intake = intakes.get(source) ?? makeIntake(source);
    intakes.set(source, intake);
    const canary = parts.canary?.(source);
    if (canary !== undefined) intake.canary = canary;
    else if (intake.canary !== undefined) delete intake.canary;
    return intake;
  }

  function makeIntake(source: string): OwnIntake {
    const counts = newSourceCounts();
    const sampled = new Set<DropReason>();
    const intake: OwnIntake = {
      counts,
      interest,
      processes: parts.processes,
      recent: parts.recent,
      offer(message, decode) {
        if (parts.queue === undefined) {
          judgeMessage(message, decode, intake);
          return true;
        }
        const taken = queue.push({ message, decode, intake }, message.length);
        if (!taken) countDrop(counts, 'queue_full');
        else if (!pumping) {
          pumping = true;
          setImmediate(pump);
        }
        return taken;
      },
      judge(event) {
        counts.judged += 1;
        return judge(event);
      },
      alert(alert) {
        parts.recent.alert(alert);
        parts.onAlert?.(alert);
      },
      unreadable(reason, detail, sample) {
        countDrop(counts, reason);
        if (sampled.has(reason)) return;
        sampled.add(reason);
        log.warn('a message could not be read; it is counted, later ones of the same kind are only counted', {
          source,
          reason,
          detail,
          // Enough to tell what kind of message it was, too little to hold an argument.
          ...(sample !== undefined && {
            bytes: sample.length,
            begins: Buffer.from(sample.subarray(0, 16)).toString('hex'),
          }),
        });
      },
    };
    return intake;
  }

  function pump(): void {
    const until = performance.now() + SLICE_MS;
    for (let candidate = queue.shift(); candidate !== undefined; candidate = queue.shift()) {
      judgeMessage(candidate.message, candidate.decode, candidate.intake);
      if (performance.now() >= until) break;
    }
    pumping = queue.length > 0;
    if (pumping) setImmediate(pump);
    else if (accepting.size === 0) settle();
  }

  function judgeMessage(message: Buffer, decode: Decode, intake: Intake): void {
    try {
      const event = decode(message);
      if (event !== undefined) intake.judge(event);
    } catch (error) {
      intake.unreadable('undecodable', messageOf(error), message);
    }
  }

  /** Undefined if nothing is reported. A named tool is enriched before its verdict counts. */
  function judge(event: ExecEvent): Promise<void> | undefined {
    const { detector } = settings;
    const seconds = secondsOf(event.time);
    const chain = state?.chains?.before(event, seconds);
    const facts: StateFacts = chain === undefined ? {} : { chain };
    // What names a tool by itself is judged once, with all facts; a shell's string first without them.
    const first = detector.names(event) ? undefined : detector.judge(event, facts);
    if (first !== undefined && first.tool === undefined && first.severity === 'none') return undefined;
    if (state?.seen !== undefined) facts.seen_before = state.seen.count(event, seconds);
    const enriched = parts.enrich === undefined ? event : parts.enrich(event);
    if (enriched instanceof Promise)
      return track(enriched.then((one) => report(one, settings.detector.judge(one, facts), facts, seconds)));
    const standing = enriched === event && first !== undefined && isSettled(first, facts);
    return report(enriched, standing ? first : detector.judge(enriched, facts), facts, seconds);
  }

  /** What was seen before lowers verdicts up to low and no other. */
  function isSettled(verdict: Verdict, facts: StateFacts): boolean {
    return (facts.seen_before ?? 0) === 0 || compareSeverity(verdict.severity, 'low') > 0;
  }

  function report(
    event: ExecEvent,
    verdict: Verdict,
    facts: StateFacts,
    seconds: number,
  ): Promise<void> | undefined {
    if (verdict.use !== undefined) state?.chains?.downloaded(event, verdict.use, seconds);
    const floor = settings.minSeverity;
    if (verdict.severity === 'none' || compareSeverity(verdict.severity, floor) < 0) {
      parts.onMiss?.({ event: placed(event), verdict, facts, floor, seconds });
      return undefined;
    }
    const judged = makeFinding(placed(event), verdict, findingId(event.id));
    const { finding: made, hidden } = excepted(judged);
    // Facts that come later may take away what hides it.
    if (hidden) {
      if (event.unknown !== undefined) followUp(judged, event, facts, seconds);
      hide(made);
      return undefined;
    }
    const folded = state?.folds?.fold(made, verdict.use, seconds);
    if (folded?.tell === false) {
      amended += 1;
      return undefined;
    }
    if (event.unknown !== undefined) followUp(judged, event, facts, seconds);
    return tell(withContext(folded?.finding ?? made, seconds));
  }

  /** Facts that come too late for the finding make its next revision; nobody waits for them. */
  function followUp(made: Finding, event: ExecEvent, facts: StateFacts, seconds: number): void {
    void parts.later?.(event).then((known) => {
      if (known === undefined) return;
      const verdict = settings.detector.judge(known, facts);
      if (verdict.severity === 'none') return;
      const { finding: again, hidden } = excepted(
        makeFinding(placed(known), verdict, made.id, made.revision),
      );
      if (hidden) return hide(again);
      const revised = state?.folds?.revise(again) ?? { ...again, revision: again.revision + 1 };
      void tell(withContext(revised, seconds));
    });
  }

  function excepted(finding: Finding): { finding: Finding; hidden: boolean } {
    return settings.except?.(finding) ?? { finding, hidden: false };
  }

  function hide(finding: Finding): void {
    concealed += 1;
    parts.onHidden?.(settings.redact === undefined ? finding : settings.redact(finding));
  }

  /** Where it happened stands first, where this Lanner knew something of that. */
  function placed(event: ExecEvent): ExecEvent {
    const { place } = settings;
    if (place === undefined || (event.node !== undefined && event.cluster !== undefined)) return event;
    // Two spreads in one literal cost forty times as much as one.
    const node = event.node ?? place.node;
    return place.cluster === undefined
      ? { node, ...event }
      : { node, cluster: event.cluster ?? place.cluster, ...event };
  }

  function count({ severity, tool = 'none', category = 'none' }: Finding): void {
    const key = `${severity} ${tool} ${category}`;
    const known = told.get(key);
    if (known === undefined) told.set(key, { severity, tool, category, count: 1 });
    else known.count += 1;
  }

  function tell(whole: Finding): Promise<void> | undefined {
    const finding = settings.redact === undefined ? whole : settings.redact(whole);
    count(finding);
    const to = settings.route(finding);
    parts.onFinding?.(finding, to.map(sinkOf));
    return to.length === 0 ? undefined : track(parts.accept(finding, to));
  }

  function withContext(finding: Finding, seconds: number): Finding {
    const id = finding.exec.container?.id;
    if (id === undefined) return finding;
    const context = parts.recent.around(id, seconds - CONTEXT_SECONDS, seconds + 1, CONTEXT_ENTRIES);
    return context.length === 0 ? finding : { ...finding, context };
  }

  function track(work: Promise<void> | undefined): Promise<void> | undefined {
    if (work === undefined) return undefined;
    const end = () => {
      accepting.delete(done);
      if (accepting.size === 0 && queue.length === 0) settle();
    };
    const done: Promise<void> = work.then(end, (error: unknown) => {
      log.error('a finding was not accepted', { reason: messageOf(error) });
      end();
    });
    accepting.add(done);
    return done;
  }

  function settle(): void {
    for (const resolve of waiting.splice(0)) resolve();
  }

  return {
    intake: intakeFor,
    counts: () => new Map([...intakes].map(([name, intake]) => [name, intake.counts])),
    findings: () => [...told.values()].map((one) => ({ ...one })),
    folded: () => amended,
    hidden: () => concealed,
    adopt(next) {
      settings = next;
      ofDetector = next.detector.interest;
      if (next.queue !== undefined) queue.bound(next.queue.max_messages, next.queue.max_bytes);
    },
    queued: () => ({ messages: queue.length, bytes: queue.bytes }),
    idle: () =>
      queue.length === 0 && accepting.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push(resolve)),
  };
}

function sinkOf(to: string | Addressee): string {
  return typeof to === 'string' ? to : to.sink;
}

/** Stable for the same exec, whoever reads it again. */
export function findingId(eventId: string): string {
  return `f-${hash('sha256', eventId).slice(0, 24)}`;
}
