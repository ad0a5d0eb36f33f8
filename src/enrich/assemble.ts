import type { UnknownReason } from '../model/enrich.ts';
import type { Container, ExecEvent, ExecProcess, ImageFacts, Pod } from '../model/exec-event.ts';
import { ageAt, isFirstProcess, mountFacts } from './derive.ts';
import type { View } from './records.ts';

/** What could be had for an event, and why the rest could not. */
export interface Knowledge {
  view: View | undefined;
  otherDigests: string[];
  /** What the sources themselves said they cannot tell. */
  notTold: Record<string, UnknownReason>;
  /** Why no runtime told anything; undefined if one did, or if there is none. */
  runtime: UnknownReason | undefined;
  /** As `runtime`, for Kubernetes. */
  kubernetes: UnknownReason | undefined;
  hasRuntime: boolean;
  hasKubernetes: boolean;
  cluster: string | undefined;
}

/** The names under `unknown` that enrichment decides; each time anew. */
const ours = new Set([
  'image',
  'image.digest',
  'image.config',
  'image.tag',
  'container',
  'container.privileged',
  'pod',
  'pod.workload',
  'pod.namespace_labels',
]);

/**
 * The event with all that is known. What the sensor told stays where no source tells it. Facts that were
 * looked for and are missing stand in `unknown` with their reason.
 */
export function assemble(event: ExecEvent, knowledge: Knowledge): ExecEvent {
  const { view } = knowledge;
  // Two spreads in one literal cost many times as much as one.
  const container: Container = { ...event.container! };
  if (view !== undefined) Object.assign(container, view.container);
  const age = ageAt(event.time, container.started_at);
  if (age !== undefined) container.age_secs = age;
  const image = joinImage(event.image, view?.image, knowledge.otherDigests);
  const pod = view?.pod === undefined ? event.pod : Object.assign({}, event.pod, view.pod);
  const node = event.node ?? view?.node;
  const cluster = event.cluster ?? knowledge.cluster;
  const done: ExecEvent = { ...event, container, process: processFacts(event, container, view) };
  if (node !== undefined) done.node = node;
  if (cluster !== undefined) done.cluster = cluster;
  if (image !== undefined) done.image = image;
  if (pod !== undefined) done.pod = pod;
  const unknown = missing(container, image, pod, knowledge);
  for (const fact in event.unknown) if (!ours.has(fact)) unknown[fact] = event.unknown[fact]!;
  if (!isEmpty(unknown)) done.unknown = unknown;
  else if (done.unknown !== undefined) delete done.unknown;
  return done;
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** The names a sensor gives are replaced as a whole, so that no tag of one stands beside the other's digest. */
function joinImage(
  sensor: ImageFacts | undefined,
  known: ImageFacts | undefined,
  otherDigests: string[],
): ImageFacts | undefined {
  if (known === undefined) return sensor;
  if (sensor === undefined)
    return otherDigests.length > 0 ? { ...known, other_digests: otherDigests } : known;
  const named = known.repository !== undefined || known.reference !== undefined;
  const {
    reference: _reference,
    registry: _registry,
    repository: _repository,
    tag: _tag,
    mutable_tag: _mutable,
    ...rest
  } = sensor;
  const base = named ? rest : sensor;
  return { ...base, ...known, ...(otherDigests.length > 0 ? { other_digests: otherDigests } : {}) };
}

function processFacts(event: ExecEvent, container: Container, view: View | undefined): ExecProcess {
  const { process } = event;
  const first = view === undefined ? undefined : isFirstProcess(event, view.first);
  const mount = mountFacts(process, container);
  if (first === undefined && mount.in_mount === undefined) return process;
  return {
    ...process,
    ...(first === undefined ? {} : { container_process: first }),
    ...(mount.in_mount === undefined ? {} : { file: { ...process.file, ...mount } }),
  };
}

function missing(
  container: Container,
  image: ImageFacts | undefined,
  pod: Pod | undefined,
  knowledge: Knowledge,
): Record<string, string> {
  const { runtime, kubernetes, notTold, view, hasKubernetes, hasRuntime } = knowledge;
  const general: UnknownReason =
    runtime ?? kubernetes ?? (hasRuntime || hasKubernetes ? 'not_told' : 'no_source');
  const unknown: Record<string, string> = {};
  const say = (fact: string, isKnown: boolean, reason: UnknownReason) => {
    if (!isKnown) unknown[fact] = reason;
  };
  const isNamed = image?.reference !== undefined || image?.repository !== undefined;
  if (!isNamed && image?.digest === undefined && image?.config_digest === undefined) unknown.image = general;
  else {
    say('image.digest', image?.digest !== undefined, runtime ?? notTold['image.digest'] ?? general);
    say(
      'image.config',
      image?.layers !== undefined || image?.entrypoint !== undefined,
      runtime ?? 'not_told',
    );
    if (notTold['image.tag'] && image?.tag === undefined && image?.mutable_tag === undefined) {
      unknown['image.tag'] = notTold['image.tag'];
    }
  }
  const isSeen = container.started_at !== undefined || container.mounts !== undefined;
  say('container', isSeen, general);
  if (isSeen) say('container.privileged', container.privileged !== undefined, runtime ?? 'not_told');
  if (view?.podless) return unknown;
  const expectsPod = hasKubernetes || view?.container.kind !== undefined;
  if (pod === undefined) {
    if (expectsPod) unknown.pod = kubernetes ?? general;
    return unknown;
  }
  if (!hasKubernetes) return unknown;
  say('pod.workload', pod.workload !== undefined, notTold['pod.workload'] ?? kubernetes ?? 'not_told');
  if (notTold['pod.workload']) unknown['pod.workload'] = notTold['pod.workload'];
  if (notTold['pod.namespace_labels']) unknown['pod.namespace_labels'] = notTold['pod.namespace_labels'];
  return unknown;
}
