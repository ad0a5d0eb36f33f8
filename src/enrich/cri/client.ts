import { fileURLToPath } from 'node:url';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { within } from '../../lib/abort.ts';
import { LannerError } from '../../lib/errors.ts';
import { socketError } from '../unix-socket.ts';
import type {
  ContainerEvent,
  ContainerStatusResponse,
  CriContainer,
  ImageStatusResponse,
  PodSandboxStatus,
  VersionResponse,
} from './messages.ts';

const protoFile = fileURLToPath(new URL('../../../proto/cri/api.proto', import.meta.url));
const maxAnswerBytes = 16 * 1024 * 1024;

type Services = { runtime: ServiceDefinition; image: ServiceDefinition };
let services: Services | undefined;

function loadServices(): Services {
  if (services !== undefined) return services;
  const loaded = loadSync(protoFile, {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
  });
  services = {
    runtime: loaded['runtime.v1.RuntimeService'] as ServiceDefinition,
    image: loaded['runtime.v1.ImageService'] as ServiceDefinition,
  };
  return services;
}

/** What a call to the runtime came to, where it is no answer. */
export type CallFailure = 'not_found' | 'unimplemented' | 'failed';

/** A call that failed. `failure` says how; `cause` is gRPC's error. */
export class CallError extends Error {
  readonly failure: CallFailure;
  constructor(failure: CallFailure, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'CallError';
    this.failure = failure;
  }
}

/** The calls Lanner makes. Each rejects with a CallError, or at once when `signal` aborts. */
export interface CriClient {
  version(signal: AbortSignal): Promise<VersionResponse>;
  /** All running containers, or those in any state whose id begins with `prefix`. */
  list(prefix: string | undefined, signal: AbortSignal): Promise<CriContainer[]>;
  status(id: string, signal: AbortSignal): Promise<ContainerStatusResponse>;
  sandbox(id: string, signal: AbortSignal): Promise<PodSandboxStatus | null>;
  image(ref: string, signal: AbortSignal): Promise<ImageStatusResponse>;
  /** Calls `onEvent` until the stream ends (fulfilled) or breaks (rejected). */
  events(onEvent: (event: ContainerEvent) => void, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Opens no connection before the first call. */
export function openCriClient(socket: string): CriClient {
  const { runtime, image } = loadServices();
  const client = new Client(`unix://${socket}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxAnswerBytes,
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 2000,
    // Some runtimes refuse the percent-encoded socket path grpc-js would send as authority.
    'grpc.default_authority': 'localhost',
  });

  const call = <T>(method: MethodDefinition<object, object>, request: object, signal: AbortSignal) =>
    new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(new CallError('failed', 'given up', signal.reason));
      const running = client.makeUnaryRequest<object, T>(
        method.path,
        method.requestSerialize,
        method.responseDeserialize as (bytes: Buffer) => T,
        request,
        (error, answer) => {
          signal.removeEventListener('abort', cancel);
          if (error !== null) reject(callError(error));
          else resolve(answer as T);
        },
      );
      const cancel = () => running.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });

  return {
    version: (signal) => call(method(runtime, 'Version'), { version: 'v1' }, signal),
    async list(prefix, signal) {
      const filter = prefix === undefined ? { state: { state: 'CONTAINER_RUNNING' } } : { id: prefix };
      const answer = await call<{ containers: CriContainer[] }>(
        method(runtime, 'ListContainers'),
        { filter },
        signal,
      );
      return answer.containers;
    },
    status: (id, signal) =>
      call(method(runtime, 'ContainerStatus'), { container_id: id, verbose: true }, signal),
    async sandbox(id, signal) {
      const answer = await call<{ status: PodSandboxStatus | null }>(
        method(runtime, 'PodSandboxStatus'),
        { pod_sandbox_id: id },
        signal,
      );
      return answer.status;
    },
    image: (ref, signal) =>
      call(method(image, 'ImageStatus'), { image: { image: ref }, verbose: true }, signal),
    events: (onEvent, signal) => stream(client, method(runtime, 'GetContainerEvents'), onEvent, signal),
    close: () => client.close(),
  };
}

function method(service: ServiceDefinition, name: string): MethodDefinition<object, object> {
  return service[name] as MethodDefinition<object, object>;
}

function stream(
  client: Client,
  definition: MethodDefinition<object, object>,
  onEvent: (event: ContainerEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const running = client.makeServerStreamRequest<object, ContainerEvent>(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize as (bytes: Buffer) => ContainerEvent,
      {},
    );
    const cancel = () => running.cancel();
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    running.on('data', onEvent);
    running.on('error', (error: ServiceError) => {
      signal.removeEventListener('abort', cancel);
      if (signal.aborted) resolve();
      else reject(callError(error));
    });
    running.on('end', () => {
      signal.removeEventListener('abort', cancel);
      resolve();
    });
  });
}

function callError(error: ServiceError): CallError {
  const failures: Partial<Record<number, CallFailure>> = {
    [status.NOT_FOUND]: 'not_found',
    [status.UNIMPLEMENTED]: 'unimplemented',
  };
  return new CallError(failures[error.code] ?? 'failed', error.details || error.message, error);
}

/** What an operator should hear of a failed first call. */
export function connectError(socket: string, error: unknown): LannerError {
  if (error instanceof LannerError) return error;
  if (!(error instanceof CallError)) return socketError(socket, error);
  if (error.failure === 'unimplemented') {
    return new LannerError(
      'wrong_service',
      `${socket} does not serve CRI v1: ${error.message}`,
      'enable the cri plugin of this containerd, or name the Docker socket instead',
      { cause: error },
    );
  }
  return new LannerError(
    'runtime_failed',
    `${socket}: ${error.message}`,
    'look into the log of the runtime',
    {
      cause: error,
    },
  );
}

/** False only if something answers there that is not CRI v1: Docker's containerd often comes without it. */
export async function servesCri(socket: string, signal: AbortSignal): Promise<boolean> {
  const client = openCriClient(socket);
  try {
    await within(2000, signal, client.version);
    return true;
  } catch (error) {
    return !(error instanceof CallError && error.failure === 'unimplemented');
  } finally {
    client.close();
  }
}
