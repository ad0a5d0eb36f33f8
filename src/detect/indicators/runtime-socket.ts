import type { Context } from '../context.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const RUNTIME_SOCKET =
  /(?:^|\/)(?:docker|dockerd|podman|crio|cri-dockerd|dockershim|containerd(?:-shim)?|buildkitd|balena-engine|frakti|lxd|nerdctl)(?:\.engine)?\.sock(?:et)?(?:\.\w+)?$|\/(?:docker|podman|containerd|crio|lxd)\/[^/]*\.sock$|\/lxd\/unix\.socket$/;
const DOCKER_API =
  /^\/(?:v1\.\d+\/)?(?:containers|images|exec|info|version|volumes|networks|build|swarm|_ping|system|events|plugins|secrets|services)\b/;

/** True if the path is the socket of a container runtime. */
export function isRuntimeSocket(path: string): boolean {
  return RUNTIME_SOCKET.test(path);
}

function operand(context: Context): string | undefined {
  const { invocation } = context;
  const peer = invocation.peers.find(
    (entry) => entry.class === 'unix' && isRuntimeSocket(entry.path ?? entry.text),
  );
  if (peer) return peer.path ?? peer.text;
  const redirect = invocation.redirects.find((entry) => isRuntimeSocket(entry.value));
  if (redirect) return redirect.value;
  const forward = invocation.forwards.find((entry) =>
    /(?:docker|containerd|crio|podman)\.sock/.test(entry.text),
  );
  if (forward) return forward.text;
  const api = invocation.peers.find(
    (entry) =>
      /^(?:2375|2376|4243)$/.test(entry.port ?? '') &&
      context.category === 'http' &&
      (entry.path === undefined || entry.path === '/' || DOCKER_API.test(entry.path)),
  );
  return api?.text;
}

/** Talks to the container runtime. */
export const runtimeSocket: Indicator = {
  id: 'runtime_socket',
  points: 60,
  hard: true,
  in_strings: true,
  mitre: ['T1611', 'T1610', 'T1609'],
  title: 'Container runtime API',
  description:
    'The socket of docker, containerd, CRI-O or podman is an operand, even where the URL says localhost; or the Docker API is called over TCP (2375, 2376). Whoever reaches it owns the node.',
  evaluate(context) {
    const found = operand(context);
    if (found === undefined) return undefined;
    const changes = /^(?:POST|PUT|DELETE|PATCH)$/.test(context.invocation.method ?? '');
    return {
      ...(changes ? { points: 65 } : {}),
      evidence: short(found),
      why: `it talks to the container runtime through ${short(found)}, which controls the whole node`,
    };
  },
  examples: {
    fires: [
      { run: 'curl --unix-socket /var/run/docker.sock http://localhost/containers/json' },
      { run: 'socat - UNIX-CONNECT:/run/containerd/containerd.sock' },
      { run: 'curl -s http://172.17.0.1:2375/containers/json' },
    ],
    silent: [
      { run: 'curl --unix-socket /run/app.sock http://localhost/' },
      { run: 'socat - unix-connect:/run/haproxy.sock' },
    ],
  },
};
