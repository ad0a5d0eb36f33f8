import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const folder = new URL('../fixtures/containers/cri/', import.meta.url);
const protoFile = new URL('../../proto/cri/api.proto', import.meta.url).pathname;

interface Status {
  status: { id: string; state: string; image_ref: string; [key: string]: unknown };
  info: Record<string, string>;
}

/** What a real containerd answered, by id; a test may change and add. */
export interface CriWorld {
  version: { runtime_name: string; runtime_version: string };
  containers: Map<string, Status>;
  listed: Map<string, { id: string; state: string; [key: string]: unknown }>;
  sandboxes: Map<string, { status: { id: string } }>;
  images: Map<string, { image: { id: string; repo_digests: string[] } | null; info: Record<string, string> }>;
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T;
}

/** The recorded world: containers web, worker (user) and tools. */
export function recordedCri(): CriWorld {
  const world: CriWorld = {
    version: read('Version.json'),
    containers: new Map(),
    listed: new Map(),
    sandboxes: new Map(),
    images: new Map(),
  };
  for (const file of readdirSync(folder)) {
    if (/^ContainerStatus\..*verbose/.test(file)) {
      const answer = read<Status>(file);
      world.containers.set(answer.status.id, answer);
    }
    if (/^PodSandboxStatus/.test(file)) {
      const answer = read<{ status: { id: string } }>(file);
      world.sandboxes.set(answer.status.id, answer);
    }
    if (/^ImageStatus/.test(file)) {
      const answer = read<{ image: { id: string; repo_digests: string[] }; info: Record<string, string> }>(
        file,
      );
      for (const key of [answer.image.id, ...answer.image.repo_digests]) world.images.set(key, answer);
    }
  }
  const list = read<{ containers: { id: string; state: string }[] }>('ListContainers.json');
  for (const one of list.containers) world.listed.set(one.id, one);
  return world;
}

export interface CriServer {
  readonly socket: string;
  readonly world: CriWorld;
  /** Calls by method name. */
  readonly calls: Record<string, number>;
  /** Milliseconds before each answer; `never` answers not at all. `Version` and lists are exempt if `statusOnly`. */
  delay: number | 'never';
  statusOnly: boolean;
  /** Answer everything with this error. */
  fail: { code: number; details: string } | undefined;
  /** Undefined: UNIMPLEMENTED, as containerd 1.6. */
  events: 'offered' | undefined;
  send(type: string, id: string, sandbox?: string): void;
  subscribers(): number;
  stop(): Promise<void>;
}

/** A real gRPC server on a unix socket with the answers of `world`. */
export async function startCriServer(socket: string, world = recordedCri()): Promise<CriServer> {
  const definition = loadSync(protoFile, { keepCase: true, longs: String, enums: String, defaults: true });
  const server = new grpc.Server();
  const streams = new Set<grpc.ServerWritableStream<object, object>>();
  const it: CriServer = {
    socket,
    world,
    calls: {},
    delay: 0,
    statusOnly: true,
    fail: undefined,
    events: undefined,
    send(type, id, sandbox) {
      for (const stream of streams) {
        stream.write({
          container_id: id,
          container_event_type: type,
          ...(sandbox ? { pod_sandbox_status: { id: sandbox } } : {}),
        });
      }
    },
    subscribers: () => streams.size,
    async stop() {
      server.forceShutdown();
      rmSync(socket, { force: true });
    },
  };

  type Answer = object | { code: number; details: string };
  const unary =
    <R>(name: string, answer: (request: R) => Answer): grpc.handleUnaryCall<R, object> =>
    (call, callback) => {
      it.calls[name] = (it.calls[name] ?? 0) + 1;
      const reply = () => {
        const result = it.fail ?? answer(call.request);
        if ('code' in result && 'details' in result) callback(result as grpc.ServiceError);
        else callback(null, result);
      };
      const isExempt = it.statusOnly && (name === 'Version' || name === 'ListContainers');
      if (it.delay === 0 || isExempt) reply();
      else if (it.delay !== 'never') setTimeout(reply, it.delay);
    };

  const notFound = (what: string) => ({ code: grpc.status.NOT_FOUND, details: `${what}: not found` });
  server.addService(definition['runtime.v1.RuntimeService'] as grpc.ServiceDefinition, {
    Version: unary('Version', () => world.version),
    ListContainers: unary(
      'ListContainers',
      (request: { filter: { id: string; state: object | null } | null }) => {
        const filter = request.filter;
        const all = [...world.listed.values()].filter((one) => one.id.startsWith(filter?.id ?? ''));
        return { containers: filter?.state ? all.filter((one) => one.state === 'CONTAINER_RUNNING') : all };
      },
    ),
    ContainerStatus: unary(
      'ContainerStatus',
      (request: { container_id: string }) =>
        world.containers.get(request.container_id) ?? notFound(`container "${request.container_id}"`),
    ),
    PodSandboxStatus: unary(
      'PodSandboxStatus',
      (request: { pod_sandbox_id: string }) =>
        world.sandboxes.get(request.pod_sandbox_id) ?? notFound('sandbox'),
    ),
    GetContainerEvents(stream: grpc.ServerWritableStream<object, object>) {
      it.calls.GetContainerEvents = (it.calls.GetContainerEvents ?? 0) + 1;
      if (it.events === undefined) {
        stream.emit('error', {
          code: grpc.status.UNIMPLEMENTED,
          details: 'unknown method GetContainerEvents',
        });
        return;
      }
      streams.add(stream);
      stream.on('cancelled', () => streams.delete(stream));
      stream.on('close', () => streams.delete(stream));
    },
  });
  server.addService(definition['runtime.v1.ImageService'] as grpc.ServiceDefinition, {
    ImageStatus: unary(
      'ImageStatus',
      (request: { image: { image: string } }) =>
        world.images.get(request.image.image) ?? { image: null, info: {} },
    ),
  });
  if (existsSync(socket)) rmSync(socket);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return it;
}
