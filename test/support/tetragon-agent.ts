import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoFolder } from '../../src/sources/tetragon/protocol.ts';

export interface AgentOptions {
  credentials?: ServerCredentials;
  version?: string;
  /** Called with each GetEvents stream and its request; without it the stream stays open and quiet. */
  onStream?: (stream: ServerWritableStream<Request, Buffer>, request: Request) => void;
  /** GetHealth answers with this gRPC status instead. */
  healthStatus?: () => status | undefined;
}

export interface Request {
  allow_list: Record<string, unknown>[];
  deny_list: Record<string, unknown>[];
  field_filters: Record<string, unknown>[];
}

/** A real gRPC server that speaks Tetragon's service; what it sends are bytes given by the test. */
export interface Agent {
  /** `host:port` or `unix:///…`, as a source takes it. */
  address: string;
  streams: ServerWritableStream<Request, Buffer>[];
  requests: Request[];
  /** Kills all connections at once, as a killed agent does. */
  kill(): void;
}

/** Starts an agent at `unix:///path`, or at a free (or the given) port of 127.0.0.1. */
export async function startAgent(at: string, options: AgentOptions = {}): Promise<Agent> {
  const definition = loadSync('sensors.proto', {
    includeDirs: [`${protoFolder}/tetragon`],
    keepCase: true,
    enums: String,
    defaults: true,
  });
  const service = (
    loadPackageDefinition(definition) as unknown as { tetragon: { FineGuidanceSensors: { service: object } } }
  ).tetragon.FineGuidanceSensors.service as Record<string, { responseSerialize(value: unknown): Buffer }>;
  service.GetEvents = { ...service.GetEvents!, responseSerialize: (bytes) => bytes as Buffer };
  const agent: Agent = { address: at, streams: [], requests: [], kill: () => server.forceShutdown() };
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  server.addService(service as never, {
    GetVersion: (_call: unknown, reply: (error: null, answer: object) => void) =>
      reply(null, { version: options.version ?? 'v1.7.0' }),
    GetHealth: (_call: unknown, reply: (error: object | null, answer?: object) => void) => {
      const code = options.healthStatus?.();
      if (code !== undefined) reply({ code, details: 'told to fail' });
      else reply(null, { health_status: [{ event: 1, status: 1, details: 'running' }] });
    },
    GetEvents: (stream: ServerWritableStream<Request, Buffer>) => {
      agent.streams.push(stream);
      agent.requests.push(stream.request);
      options.onStream?.(stream, stream.request);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = options.credentials ?? ServerCredentials.createInsecure();
    server.bindAsync(at, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  if (!at.startsWith('unix:')) agent.address = `127.0.0.1:${port}`;
  return agent;
}
