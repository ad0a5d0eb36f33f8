import {
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js';

const identity = (bytes: Buffer): Buffer => bytes;

/** Handlers by full method path; messages are raw bytes on both sides. */
export interface RawHandlers {
  unary?: Record<string, (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void>;
  stream?: Record<string, (call: ServerWritableStream<Buffer, Buffer>) => void>;
  bidi?: Record<string, (call: ServerDuplexStream<Buffer, Buffer>) => void>;
}

export interface RawServer {
  /** `127.0.0.1:port` or `unix:///path`. */
  address: string;
  /** Ends at once, as a killed process does. */
  kill(): void;
  /** Lets running calls end. */
  shutdown(): Promise<void>;
}

/** A real gRPC server whose methods are plain functions over bytes. */
export async function serveRaw(
  handlers: RawHandlers,
  options: { address?: string; credentials?: ServerCredentials } = {},
): Promise<RawServer> {
  const server = new Server();
  const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
    path,
    requestStream,
    responseStream,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  });
  for (const [path, handle] of Object.entries(handlers.unary ?? {}))
    server.addService({ call: method(path, false, false) }, { call: handle });
  for (const [path, handle] of Object.entries(handlers.stream ?? {}))
    server.addService({ call: method(path, false, true) }, { call: handle });
  for (const [path, handle] of Object.entries(handlers.bidi ?? {}))
    server.addService({ call: method(path, true, true) }, { call: handle });
  const asked = options.address ?? '127.0.0.1:0';
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(asked, options.credentials ?? ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return {
    address: asked.startsWith('unix:') ? asked : `127.0.0.1:${port}`,
    kill: () => server.forceShutdown(),
    shutdown: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
  };
}

/** Calls a server-streaming method once: how it ended. */
export function callOnce(
  target: string,
  path: string,
  options: {
    credentials?: ChannelCredentials;
    channel?: Record<string, string | number>;
    deadline_ms?: number;
  } = {},
): Promise<StatusObject> {
  const client = new Client(
    target,
    options.credentials ?? credentials.createInsecure(),
    options.channel ?? {},
  );
  return new Promise((resolve) => {
    const deadline = Date.now() + (options.deadline_ms ?? 5_000);
    const call = client.makeServerStreamRequest(path, identity, identity, Buffer.alloc(0), new Metadata(), {
      deadline,
    });
    call.on('data', () => undefined);
    call.on('error', () => undefined);
    call.on('status', (status: StatusObject) => {
      client.close();
      resolve(status);
    });
  });
}
