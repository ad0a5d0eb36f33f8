import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { KubePod, Metadata } from '../../src/enrich/kubernetes/objects.ts';

export type Stored = KubePod & { metadata: Metadata & { name: string; uid: string } };

type Change = { version: number; type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Stored };

type Watcher = { response: ServerResponse; node: string | undefined };

export interface KubeApi {
  readonly url: string;
  readonly token: string;
  /** Requests by what they asked for: `list`, `watch`, or the path. */
  readonly calls: Record<string, number>;
  /** Query of each watch, in order. */
  readonly watches: URLSearchParams[];
  /** Accept header of each request for a single object. */
  readonly accepts: string[];
  /** Paths answered with this status: by beginning, e.g. `/apis/apps`. */
  readonly refuse: Map<string, number>;
  /** Objects at paths, beside pods. */
  readonly objects: Map<string, object>;
  put(pod: Stored): void;
  remove(uid: string): void;
  bookmark(): void;
  /** Forgets the past: a watch from before now is answered 410. */
  compact(): void;
  /** Sends this event to all watches as it is. */
  raw(event: object): void;
  /** Ends all watches, as the server does when their time is over. */
  endWatches(): void;
  /** Cuts all connections. */
  cut(): void;
  watchers(): number;
  stop(): Promise<void>;
  /** Listens again at the same port. */
  restart(): Promise<void>;
}

/**
 * An API server with pods: lists with pages and a resourceVersion, watches from one on with bookmarks, 410 Gone for
 * a version that is forgotten, field selectors, and bearer tokens.
 */
export async function startKubeApi(): Promise<KubeApi> {
  const pods = new Map<string, Stored>();
  const history: Change[] = [];
  const watchers = new Set<Watcher>();
  const sockets = new Set<Socket>();
  let version = 100;
  let oldest = 0;
  let port = 0;

  const onNode = (pod: Stored, node: string | undefined) => node === undefined || pod.spec?.nodeName === node;
  const send = (watcher: Watcher, event: object) => watcher.response.write(`${JSON.stringify(event)}\n`);
  const change = (type: Change['type'], pod: Stored) => {
    version += 1;
    pod.metadata.resourceVersion = String(version);
    const object = structuredClone(pod);
    history.push({ version, type, object });
    for (const watcher of watchers) if (onNode(object, watcher.node)) send(watcher, { type, object });
  };

  const it: KubeApi = {
    url: '',
    token: 'test-token',
    calls: {},
    watches: [],
    accepts: [],
    refuse: new Map(),
    objects: new Map(),
    put(pod) {
      const type = pods.has(pod.metadata.uid) ? 'MODIFIED' : 'ADDED';
      pods.set(pod.metadata.uid, structuredClone(pod));
      change(type, pods.get(pod.metadata.uid)!);
    },
    remove(uid) {
      const pod = pods.get(uid)!;
      pods.delete(uid);
      change('DELETED', pod);
    },
    bookmark() {
      version += 1;
      const object = { kind: 'Pod', metadata: { resourceVersion: String(version) } };
      for (const watcher of watchers) send(watcher, { type: 'BOOKMARK', object });
    },
    compact() {
      version += 1;
      oldest = version;
      history.length = 0;
    },
    raw(event) {
      for (const watcher of watchers) send(watcher, event);
    },
    endWatches() {
      for (const { response } of watchers) response.end();
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    watchers: () => watchers.size,
    async stop() {
      it.cut();
      await new Promise((resolve) => server.close(resolve));
    },
    restart: () => new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve())),
  };

  const status = (response: ServerResponse, code: number, message: string) => {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, message }));
  };

  const list = (query: URLSearchParams, node: string | undefined, response: ServerResponse) => {
    const all = [...pods.values()].filter((pod) => onNode(pod, node));
    const from = Number(query.get('continue') ?? 0);
    const limit = Number(query.get('limit') ?? all.length);
    const more = from + limit < all.length ? { continue: String(from + limit) } : {};
    response.writeHead(200, { 'content-type': 'application/json' });
    const metadata = { resourceVersion: String(version), ...more };
    response.end(JSON.stringify({ kind: 'PodList', metadata, items: all.slice(from, from + limit) }));
  };

  const watch = (query: URLSearchParams, node: string | undefined, response: ServerResponse) => {
    it.watches.push(query);
    const from = Number(query.get('resourceVersion') ?? 0);
    response.writeHead(200, { 'content-type': 'application/json' });
    const watcher = { response, node };
    if (from < oldest) {
      // As the real server: the watch is accepted and then ends with an error event.
      send(watcher, {
        type: 'ERROR',
        object: { kind: 'Status', code: 410, message: `too old resource version: ${from}` },
      });
      return response.end();
    }
    response.flushHeaders();
    for (const past of history) {
      if (past.version > from && onNode(past.object, node))
        send(watcher, { type: past.type, object: past.object });
    }
    watchers.add(watcher);
    response.on('close', () => watchers.delete(watcher));
    return undefined;
  };

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://kube');
    const isWatch = url.searchParams.get('watch') === 'true';
    const name = url.pathname === '/api/v1/pods' ? (isWatch ? 'watch' : 'list') : url.pathname;
    it.calls[name] = (it.calls[name] ?? 0) + 1;
    if (request.headers.authorization !== `Bearer ${it.token}`) return status(response, 401, 'Unauthorized');
    for (const [path, code] of it.refuse) {
      if (url.pathname.startsWith(path)) return status(response, code, `"${url.pathname}" is forbidden`);
    }
    if (url.pathname === '/version') {
      response.writeHead(200);
      return response.end(JSON.stringify({ gitVersion: 'v1.34.1' }));
    }
    const node = /^spec\.nodeName=(.+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
    if (name === 'list') return list(url.searchParams, node, response);
    if (name === 'watch') return watch(url.searchParams, node, response);
    it.accepts.push(request.headers.accept ?? '');
    const object = it.objects.get(url.pathname);
    if (object === undefined) return status(response, 404, `${url.pathname} not found`);
    response.writeHead(200);
    return response.end(JSON.stringify(object));
  };

  const server = createServer(answer);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  port = (server.address() as AddressInfo).port;
  Object.assign(it, { url: `http://127.0.0.1:${port}` });
  return it;
}

/** A pod with one running container `web`, owned by a ReplicaSet of the Deployment `shop-web`. */
export function webPod(containerId: string, more: Partial<Stored['metadata']> = {}): Stored {
  return {
    metadata: {
      name: 'shop-web-7d9c6b5f4d-x2k8p',
      namespace: 'shop',
      uid: '0b7f3c52-6a41-4f0e-9d55-1c2f6a7e9a01',
      labels: { app: 'shop-web', 'pod-template-hash': '7d9c6b5f4d', 'app.kubernetes.io/version': '1.4.2' },
      annotations: { 'prometheus.io/scrape': 'true', 'example.org/runbook': 'https://runbooks.test/shop' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'shop-web-7d9c6b5f4d', uid: 'rs-1', controller: true }],
      ...more,
    },
    spec: {
      nodeName: 'node-1',
      serviceAccountName: 'shop',
      hostNetwork: false,
      containers: [
        {
          name: 'web',
          image: 'registry.test/shop/web:latest',
          command: ['/docker-entrypoint.sh'],
          args: ['serve'],
          securityContext: {
            privileged: false,
            readOnlyRootFilesystem: true,
            capabilities: { add: ['NET_ADMIN'] },
          },
          volumeMounts: [
            { name: 'scratch', mountPath: '/scratch' },
            { name: 'config', mountPath: '/etc/app' },
          ],
          livenessProbe: { exec: { command: ['curl', '-f', 'http://localhost/health'] } },
          lifecycle: { preStop: { exec: { command: ['nc', '-z', 'drain', '80'] } } },
        },
      ],
      volumes: [
        { name: 'scratch', emptyDir: {} },
        { name: 'config', configMap: { name: 'app' } },
      ],
    },
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'web',
          containerID: `containerd://${containerId}`,
          imageID: `registry.test/shop/web@sha256:${'d'.repeat(64)}`,
          state: { running: { startedAt: '2026-11-22T21:55:46Z' } },
        },
      ],
    },
  };
}

/** The owners and the namespace of `webPod`. */
export function surroundings(api: KubeApi): void {
  api.objects.set('/apis/apps/v1/namespaces/shop/replicasets/shop-web-7d9c6b5f4d', {
    metadata: {
      name: 'shop-web-7d9c6b5f4d',
      ownerReferences: [{ kind: 'Deployment', name: 'shop-web', uid: 'd-1', controller: true }],
    },
  });
  api.objects.set('/api/v1/namespaces/shop', {
    metadata: {
      name: 'shop',
      labels: {
        'kubernetes.io/metadata.name': 'shop',
        'pod-security.kubernetes.io/enforce': 'baseline',
        other: 'x',
      },
    },
  });
}

/** A kubeconfig for the server. */
export function kubeconfigFor(url: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      { name: 'test', cluster: { server: url, 'insecure-skip-tls-verify': true } },
      { name: 'other', cluster: { server: 'http://127.0.0.1:9', 'insecure-skip-tls-verify': true } },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [
      { name: 'test', context: { cluster: 'test', user: 'test' } },
      { name: 'elsewhere', context: { cluster: 'other', user: 'test' } },
    ],
  });
}
