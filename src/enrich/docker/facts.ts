import { normalizeTime } from '../../lib/time.ts';
import type { UnknownReason } from '../../model/enrich.ts';
import type { Container, Mount, Pod } from '../../model/exec-event.ts';
import { parseReference } from '../../model/image.ts';
import { configFacts, imageFacts, type StoredImage } from '../image.ts';
import { isWorthTelling } from '../mounts.ts';
import type { Facts } from '../source.ts';
import type { ContainerInspect, Healthcheck, ImageInspect } from './messages.ts';

/** The stored image of an inspection. */
export function dockerImage(image: ImageInspect): StoredImage {
  // With containerd's image store the id is the digest of the manifest or index, not of the configuration.
  const isManifest = image.Descriptor?.digest === image.Id;
  const created = image.Created ? normalizeTime(image.Created) : undefined;
  return {
    repo_tags: image.RepoTags ?? [],
    repo_digests: image.RepoDigests ?? [],
    ...(isManifest ? { manifest_digest: image.Id } : parseReference(image.Id)),
    ...(image.Size === undefined ? {} : { size_bytes: image.Size }),
    ...(image.Config
      ? configFacts({ config: image.Config, rootfs: { diff_ids: image.RootFS?.Layers ?? [] } })
      : {}),
    ...(created === undefined || created.startsWith('0001-') ? {} : { created: image.Created! }),
  };
}

/** All facts of a container of Docker or Podman. */
export function dockerFacts(
  runtime: string,
  answer: ContainerInspect,
  image: StoredImage | undefined,
): Facts {
  const asked = answer.Config?.Image || answer.ImageName || undefined;
  const named = imageFacts(asked, image);
  const unknown: Record<string, UnknownReason> = { ...named.unknown };
  if (named.image.digest === undefined) unknown['image.digest'] = 'not_told';
  if (named.image.config_digest === undefined && answer.Image) {
    Object.assign(named.image, image?.manifest_digest ? {} : parseReference(answer.Image));
  }
  const pod = podOf(answer.Config?.Labels ?? {});
  const argv = answer.Path === undefined ? undefined : [answer.Path, ...(answer.Args ?? [])];
  const pid = answer.State?.Pid;
  return {
    id: answer.Id,
    from: 'docker',
    container: containerFacts(runtime, answer),
    image: named.image,
    first: { ...(pid ? { pid } : {}), ...(argv ? { argv } : {}) },
    ...(pod === undefined ? { podless: true } : { pod }),
    unknown,
  };
}

function containerFacts(runtime: string, answer: ContainerInspect): Omit<Container, 'id'> {
  const host = answer.HostConfig;
  const started = answer.State?.StartedAt ? normalizeTime(answer.State.StartedAt) : undefined;
  const probe = healthcheck(answer.Config?.Healthcheck, answer.Config?.Shell);
  return {
    name: answer.Config?.Labels?.['io.kubernetes.container.name'] ?? (answer.Name ?? '').replace(/^\//, ''),
    runtime,
    ...(started === undefined || started.startsWith('0001-') ? {} : { started_at: started }),
    ...(host === undefined
      ? {}
      : {
          privileged: host.Privileged ?? false,
          capabilities_added: host.CapAdd ?? [],
          host_network: host.NetworkMode === 'host',
          host_pid: host.PidMode === 'host',
          read_only_root: host.ReadonlyRootfs ?? false,
        }),
    mounts: mountsOf(answer),
    probes: probe === undefined ? [] : [probe],
  };
}

function mountsOf(answer: ContainerInspect): Mount[] {
  const mounts: Mount[] = (answer.Mounts ?? []).map((mount) => ({
    destination: mount.Destination,
    type: mount.Type || 'bind',
    ...(mount.Source ? { source: mount.Source } : {}),
    read_only: mount.RW === false,
    ...(mount.Name ? { name: mount.Name } : {}),
  }));
  for (const [destination, options] of Object.entries(answer.HostConfig?.Tmpfs ?? {})) {
    mounts.push({ destination, type: 'tmpfs', read_only: options.split(',').includes('ro') });
  }
  return mounts.filter((mount) => isWorthTelling(mount.destination, mount.type));
}

/** The command of a HEALTHCHECK as argv; undefined if there is none. */
function healthcheck(
  check: Healthcheck | null | undefined,
  shell: string[] | null | undefined,
): string[] | undefined {
  const [kind, ...rest] = check?.Test ?? [];
  if (kind === 'CMD') return rest;
  if (kind === 'CMD-SHELL') return [...(shell?.length ? shell : ['/bin/sh', '-c']), ...rest];
  return undefined;
}

/** cri-dockerd marks the containers of pods. */
function podOf(labels: Record<string, string>): Pod | undefined {
  const name = labels['io.kubernetes.pod.name'];
  const namespace = labels['io.kubernetes.pod.namespace'];
  if (name === undefined || namespace === undefined) return undefined;
  const uid = labels['io.kubernetes.pod.uid'];
  return { namespace, name, ...(uid ? { uid } : {}) };
}
