import { rfc3339 } from '../../lib/time.ts';
import type { UnknownReason } from '../../model/enrich.ts';
import type { Container, Mount, Pod } from '../../model/exec-event.ts';
import { parseReference } from '../../model/image.ts';
import { configFacts, imageFacts, type StoredImage } from '../image.ts';
import { isWorthTelling, kubeletVolume } from '../mounts.ts';
import type { Facts } from '../source.ts';
import {
  type ContainerInfo,
  type ContainerStatus,
  type ContainerStatusResponse,
  type ImageInfo,
  type ImageStatusResponse,
  type PodSandboxStatus,
  readInfo,
} from './messages.ts';

/** `NODE` of NamespaceMode: the host's namespace. */
const nodeMode = 2;

/** What the runtime answered about one container, its sandbox and its image. */
export interface CriAnswers {
  runtime: string;
  status: ContainerStatusResponse;
  sandbox: PodSandboxStatus | undefined;
  image: StoredImage | undefined;
  /** Labels of the pod that are wanted. */
  wanted: (label: string) => boolean;
}

/** The stored image of an ImageStatus; undefined if the runtime has it no more. */
export function storedImage(answer: ImageStatusResponse): StoredImage | undefined {
  if (answer.image === null) return undefined;
  const spec = readInfo<ImageInfo>(answer.info)?.imageSpec;
  const size = Number(answer.image.size);
  return {
    repo_tags: answer.image.repo_tags,
    repo_digests: answer.image.repo_digests,
    ...(answer.image.id === '' ? {} : parseReference(answer.image.id)),
    ...(size > 0 ? { size_bytes: size } : {}),
    ...(spec === undefined ? {} : configFacts(spec)),
  };
}

/** The sandbox the container belongs to, where the runtime tells. */
export function sandboxIdOf(answer: ContainerStatusResponse): string | undefined {
  const info = readInfo<ContainerInfo>(answer.info);
  return info?.sandboxID ?? info?.runtimeSpec?.annotations?.['io.kubernetes.cri.sandbox-id'];
}

/** A reference that names exactly the image this container runs: never a tag, which may have moved on. */
export function imageRefOf(status: ContainerStatus): string | undefined {
  const refs = [status.image_id, status.image_ref];
  return refs.find((ref) => ref.includes('sha256:') || /^[0-9a-f]{64}$/.test(ref));
}

/** All facts of a container. */
export function criFacts(answers: CriAnswers): Facts {
  const status = answers.status.status!;
  const info = readInfo<ContainerInfo>(answers.status.info);
  const unknown: Record<string, UnknownReason> = {};
  const image = imageFacts(askedImage(status, info), answers.image);
  const ref = parseReference(status.image_ref);
  if (image.image.digest === undefined && ref.digest !== undefined) image.image.digest = ref.digest;
  if (image.image.digest === undefined) unknown['image.digest'] = 'not_told';
  if (info === undefined) unknown['container.privileged'] = 'not_told';
  const argv = info?.runtimeSpec?.process?.args;
  const pid = info?.pid;
  const pod = podOf(status, answers.sandbox, answers.wanted);
  return {
    id: status.id,
    from: 'cri',
    container: containerFacts(answers.runtime, status, info, answers.sandbox),
    image: image.image,
    ...(pod === undefined ? {} : { pod }),
    first: { ...(pid ? { pid } : {}), ...(argv ? { argv } : {}) },
    unknown: { ...unknown, ...image.unknown },
  };
}

/**
 * The reference as the pod gave it. `ContainerStatus.image` is no witness: containerd puts the image's first
 * tag there, and the kubelet creates containers by the image's id.
 */
function askedImage(status: ContainerStatus, info: ContainerInfo | undefined): string | undefined {
  const config = info?.config?.image;
  const candidates = [status.image?.user_specified_image, config?.user_specified_image, config?.image];
  return candidates.find((text) => text && parseReference(text).repository !== undefined);
}

function containerFacts(
  runtime: string,
  status: ContainerStatus,
  info: ContainerInfo | undefined,
  sandbox: PodSandboxStatus | undefined,
): Omit<Container, 'id'> {
  const security = info?.config?.linux?.security_context;
  const spec = info?.runtimeSpec;
  const privileged = info?.config === undefined ? info?.privileged : (security?.privileged ?? false);
  const readOnly = spec?.root === undefined ? security?.readonly_rootfs : (spec.root.readonly ?? false);
  const modes = sandbox?.linux?.namespaces?.options;
  const network = modes ? modes.network === 'NODE' : isNode(security?.namespace_options?.network);
  const pid = modes ? modes.pid === 'NODE' : isNode(security?.namespace_options?.pid);
  const started = timeOf(status.started_at);
  return {
    name: status.metadata?.name || status.labels['io.kubernetes.container.name'] || '',
    runtime,
    ...(started === undefined ? {} : { started_at: started }),
    ...(privileged === undefined ? {} : { privileged }),
    ...(info?.config === undefined
      ? {}
      : { capabilities_added: security?.capabilities?.add_capabilities ?? [] }),
    ...(network === undefined ? {} : { host_network: network }),
    ...(pid === undefined ? {} : { host_pid: pid }),
    ...(readOnly === undefined ? {} : { read_only_root: readOnly }),
    mounts: mountsOf(status, info),
  };
}

function isNode(mode: number | undefined): boolean | undefined {
  return mode === undefined ? undefined : mode === nodeMode;
}

/** Nanoseconds since the epoch as RFC 3339; 0 means never. */
function timeOf(nanos: string): string | undefined {
  if (nanos === '' || nanos === '0') return undefined;
  return rfc3339(Number(nanos.slice(0, -9)), Number(nanos.slice(-9)));
}

/** The kubelet's mounts with the kind of their volume, then what only the runtime specification has. */
function mountsOf(status: ContainerStatus, info: ContainerInfo | undefined): Mount[] {
  const mounts: Mount[] = status.mounts.map((mount) => {
    const volume = kubeletVolume(mount.host_path);
    const type = volume?.type ?? (mount.image?.image ? 'image' : 'bind');
    return {
      destination: mount.container_path,
      type,
      ...(mount.host_path ? { source: mount.host_path } : {}),
      ...(mount.readonly ? { read_only: true } : { read_only: false }),
      ...(volume?.name ? { name: volume.name } : {}),
    };
  });
  const told = new Set(mounts.map((mount) => mount.destination));
  for (const mount of info?.runtimeSpec?.mounts ?? []) {
    if (told.has(mount.destination)) continue;
    const readOnly = mount.options?.includes('ro') ?? false;
    mounts.push({
      destination: mount.destination,
      type: mount.type ?? 'bind',
      ...(mount.source?.startsWith('/') ? { source: mount.source } : {}),
      read_only: readOnly,
    });
  }
  return mounts.filter((mount) => isWorthTelling(mount.destination, mount.type));
}

function podOf(
  status: ContainerStatus,
  sandbox: PodSandboxStatus | undefined,
  wanted: (label: string) => boolean,
): Pod | undefined {
  const labels = status.labels;
  const name = labels['io.kubernetes.pod.name'] ?? sandbox?.metadata?.name;
  const namespace = labels['io.kubernetes.pod.namespace'] ?? sandbox?.metadata?.namespace;
  if (name === undefined || namespace === undefined) return undefined;
  const uid = labels['io.kubernetes.pod.uid'] ?? sandbox?.metadata?.uid;
  const own = Object.entries(sandbox?.labels ?? {}).filter(
    ([key]) => !key.startsWith('io.kubernetes.') && wanted(key),
  );
  return {
    namespace,
    name,
    ...(uid ? { uid } : {}),
    ...(sandbox === undefined ? {} : { labels: Object.fromEntries(own) }),
  };
}
