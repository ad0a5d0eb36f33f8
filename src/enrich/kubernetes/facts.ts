import { normalizeTime } from '../../lib/time.ts';
import type { UnknownReason } from '../../model/enrich.ts';
import type { Container, ImageFacts, Mount, Pod } from '../../model/exec-event.ts';
import { isMutableTag, parseReference } from '../../model/image.ts';
import { isWorthTelling } from '../mounts.ts';
import type { Facts } from '../source.ts';
import type {
  ContainerSpec,
  ContainerStateTimes,
  ContainerStatus,
  ExecAction,
  KubePod,
  OwnerReference,
} from './objects.ts';

/** Which labels and annotations are kept. */
export interface Chosen {
  label: (key: string) => boolean;
  annotation: (key: string) => boolean;
  namespaceLabel: (key: string) => boolean;
}

/** A pod reduced to what findings tell: everything else of the object is let go. */
export interface PodFacts {
  uid: string;
  pod: Pod;
  node?: string;
  owner?: OwnerReference;
  /** By container name. */
  containers: Map<string, Part>;
  /** Full id to name; also of the run before the last restart. */
  ids: Map<string, { name: string; running: boolean }>;
}

/** What Kubernetes tells of one container, without the pod's part. */
type Part = Pick<Facts, 'container' | 'image' | 'first' | 'unknown'>;

/** `app.kubernetes.io/*` matches all that begins so. */
export function chooser(patterns: readonly string[]): (key: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const starts = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return (key) => exact.has(key) || starts.some((start) => key.startsWith(start));
}

export function pick(
  labels: Record<string, string> | undefined,
  wanted: (key: string) => boolean,
): Record<string, string> {
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => wanted(key)));
}

/** Undefined for an object that is no pod. */
export function readPod(object: KubePod, chosen: Chosen): PodFacts | undefined {
  const { name, namespace, uid, labels, annotations, ownerReferences } = object.metadata ?? {};
  if (name === undefined || namespace === undefined || uid === undefined) return undefined;
  const spec = object.spec ?? {};
  const owner = ownerReferences?.find((one) => one.controller === true);
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volumeKind(volume)]));
  const containers: PodFacts['containers'] = new Map();
  const ids: PodFacts['ids'] = new Map();
  const groups = [
    ['container', spec.containers, object.status?.containerStatuses],
    ['init', spec.initContainers, object.status?.initContainerStatuses],
    ['ephemeral', spec.ephemeralContainers, object.status?.ephemeralContainerStatuses],
  ] as const;
  for (const [kind, specs, statuses] of groups) {
    const byName = new Map((statuses ?? []).map((status) => [status.name, status]));
    for (const container of specs ?? []) {
      const status = byName.get(container.name);
      containers.set(container.name, partOf(container, status, kind, spec, volumes));
      const current = idOf(status?.containerID);
      const former = idOf(status?.lastState?.terminated?.containerID);
      if (former !== undefined) ids.set(former, { name: container.name, running: false });
      if (current !== undefined) ids.set(current, { name: container.name, running: isRunning(status) });
    }
  }
  return {
    uid,
    pod: {
      namespace,
      name,
      uid,
      labels: pick(labels, chosen.label),
      annotations: pick(annotations, chosen.annotation),
      ...(spec.serviceAccountName ? { service_account: spec.serviceAccountName } : {}),
    },
    ...(spec.nodeName ? { node: spec.nodeName } : {}),
    ...(owner === undefined ? {} : { owner }),
    containers,
    ids,
  };
}

function isRunning(status: ContainerStatus | undefined): boolean {
  return status?.state?.terminated === undefined;
}

/** `containerd://<64>` without the runtime. */
function idOf(text: string | undefined): string | undefined {
  const id = text?.slice(text.indexOf('://') + 3);
  return id !== undefined && /^[0-9a-f]{64}$/.test(id) ? id : undefined;
}

function partOf(
  spec: ContainerSpec,
  status: ContainerStatus | undefined,
  kind: NonNullable<Container['kind']>,
  pod: NonNullable<KubePod['spec']>,
  volumes: ReadonlyMap<string, string>,
): Part {
  const started = startedAt(status?.state);
  const runtime = status?.containerID?.split('://')[0];
  const security = spec.securityContext ?? {};
  const image = imageOf(spec, status);
  const unknown: Record<string, UnknownReason> = { 'image.config': 'not_told' };
  if (image.digest === undefined) unknown['image.digest'] = 'not_told';
  return {
    container: {
      name: spec.name,
      kind,
      ...(runtime ? { runtime } : {}),
      ...(started === undefined ? {} : { started_at: started }),
      privileged: security.privileged ?? false,
      capabilities_added: security.capabilities?.add ?? [],
      host_network: pod.hostNetwork ?? false,
      host_pid: pod.hostPID ?? false,
      read_only_root: security.readOnlyRootFilesystem ?? false,
      mounts: mountsOf(spec, volumes),
      probes: probesOf(spec),
    },
    image,
    // Without a command the image's entrypoint runs, which Kubernetes does not know.
    first: spec.command?.length ? { argv: [...spec.command, ...(spec.args ?? [])] } : {},
    unknown,
  };
}

function startedAt(state: ContainerStateTimes | undefined): string | undefined {
  const time = state?.running?.startedAt ?? state?.terminated?.startedAt;
  return time === undefined ? undefined : normalizeTime(time);
}

function imageOf(spec: ContainerSpec, status: ContainerStatus | undefined): ImageFacts {
  const reference = spec.image ?? '';
  const asked = parseReference(reference);
  const stored = parseReference(status?.imageID ?? '');
  const mutable = isMutableTag(asked);
  const digest = asked.digest ?? stored.digest;
  const config = stored.config_digest ?? asked.config_digest;
  return {
    ...(reference === '' ? {} : { reference }),
    ...(asked.registry ? { registry: asked.registry } : {}),
    ...(asked.repository ? { repository: asked.repository } : {}),
    ...(asked.tag ? { tag: asked.tag } : {}),
    ...(digest ? { digest } : {}),
    ...(config ? { config_digest: config } : {}),
    ...(mutable === undefined ? {} : { mutable_tag: mutable }),
  };
}

function volumeKind(volume: Record<string, unknown>): string {
  return Object.keys(volume).find((key) => key !== 'name') ?? 'volume';
}

function mountsOf(spec: ContainerSpec, volumes: ReadonlyMap<string, string>): Mount[] {
  return (spec.volumeMounts ?? [])
    .map((mount) => {
      const type = volumes.get(mount.name) ?? 'volume';
      // The kubelet mounts these read-only whatever the pod says.
      const fixed = ['configMap', 'secret', 'projected', 'downwardAPI', 'image'].includes(type);
      return {
        destination: mount.mountPath,
        type,
        name: mount.name,
        read_only: fixed || (mount.readOnly ?? false),
      };
    })
    .filter((mount) => isWorthTelling(mount.destination, mount.type));
}

function probesOf(spec: ContainerSpec): string[][] {
  const actions: (ExecAction | undefined)[] = [
    spec.livenessProbe,
    spec.readinessProbe,
    spec.startupProbe,
    spec.lifecycle?.postStart,
    spec.lifecycle?.preStop,
  ];
  return actions.map((action) => action?.exec?.command ?? []).filter((command) => command.length > 0);
}
