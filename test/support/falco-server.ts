import type { ServerCredentials, ServerDuplexStream, ServerWritableStream, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { type RawServer, serveRaw } from './raw-grpc.ts';

/** A real gRPC server that behaves as Falco's output service does, as far as a client can see it. */
export interface FalcoServer extends RawServer {
  /** Alerts that no client has fetched yet. One queue for all clients. */
  queue: Buffer[];
  /** Requests that came by `get`, and request messages that came by `sub`. */
  requests: { get: number; sub: number };
  /** `sub` streams that are attached. */
  subscribed: Set<ServerDuplexStream<Buffer, Buffer>>;
  /** Whether a client has closed its sending side of `sub`: real Falco would then hang. */
  halfClosed: boolean;
  /** Ends all streams with status OK, as Falco does when it reloads. */
  reload(): void;
}

export interface FalcoServerOptions {
  address?: string;
  credentials?: ServerCredentials;
  /** The version it tells; null: it has no version service. */
  version?: string | null;
  /** Neither answers nor ends a `get`. */
  silent?: boolean;
}

const versionMessage = new protobuf.Type('response').add(new protobuf.Field('version', 1, 'string'));
new protobuf.Root().add(versionMessage);

export async function startFalco(options: FalcoServerOptions = {}): Promise<FalcoServer> {
  const queue: Buffer[] = [];
  const requests = { get: 0, sub: 0 };
  const subscribed = new Set<ServerDuplexStream<Buffer, Buffer>>();
  const state = { halfClosed: false };
  const drain = (call: { write(message: Buffer): unknown }) => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) call.write(next);
  };
  const { version = '0.43.1' } = options;
  const answer = versionMessage.encode({ version }).finish();
  const server = await serveRaw(
    {
      ...(version !== null && {
        unary: { '/falco.version.service/version': (_call, reply) => reply(null, Buffer.from(answer)) },
      }),
      stream: {
        '/falco.outputs.service/get': (call: ServerWritableStream<Buffer, Buffer>) => {
          requests.get += 1;
          if (options.silent) return;
          drain(call);
          call.end();
        },
      },
      bidi: {
        '/falco.outputs.service/sub': (call) => {
          subscribed.add(call);
          call.on('data', () => {
            requests.sub += 1;
            drain(call);
          });
          call.on('end', () => {
            state.halfClosed = !call.cancelled;
          });
          call.on('cancelled', () => subscribed.delete(call));
        },
      },
    },
    {
      ...(options.address !== undefined && { address: options.address }),
      ...(options.credentials !== undefined && { credentials: options.credentials }),
    },
  );
  return {
    ...server,
    queue,
    requests,
    subscribed,
    get halfClosed() {
      return state.halfClosed;
    },
    reload() {
      for (const call of subscribed) call.end();
      subscribed.clear();
    },
  };
}

/** A server that answers to every method of Tetragon's that a probe may call. */
export function startTetragonLike(address?: string): Promise<RawServer> {
  return serveRaw(
    { unary: { '/tetragon.FineGuidanceSensors/GetVersion': (_call, reply) => reply(null, Buffer.alloc(0)) } },
    address === undefined ? {} : { address },
  );
}

/** A server whose Falco methods all fail with this status. */
export function startFailing(code: status, details: string): Promise<RawServer> {
  return serveRaw({
    unary: { '/falco.version.service/version': (_call, reply) => reply({ code, details }) },
  });
}
