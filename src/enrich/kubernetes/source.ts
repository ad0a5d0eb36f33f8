import { within } from '../../lib/abort.ts';
import type { Clock } from '../../lib/clock.ts';
import { LannerError } from '../../lib/errors.ts';
import type { UnknownReason } from '../../model/enrich.ts';
import type { EnrichEvents } from '../../telemetry/enrich-events.ts';
import type { EnrichConfig } from '../config.ts';
import { createLink, persist } from '../reconnect.ts';
import type { FactSource, Facts, Learn, Lookup, Question } from '../source.ts';
import { openAccess } from './access.ts';
import { type Chosen, chooser, type PodFacts, readPod } from './facts.ts';
import { createKubeHttp, type KubeHttp } from './http.ts';
import type { KubePod } from './objects.ts';
import { createOwners, type Surroundings } from './owners.ts';
import { createPodWatch, type PodWatch } from './watch.ts';

export interface KubernetesOptions {
  config: EnrichConfig['kubernetes'];
  /** How long a lookup waits for the watch to bring a container. */
  wait_ms: number;
  max: number;
  clock: Clock;
  events: EnrichEvents;
  env: NodeJS.ProcessEnv;
  serviceAccount: string;
  watch_secs?: number;
  rest_ms?: number;
}

interface Entry {
  facts: PodFacts;
  /** Undefined while it is asked for. */
  around: Surroundings | undefined;
}

type Waiter = { id: string; found: (lookup: Lookup) => void };

/** The Kubernetes API server: what pods say of their containers. */
export function createKubernetesSource(options: KubernetesOptions): FactSource {
  const { config, clock, events } = options;
  const name = 'kubernetes';
  const failure = { code: 'kube_failed', mend: 'look into the log of the API server' };
  const link = createLink({ name, kind: 'kubernetes', events, failure });
  const chosen: Chosen = {
    label: chooser(config.labels),
    annotation: chooser(config.annotations),
    namespaceLabel: chooser(config.namespace_labels),
  };
  const owners = createOwners(chosen, options.max);
  const pods = new Map<string, Entry>();
  const waiters = new Set<Waiter>();

  const tell = (entry: Entry, learn: Learn): void => {
    for (const [id, { name: container, running }] of entry.facts.ids) {
      const facts = factsFor(entry, id, container);
      learn.learned(facts);
      if (running) learn.started(id);
      else learn.gone(id);
      if (facts.incomplete) continue;
      for (const waiter of waiters) if (id.startsWith(waiter.id)) waiter.found(answerFor(waiter.id));
    }
  };

  const answerFor = (id: string): Lookup => {
    const found: Facts[] = [];
    for (const entry of pods.values()) {
      for (const [full, { name: container }] of entry.facts.ids) {
        if (full.startsWith(id)) found.push(factsFor(entry, full, container));
      }
    }
    if (found.length > 1) return { kind: 'ambiguous' };
    return found[0] === undefined ? { kind: 'missing' } : { kind: 'found', facts: found[0] };
  };

  const byPod = (question: Question): Facts | undefined => {
    const hint = question.pod;
    if (hint === undefined) return undefined;
    for (const entry of pods.values()) {
      const { pod } = entry.facts;
      const same = hint.uid
        ? pod.uid === hint.uid
        : pod.name === hint.name && pod.namespace === hint.namespace;
      if (same) return { ...factsFor(entry, question.id, question.container_name), provisional: true };
    }
    return undefined;
  };

  const run = async (watch: PodWatch, http: KubeHttp, up: (version: string) => void, signal: AbortSignal) => {
    const version = await within(10_000, signal, (limited) =>
      http.get<{ gitVersion?: string }>('/version', limited),
    ).catch((error: unknown): { gitVersion?: string } => {
      // Some clusters close /version to accounts; the watch decides.
      if (error instanceof LannerError && error.code === 'kube_denied') return {};
      throw error;
    });
    await watch.run(http, () => up(`kubernetes ${version.gitVersion ?? ''}`.trim()), signal);
  };

  return {
    name,
    kind: 'kubernetes',
    down: link.why,
    health: link.health,
    lookup(question, signal) {
      const known = answerFor(question.id);
      if (known.kind === 'ambiguous') return Promise.resolve(known);
      if (known.kind === 'found' && !known.facts.incomplete) return Promise.resolve(known);
      const hinted = known.kind === 'missing' ? byPod(question) : undefined;
      if (hinted !== undefined) return Promise.resolve({ kind: 'found', facts: hinted });
      return wait(question.id, waiters, clock, options.wait_ms, signal, () => answerFor(question.id));
    },
    async run(learn, tried, signal) {
      const around = async (entry: Entry, http: KubeHttp): Promise<void> => {
        entry.around = await owners.around(entry.facts, http, signal);
        if (pods.get(entry.facts.uid) === entry) tell(entry, learn);
      };
      let http: KubeHttp | undefined;
      const listener = {
        changed(object: KubePod) {
          const facts = readPod(object, chosen);
          if (facts === undefined) return;
          const before = pods.get(facts.uid);
          const entry: Entry = { facts, around: before?.around };
          if (before !== undefined) endMissing(before, facts, learn);
          pods.set(facts.uid, entry);
          tell(entry, learn);
          if (http !== undefined) void around(entry, http);
        },
        removed(object: KubePod) {
          const uid = object.metadata?.uid ?? '';
          for (const id of pods.get(uid)?.facts.ids.keys() ?? []) learn.gone(id);
          pods.delete(uid);
        },
        complete(uids: ReadonlySet<string>) {
          for (const [uid, entry] of pods) {
            if (uids.has(uid)) continue;
            for (const id of entry.facts.ids.keys()) learn.gone(id);
            pods.delete(uid);
          }
        },
      };
      let watch: PodWatch | undefined;
      await persist({ link, clock, signal, tried }, async (inner, up) => {
        const node = nodeToWatch(config, options.env);
        http = createKubeHttp(
          await openAccess({
            config,
            env: options.env,
            serviceAccount: options.serviceAccount,
            now: clock.now,
          }),
        );
        watch ??= createPodWatch({
          listener,
          clock,
          ...(node === undefined ? {} : { node }),
          ...(options.watch_secs === undefined ? {} : { watch_secs: options.watch_secs }),
          ...(options.rest_ms === undefined ? {} : { rest_ms: options.rest_ms }),
        });
        await run(watch, http, up, inner);
      });
    },
  };
}

/** Undefined: all nodes. */
function nodeToWatch(config: EnrichConfig['kubernetes'], env: NodeJS.ProcessEnv): string | undefined {
  if (config.nodes === 'all') return undefined;
  const node = config.node_name || env.NODE_NAME;
  if (node) return node;
  throw new LannerError(
    'kube_node_unknown',
    'the name of this node is not known',
    'set NODE_NAME from spec.nodeName in the pod, or enrich.kubernetes.node_name, or enrich.kubernetes.nodes: all',
  );
}

function factsFor(entry: Entry, id: string, container: string | undefined): Facts {
  const { facts, around } = entry;
  const only = facts.containers.size === 1 ? [...facts.containers.keys()][0] : undefined;
  const part = facts.containers.get(container ?? only ?? '');
  const { unknown: unknownAround = {}, ...above } = around ?? {};
  const unknown: Record<string, UnknownReason> = { ...part?.unknown, ...unknownAround };
  if (part === undefined) unknown.container = 'not_told';
  return {
    id,
    from: 'kubernetes',
    container: part?.container ?? {},
    ...(part?.image === undefined ? {} : { image: part.image }),
    ...(part?.first === undefined ? {} : { first: part.first }),
    pod: { ...facts.pod, ...above },
    ...(facts.node === undefined ? {} : { node: facts.node }),
    ...(around === undefined ? { incomplete: true } : {}),
    unknown,
  };
}

/** Containers that the pod's status does not name any more. */
function endMissing(before: Entry, now: PodFacts, learn: Learn): void {
  for (const id of before.facts.ids.keys()) if (!now.ids.has(id)) learn.gone(id);
}

function wait(
  id: string,
  waiters: Set<Waiter>,
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  last: () => Lookup,
): Promise<Lookup> {
  return new Promise((resolve) => {
    const end = (lookup: Lookup) => {
      waiters.delete(waiter);
      cancel();
      signal.removeEventListener('abort', giveUp);
      resolve(lookup);
    };
    const giveUp = () => end(last());
    const waiter: Waiter = { id, found: end };
    const cancel = clock.after(ms, giveUp);
    waiters.add(waiter);
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
