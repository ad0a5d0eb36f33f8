import { Client, Metadata, type ServiceError } from '@grpc/grpc-js';
import { LannerError } from '../../lib/errors.ts';
import { utf8, Walk } from '../../lib/wire.ts';
import type { Intake } from '../../model/intake.ts';
import { type Endpoint, parseEndpoint } from '../endpoint.ts';
import { diagnoseGrpcError, type Peer } from '../grpc-errors.ts';
import { grpcStatus } from '../grpc-status.ts';
import { channelCredentials, readTlsFiles, tlsChannelOptions } from '../tls.ts';
import type { FalcoGrpcConfig } from './config.ts';
import { versionResponseFields } from './fields.ts';
import { type Answered, empty, getOnce, identity, poll, type RunOptions, subscribe } from './grpc-calls.ts';

const versionMethod = '/falco.version.service/version';
const tetragonMethod = '/tetragon.FineGuidanceSensors/GetVersion';
const REMOVED =
  'Falco 0.44 and later has no gRPC output: set http_output in falco.yaml to a Lanner source of type falco_http instead.';

/** One connection, from the first call to the first failure. */
export interface Session {
  /** Reads until something fails or `signal` aborts; gives the reason. Never rejects. */
  read(
    intake: Intake,
    signal: AbortSignal,
    onMessage: (bytes: Buffer) => void,
    onUp: (version: string | undefined) => void,
  ): Promise<LannerError>;
  /**
   * Falco's version, `unknown` if it does not tell, or the reason why it does not answer. Takes no alert out of its
   * queue. Never rejects.
   */
  version(signal: AbortSignal): Promise<string | LannerError>;
  close(): void;
}

/** Touches nothing before `read`. */
export function openSession(endpoint: Endpoint, config: FalcoGrpcConfig): Session {
  const timeout = config.connect_timeout_secs * 1000;
  const peer: Peer = { sensor: 'Falco', endpoint, absent_hint: REMOVED };
  let client: Client | undefined;

  /** Files are read anew for each connection, so that certificates can be replaced while we run. */
  function connect(): Client {
    if (config.tls !== undefined)
      peer.tls = { ...readTlsFiles(config.tls), server_name: config.tls.server_name };
    client = new Client(endpoint.target, channelCredentials(config.tls), {
      ...tlsChannelOptions(config.tls),
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': config.max_message_bytes,
      'grpc-node.flow_control_window': 4 * 1024 * 1024,
    });
    return client;
  }

  function unary(channel: Client, path: string, signal: AbortSignal): Promise<Answered> {
    return new Promise((resolve) => {
      const call = channel.makeUnaryRequest(
        path,
        identity,
        identity,
        empty,
        new Metadata(),
        { deadline: Date.now() + timeout },
        (error: ServiceError | null, answer?: Buffer) => {
          signal.removeEventListener('abort', cancel);
          const ended = { code: error?.code ?? grpcStatus.OK, details: error?.details ?? '' };
          resolve(answer === undefined ? ended : { ...ended, answer });
        },
      );
      const cancel = () => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  function ready(channel: Client): Promise<Answered> {
    return new Promise((resolve) =>
      channel.waitForReady(Date.now() + timeout, (error) =>
        resolve(
          error === undefined
            ? { code: grpcStatus.OK, details: '' }
            : { code: grpcStatus.DEADLINE_EXCEEDED, details: error.message },
        ),
      ),
    );
  }

  async function failure(
    channel: Client,
    ended: Answered,
    version: string | undefined,
    signal: AbortSignal,
  ): Promise<LannerError> {
    if (ended.code !== grpcStatus.UNIMPLEMENTED) return diagnoseGrpcError(ended, peer);
    const tetragon = version === undefined ? await unary(channel, tetragonMethod, signal) : undefined;
    if (tetragon?.code === grpcStatus.OK) return diagnoseGrpcError(ended, peer);
    return new LannerError(
      'falco_grpc_removed',
      `Falco at ${endpoint.address}: it does not offer falco.outputs.service${version === undefined ? '' : ` (version ${version})`}`,
      REMOVED,
    );
  }

  return {
    async read(intake, signal, onMessage, onUp) {
      try {
        const channel = connect();
        const { answer, ...ended } = await unary(channel, versionMethod, signal);
        const version = ended.code === grpcStatus.OK ? versionOf(answer) : undefined;
        if (ended.code !== grpcStatus.OK && ended.code !== grpcStatus.UNIMPLEMENTED)
          return await diagnoseGrpcError(ended, peer);
        const options: RunOptions = {
          config,
          intake,
          signal,
          onMessage,
          onUp: () => onUp(version),
          alive: () => (version === undefined ? ready(channel) : unary(channel, versionMethod, signal)),
        };
        // A server that tells no version may be any: `get` shows whether it is one of Falco's.
        if (version === undefined) {
          const tried = await getOnce(channel, options);
          if (tried.code !== grpcStatus.OK) return await failure(channel, tried, version, signal);
        }
        const last = await (config.method === 'get' ? poll : subscribe)(channel, options);
        return await failure(channel, last, version, signal);
      } catch (error) {
        if (error instanceof LannerError) return error;
        return new LannerError(
          'stream_ended',
          `Falco at ${endpoint.address}: ${String(error)}`,
          'Lanner reconnects.',
          {
            cause: error,
          },
        );
      }
    },
    async version(signal) {
      try {
        const { answer, ...ended } = await unary(connect(), versionMethod, signal);
        if (ended.code === grpcStatus.UNIMPLEMENTED) return 'unknown';
        if (ended.code !== grpcStatus.OK) return await diagnoseGrpcError(ended, peer);
        return versionOf(answer) ?? 'unknown';
      } catch (error) {
        if (error instanceof LannerError) return error;
        return new LannerError(
          'stream_ended',
          `Falco at ${endpoint.address}: ${String(error)}`,
          'Look at the reason.',
        );
      }
    },
    close: () => client?.close(),
  };
}

function versionOf(answer: Buffer | undefined): string | undefined {
  if (answer === undefined) return undefined;
  try {
    const walk = new Walk(answer);
    while (walk.next())
      if (walk.field === versionResponseFields.version && walk.type === 2)
        return utf8(answer, walk.start, walk.end);
  } catch {
    return undefined;
  }
  return undefined;
}

/** As `Session.version`, for an address that was checked. */
export async function falcoVersion(
  config: FalcoGrpcConfig,
  signal: AbortSignal,
): Promise<string | LannerError> {
  const session = openSession(parseEndpoint(config.address) as Endpoint, config);
  const answer = await session.version(signal);
  session.close();
  return answer;
}
