import { LRUCache } from 'lru-cache';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Enricher, UnknownReason } from '../model/enrich.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { EnrichEvents } from '../telemetry/enrich-events.ts';
import { assemble, type Knowledge } from './assemble.ts';
import type { EnrichConfig } from './config.ts';
import { createFollowUps } from './follow-up.ts';
import { type GuardedSource, guard } from './guard.ts';
import { healthOf } from './health.ts';
import { askKubernetes, askRuntimes, type Results, reasonOf } from './inquiry.ts';
import { type ContainerRecord, Records, type View, viewOf } from './records.ts';
import {
  type FactSource,
  type Facts,
  isContainerId,
  type Learn,
  type Lookup,
  type Question,
} from './source.ts';

/** Lookups under way, at most; more are answered `overloaded`. */
const maxInquiries = 4096;
/** Events waiting for facts, at most; more leave at once, as `overloaded`. */
const maxWaiting = 10_000;

/** Finds sources that are not named: calls `add` for each, and `looked` after each look. */
export type Discover = (
  signal: AbortSignal,
  add: (source: FactSource) => void,
  looked: () => void,
) => Promise<void>;

export interface EnricherParts {
  config: EnrichConfig;
  sources: FactSource[];
  discover?: Discover;
  clock?: Clock;
  events: EnrichEvents;
  images?: { readonly size: number };
}

/** Asking about one container that is under way. */
interface Inquiry {
  started: number;
  results: Results;
  done: Promise<void>;
  /** True if the deadline came first; made when somebody waits. */
  over?: Promise<boolean>;
}

const overloaded: Results = {
  runtime: { kind: 'failed', reason: 'overloaded' },
  kubernetes: { kind: 'failed', reason: 'overloaded' },
};

/** Memory, questions and deadlines: the part between the pipeline and the sources. */
export function createEnricherOf(parts: EnricherParts): Enricher {
  const { config, events } = parts;
  const clock = parts.clock ?? systemClock;
  const records = new Records({
    max: config.cache.containers,
    gone_ms: config.cache.gone_secs * 1000,
    now: clock.now,
  });
  /** Answers that brought no lasting facts, by the id asked for. */
  const recent = new LRUCache<string, { results: Results; until: number }>({ max: config.cache.containers });
  const inquiries = new Map<string, Inquiry>();
  const runtimes: GuardedSource[] = [];
  let kubernetes: GuardedSource | undefined;
  let running: Promise<unknown> | undefined;
  let waiting = 0;
  const closing = new AbortController();

  const add = (source: FactSource): GuardedSource => {
    const guarded = guard(source, config, clock, events);
    if (source.kind === 'kubernetes') kubernetes = guarded;
    else runtimes.push(guarded);
    return guarded;
  };
  for (const source of parts.sources) add(source);

  /** Which sources have not told of the container yet. */
  const needs = (record: ContainerRecord | undefined): { runtime: boolean; kubernetes: boolean } => {
    let runtime: Facts | undefined;
    let kube: Facts | undefined;
    if (record !== undefined)
      for (const part of record.parts.values()) {
        if (part.from === 'kubernetes') kube ??= part;
        else runtime ??= part;
      }
    return {
      runtime: runtimes.length > 0 && runtime === undefined,
      kubernetes:
        kubernetes !== undefined && !runtime?.podless && (kube === undefined || kube.incomplete === true),
    };
  };

  const keep = (lookup: Lookup): void => {
    if (lookup.kind !== 'found' || lookup.facts.provisional) return;
    records.learn(lookup.source ?? lookup.facts.from, lookup.facts);
  };

  const ask = (question: Question, record: ContainerRecord | undefined): Results | Inquiry => {
    const open = needs(record);
    const results: Results = {};
    const waits: Promise<void>[] = [];
    let runtime: Promise<Lookup> | undefined;
    if (open.runtime) {
      const answer = askRuntimes(runtimes, question);
      if (answer instanceof Promise) {
        runtime = answer;
        waits.push(
          answer.then((lookup) => {
            results.runtime = lookup;
            keep(lookup);
          }),
        );
      } else results.runtime = answer;
    }
    if (open.kubernetes && kubernetes !== undefined) {
      const { source } = kubernetes;
      const down = source.down();
      if (down !== undefined) results.kubernetes = { kind: 'failed', reason: down };
      else {
        waits.push(
          askKubernetes(kubernetes, question, runtime).then((lookup) => {
            results.kubernetes = lookup;
            keep(lookup);
          }),
        );
      }
    }
    if (waits.length === 0) return results;
    return { started: clock.now(), results, done: Promise.all(waits).then(() => undefined) };
  };

  /** Begins asking, or joins who asks already. */
  const inquire = (question: Question, record: ContainerRecord | undefined): Results | Inquiry => {
    const same = inquiries.get(question.id);
    if (same !== undefined) return same;
    if (inquiries.size >= maxInquiries) return overloaded;
    const asked = ask(question, record);
    // Refused at once, which costs nothing: asked anew next time.
    if (!('done' in asked)) return asked;
    inquiries.set(question.id, asked);
    asked.done = asked.done
      // A source that throws is a bug, but the event still has to leave.
      .catch(() => undefined)
      .finally(() => {
        inquiries.delete(question.id);
        remember(question.id, asked.results);
        events.sizes(records.size, parts.images?.size ?? 0);
      });
    return asked;
  };

  const remember = (id: string, results: Results): void => {
    const isLasting = (lookup: Lookup | undefined) =>
      lookup === undefined ||
      (lookup.kind === 'found' && !lookup.facts.provisional && !lookup.facts.incomplete);
    const isRefused = (lookup: Lookup | undefined) =>
      lookup?.kind === 'failed' && lookup.reason === 'overloaded';
    const isDone = isLasting(results.runtime) && isLasting(results.kubernetes);
    if (isDone || isRefused(results.runtime) || isRefused(results.kubernetes)) recent.delete(id);
    else recent.set(id, { results, until: clock.now() + config.cache.negative_ms });
  };

  const recentOf = (id: string): Results | undefined => {
    const entry = recent.get(id);
    if (entry === undefined) return undefined;
    if (entry.until > clock.now()) return entry.results;
    recent.delete(id);
    return undefined;
  };

  /** The event as well as it can be told now. */
  const complete = (
    event: ExecEvent,
    results: Results,
    isLate: boolean,
    found: ReturnType<Records['find']>,
  ): ExecEvent => {
    const record = found === 'ambiguous' ? undefined : found;
    const open = needs(record);
    const provisional = provisionalIn(results);
    const facts = [...(record?.parts.values() ?? []), ...provisional];
    const view = provisional.length > 0 ? viewOfParts(event, facts) : record && viewOf(record);
    const why = (isOpen: boolean, lookup: Lookup | undefined): UnknownReason | undefined => {
      if (!isOpen) return undefined;
      if (found === 'ambiguous') return 'ambiguous_id';
      const isOut = lookup === undefined ? isLate : lookup.kind === 'found' && lookup.facts.incomplete;
      return reasonOf(lookup) ?? (isOut ? 'deadline' : undefined);
    };
    const knowledge: Knowledge = {
      view,
      otherDigests: record === undefined ? [] : records.otherDigests(record),
      notTold: facts.length === 0 ? {} : Object.assign({}, ...facts.map((part) => part.unknown)),
      runtime: why(open.runtime, results.runtime),
      kubernetes: why(open.kubernetes, results.kubernetes),
      hasRuntime: runtimes.length > 0,
      hasKubernetes: kubernetes !== undefined,
      cluster: config.kubernetes.cluster,
    };
    return assemble(event, knowledge);
  };

  const count = (event: ExecEvent, result: 'hit' | 'miss'): ExecEvent => {
    events.cache(result);
    for (const fact in event.unknown) events.unknown(fact, event.unknown[fact]!);
    return event;
  };

  /** All who wait for an inquiry share its deadline, since it is counted from the inquiry's start. */
  const waitFor = async (event: ExecEvent, inquiry: Inquiry, ms: number): Promise<ExecEvent> => {
    inquiry.over ??= new Promise<boolean>((resolve) => {
      const cancel = clock.after(ms, () => setImmediate(resolve, true));
      void inquiry.done.then(() => {
        cancel();
        resolve(false);
      });
    });
    waiting += 1;
    const isLate = await inquiry.over;
    waiting -= 1;
    return count(complete(event, inquiry.results, isLate, records.find(event.container!.id)), 'miss');
  };

  const look = (event: ExecEvent): ExecEvent | Promise<ExecEvent> => {
    const { container } = event;
    if (container === undefined) return event;
    if (!isContainerId(container.id)) {
      const reason = { kind: 'failed', reason: 'invalid_id' } as const;
      return count(
        complete(event, { runtime: reason, kubernetes: reason }, false, records.find(container.id)),
        'miss',
      );
    }
    const record = records.find(container.id);
    if (record === 'ambiguous') return count(complete(event, {}, false, record), 'hit');
    const open = needs(record);
    if (!open.runtime && !open.kubernetes) return count(complete(event, {}, false, record), 'hit');
    const results = recentOf(container.id);
    if (results !== undefined) return count(complete(event, results, false, record), 'hit');
    const asked = inquire(questionOf(event), record);
    if (!('done' in asked)) return count(complete(event, asked, false, record), 'miss');
    const left = asked.started + config.deadline_ms - clock.now();
    if (left <= 0) return count(complete(event, asked.results, true, record), 'miss');
    if (waiting >= maxWaiting)
      return count(complete(event, { ...overloaded, ...asked.results }, false, record), 'miss');
    return waitFor(event, asked, left);
  };

  const observe = (id: string): void => {
    if (!isContainerId(id)) return;
    const record = records.find(id);
    if (record === 'ambiguous') return;
    const open = needs(record);
    if ((!open.runtime && !open.kubernetes) || recentOf(id) !== undefined) return;
    inquire({ id, ahead: true }, record);
  };

  const learnFor = (source: FactSource): Learn => ({
    started(id) {
      records.revive(id);
      const runtime = recent.peek(id)?.results.runtime;
      if (runtime !== undefined && runtime.kind !== 'found') recent.delete(id);
      observe(id);
    },
    learned: (facts) => void records.learn(source.name, facts),
    gone: (id) => records.end(id),
    alive(ids) {
      for (const id of [...records.running(source.name)]) if (!ids.has(id)) records.end(id);
    },
  });

  const run = (source: FactSource, signal: AbortSignal): { tried: Promise<void>; ended: Promise<void> } => {
    let ended: Promise<void> = Promise.resolve();
    const tried = new Promise<void>((resolve) => {
      ended = source.run(learnFor(source), resolve, signal);
    });
    return { tried, ended };
  };

  const followUps = createFollowUps({
    window_ms: config.follow_up_secs * 1000,
    clock,
    events,
    closing: closing.signal,
    look,
    pending: (id) => inquiries.get(id)?.done,
  });

  return {
    enrich: look,
    observe,
    later: (event) => followUps.later(event),
    health: () => healthOf(runtimes, kubernetes),
    async start(signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      const runs = [...runtimes, ...(kubernetes === undefined ? [] : [kubernetes])].map(({ source }) =>
        run(source, either),
      );
      let discovering: Promise<void> | undefined;
      const looked = new Promise<void>((resolve) => {
        discovering = parts.discover?.(
          either,
          (source) => runs.push(run(add(source).source, either)),
          resolve,
        );
        if (discovering === undefined) resolve();
      });
      running = Promise.all([discovering, ...runs.map((one) => one.ended)]).then(() =>
        Promise.all(runs.map((one) => one.ended)),
      );
      await looked;
      await Promise.all(runs.map((one) => one.tried));
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

const none: readonly Facts[] = [];

/** Answers that hold for this event only. */
function provisionalIn({ runtime, kubernetes }: Results): readonly Facts[] {
  if (runtime === undefined && kubernetes === undefined) return none;
  return [runtime, kubernetes].flatMap((lookup) =>
    lookup?.kind === 'found' && lookup.facts.provisional ? [lookup.facts] : [],
  );
}

function viewOfParts(event: ExecEvent, facts: readonly Facts[]): View {
  const parts = new Map(facts.map((part) => [part.from, part]));
  return viewOf({ id: event.container!.id, parts, gone_at: undefined, view: undefined });
}

function questionOf(event: ExecEvent): Question {
  const { container, pod } = event;
  return {
    id: container!.id,
    ...(pod === undefined
      ? {}
      : { pod: { namespace: pod.namespace, name: pod.name, ...(pod.uid ? { uid: pod.uid } : {}) } }),
    ...(container!.name === undefined ? {} : { container_name: container!.name }),
  };
}
