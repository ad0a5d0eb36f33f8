import { within } from '../../lib/abort.ts';
import type { UnknownReason } from '../../model/enrich.ts';
import { createOnce } from '../once.ts';
import { type Chosen, type PodFacts, pick } from './facts.ts';
import { type KubeHttp, StatusError } from './http.ts';
import type { Metadata, OwnerReference } from './objects.ts';

/** What a pod's owner and namespace add to it. */
export interface Surroundings {
  workload?: string;
  workload_kind?: string;
  namespace_labels?: Record<string, string>;
  unknown: Record<string, UnknownReason>;
}

export interface Owners {
  /** Follows the owners up to the workload, and reads the namespace. Never rejects. */
  around(pod: PodFacts, http: KubeHttp, signal: AbortSignal): Promise<Surroundings>;
}

/** Kinds that have an owner themselves, and where the API keeps them. */
const between: Record<string, string> = {
  ReplicaSet: '/apis/apps/v1/namespaces/{namespace}/replicasets/{name}',
  Job: '/apis/batch/v1/namespaces/{namespace}/jobs/{name}',
};
const namespaceMs = 300_000;
const requestMs = 10_000;
const atATime = 8;

type Found = { owner?: OwnerReference };
type Labels = { labels: Record<string, string> };

/** Remembers owners for good (their uid names them) and namespaces for five minutes. */
export function createOwners(chosen: Chosen, max: number): Owners {
  const owners = createOnce<Found>(max);
  const namespaces = createOnce<Labels>(max, namespaceMs);
  const turns = createTurns(atATime);

  const read = <T>(http: KubeHttp, path: string, signal: AbortSignal): Promise<T | undefined> =>
    turns(() => within(requestMs, signal, (limited) => http.metadata<T>(path, limited)));

  const workload = async (pod: PodFacts, http: KubeHttp, signal: AbortSignal): Promise<Surroundings> => {
    let top = pod.owner;
    if (top === undefined) return { workload: pod.pod.name, workload_kind: 'Pod', unknown: {} };
    const path = between[top.kind];
    if (path !== undefined) {
      const owner = top;
      const where = path.replace('{namespace}', pod.pod.namespace).replace('{name}', owner.name);
      try {
        const found = await owners.get(owner.uid, async () => {
          const object = await read<{ metadata?: Metadata }>(http, where, signal);
          if (object === undefined) return undefined;
          const above = object.metadata?.ownerReferences?.find((one) => one.controller === true);
          return above === undefined ? {} : { owner: above };
        });
        if (found === undefined) return { ...nameOf(top), unknown: { 'pod.workload': 'not_told' } };
        top = found.owner ?? top;
      } catch (error) {
        return { ...nameOf(top), unknown: { 'pod.workload': reasonFor(error) } };
      }
    }
    return { ...nameOf(top), unknown: {} };
  };

  const labels = async (pod: PodFacts, http: KubeHttp, signal: AbortSignal): Promise<Surroundings> => {
    const { namespace } = pod.pod;
    try {
      const found = await namespaces.get(namespace, async () => {
        const object = await read<{ metadata?: Metadata }>(http, `/api/v1/namespaces/${namespace}`, signal);
        return object === undefined
          ? undefined
          : { labels: pick(object.metadata?.labels, chosen.namespaceLabel) };
      });
      return found === undefined ? { unknown: {} } : { namespace_labels: found.labels, unknown: {} };
    } catch (error) {
      return { unknown: { 'pod.namespace_labels': reasonFor(error) } };
    }
  };

  return {
    async around(pod, http, signal) {
      const [above, around] = await Promise.all([workload(pod, http, signal), labels(pod, http, signal)]);
      return { ...above, ...around, unknown: { ...above.unknown, ...around.unknown } };
    },
  };
}

function nameOf(owner: OwnerReference): { workload: string; workload_kind: string } {
  return { workload: owner.name, workload_kind: owner.kind };
}

function reasonFor(error: unknown): UnknownReason {
  if (!(error instanceof StatusError)) return 'unavailable';
  return error.status === 401 || error.status === 403 ? 'denied' : 'failed';
}

/** At most `max` calls at a time. */
function createTurns(max: number): <T>(call: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (call) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await call();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
