import { lstatSync, realpathSync } from 'node:fs';
import type { EnrichConfig } from './config.ts';

/** A runtime's socket and what speaks there. */
export interface RuntimeSocket {
  socket: string;
  type: 'cri' | 'docker';
  /** Named in the configuration; otherwise found. */
  listed: boolean;
}

/** Where runtimes put their sockets, as seen from the host. */
export const usualSockets: readonly { socket: string; type: 'cri' | 'docker' }[] = [
  { socket: '/run/containerd/containerd.sock', type: 'cri' },
  { socket: '/run/k3s/containerd/containerd.sock', type: 'cri' },
  { socket: '/run/k0s/containerd.sock', type: 'cri' },
  { socket: '/var/snap/microk8s/common/run/containerd.sock', type: 'cri' },
  { socket: '/run/crio/crio.sock', type: 'cri' },
  { socket: '/run/cri-dockerd.sock', type: 'cri' },
  { socket: '/run/docker.sock', type: 'docker' },
  { socket: '/var/run/docker.sock', type: 'docker' },
  { socket: '/run/podman/podman.sock', type: 'docker' },
];

/**
 * The sockets to ask. `auto` takes those of the usual ones that exist, also below `/host`, each once.
 * Nothing is opened.
 */
export function chooseSockets(runtimes: EnrichConfig['runtimes'], root = ''): RuntimeSocket[] {
  if (runtimes === 'off') return [];
  if (runtimes === 'auto') return findSockets(root);
  return runtimes.map((entry) => {
    const { socket, type } = typeof entry === 'string' ? { socket: entry, type: undefined } : entry;
    return { socket, type: type ?? typeByName(socket), listed: true };
  });
}

function typeByName(socket: string): 'cri' | 'docker' {
  const name = socket.slice(socket.lastIndexOf('/') + 1);
  return /docker|podman/.test(name) && !name.startsWith('cri-') ? 'docker' : 'cri';
}

function findSockets(root: string): RuntimeSocket[] {
  const seen = new Set<string>();
  const found: RuntimeSocket[] = [];
  for (const prefix of [root, `${root}/host`]) {
    for (const { socket, type } of usualSockets) {
      const path = prefix + socket;
      const real = socketAt(path);
      if (real === undefined || seen.has(real)) continue;
      seen.add(real);
      found.push({ socket: path, type, listed: false });
    }
  }
  return found;
}

function socketAt(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return lstatSync(real).isSocket() ? real : undefined;
  } catch {
    return undefined;
  }
}
