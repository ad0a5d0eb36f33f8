import type { Mount } from '../model/exec-event.ts';

/** File systems a runtime always mounts and from which no image file is replaced. */
const pseudo = new Set([
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'mqueue',
  'devpts',
  'securityfs',
  'bpf',
  'debugfs',
]);

/** Single files a runtime writes for every container. */
const runtimeFiles = new Set(['/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/dev/termination-log']);

/** Mounts that every Linux container has, whether its source lists them or not. */
const always: readonly Mount[] = [
  { destination: '/dev/shm', type: 'tmpfs' },
  { destination: '/dev', type: 'tmpfs' },
  { destination: '/proc', type: 'proc', read_only: true },
  { destination: '/sys', type: 'sysfs', read_only: true },
];

const kinds: Record<string, string> = {
  'empty-dir': 'emptyDir',
  configmap: 'configMap',
  secret: 'secret',
  projected: 'projected',
  'downward-api': 'downwardAPI',
  'host-path': 'hostPath',
  nfs: 'nfs',
  csi: 'csi',
  'local-volume': 'local',
  'git-repo': 'gitRepo',
};

/** True for what stands on a finding: not the kernel's file systems and not the runtime's own files. */
export function isWorthTelling(destination: string, type: string): boolean {
  return !pseudo.has(type) && !runtimeFiles.has(destination);
}

/** Type and name of a Kubernetes volume, read off the path below which the kubelet keeps it. */
export function kubeletVolume(hostPath: string): { type: string; name: string } | undefined {
  const match = /\/pods\/[^/]+\/(?:volumes|volume-subpaths)\/(?:kubernetes\.io~)?([^/]+)(?:\/([^/]+))?/.exec(
    hostPath,
  );
  if (match === null) return undefined;
  const [, kind = '', name = ''] = match;
  if (hostPath.includes('/volume-subpaths/')) return { type: 'subPath', name: kind };
  return { type: kinds[kind] ?? kind, name };
}

/** The innermost mount that holds `path`; `undefined`: none does. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  return innermost(path, mounts) ?? innermost(path, always);
}

function innermost(path: string, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const at = mount.destination.length > 1 ? mount.destination.replace(/\/+$/, '') : '';
    if (at === '' || !(path === at || path.startsWith(`${at}/`))) continue;
    if (best === undefined || mount.destination.length > best.destination.length) best = mount;
  }
  return best;
}
