import { type ChannelOptions, Client, type ClientReadableStream, Metadata, status } from '@grpc/grpc-js';
import { LannerError } from '../../lib/errors.ts';
import type { Intake, Source } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import { openBackoff, wait } from '../backoff.ts';
import { type Connection, trackConnection } from '../connection.ts';
import { type Endpoint, parseEndpoint } from '../endpoint.ts';
import { diagnoseGrpcError, type GrpcStatus, type Peer } from '../grpc-errors.ts';
import { channelCredentials, readTlsFiles, tlsChannelOptions } from '../tls.ts';
import { watchAgentMetrics } from './agent-metrics.ts';
import { eventsRequest, type TetragonConfig } from './config.ts';
import { earlyTest } from './early.ts';
import { bytesDecoder } from './export.ts';
import { tetragonProtocol } from './protocol.ts';

/** Big windows: the agent's sender never waits for us, since a slow client loses events in silence. */
const WINDOW_BYTES = 8 * 1024 * 1024;
/** A connection that lasted so long starts the next back-off at its smallest. */
const PROVEN_MS = 30_000;

export interface TetragonDeps {
  log: Log;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Uniform in [0, 1). */
  random?: () => number;
  /** Sees each message before anything else does: `lanner record`. */
  tap?: (message: Buffer) => void;
  /** Bounds of the waits between attempts to connect. */
  backoff?: { first_ms: number; max_ms: number };
}

/** A client of the agent's GetEvents stream. Throws LannerError `config_invalid` for an address that is none. */
export function openTetragon(name: string, config: TetragonConfig, deps: TetragonDeps): Source {
  const endpoint = parseEndpoint(config.address);
  if (typeof endpoint === 'string')
    throw new LannerError('config_invalid', `sources.${name}.address: ${endpoint}`, 'Correct the address.');
  const now = deps.now ?? Date.now;
  const connection = trackConnection(name, 'tetragon', { log: deps.log, now });
  const backoff = openBackoff({
    ...(deps.backoff ?? { first_ms: 500, max_ms: 30_000 }),
    random: deps.random ?? Math.random,
  });

  async function run(intake: Intake, signal: AbortSignal): Promise<void> {
    const take = earlyTest(intake, bytesDecoder(name, intake.processes));
    const onMessage = deps.tap === undefined ? take : both(deps.tap, take);
    const metrics = watchAgentMetrics(name, config, intake.counts, deps.log, signal);
    let silent = false;
    while (!signal.aborted) {
      const began = now();
      const reason = await session({
        config,
        endpoint: endpoint as Endpoint,
        intake,
        connection,
        onMessage,
        signal,
        now,
        silent,
      });
      if (signal.aborted) break;
      connection.down(intake.counts, reason);
      silent = reason.code === 'stream_silent';
      if (now() - began > PROVEN_MS) backoff.reset();
      await wait(backoff.next(), signal);
    }
    await metrics;
    connection.stopped();
  }
  return { name, type: 'tetragon', run, health: connection.health };
}

function both(first: (message: Buffer) => void, second: (message: Buffer) => void) {
  return (message: Buffer) => {
    first(message);
    second(message);
  };
}

interface Session {
  config: TetragonConfig;
  endpoint: Endpoint;
  intake: Intake;
  connection: Connection;
  onMessage: (message: Buffer) => void;
  signal: AbortSignal;
  now: () => number;
  /** The stream before this one fell silent: not in order until a message comes. */
  silent: boolean;
}

/** One connection from dial to end; the value says why it ended. */
async function session(one: Session): Promise<LannerError> {
  const { config, endpoint, signal } = one;
  let client: Client | undefined;
  const peer: Peer = { sensor: 'Tetragon', endpoint };
  try {
    if (config.tls !== undefined)
      peer.tls = { ...readTlsFiles(config.tls), server_name: config.tls.server_name };
    client = new Client(endpoint.target, channelCredentials(config.tls), channelOptions(config));
    const version = await unary(client, tetragonProtocol().getVersion, config.connect_timeout_secs, signal);
    return await stream(one, client, version.version, peer);
  } catch (error) {
    if (error instanceof LannerError) return error;
    return diagnoseGrpcError(error as GrpcStatus, peer);
  } finally {
    client?.close();
  }
}

function channelOptions(config: TetragonConfig): ChannelOptions {
  return {
    'grpc.max_receive_message_length': config.max_message_bytes,
    'grpc-node.flow_control_window': WINDOW_BYTES,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    // A channel of our own: certificates are read anew at each connection, and closing it closes the socket.
    'grpc.use_local_subchannel_pool': 1,
    ...tlsChannelOptions(config.tls),
  };
}

/** A unary call with a deadline; rejects with grpc-js's ServiceError. */
function unary<Answer>(
  client: Client,
  method: {
    path: string;
    requestSerialize(request: object): Buffer;
    responseDeserialize(bytes: Buffer): Answer;
  },
  timeoutSecs: number,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      {},
      new Metadata(),
      { deadline: Date.now() + timeoutSecs * 1000 },
      (error, answer) => {
        signal.removeEventListener('abort', cancel);
        if (error === null) resolve(answer as Answer);
        else reject(error);
      },
    );
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
}

function openStream(client: Client, config: TetragonConfig): ClientReadableStream<Buffer> {
  const { getEvents } = tetragonProtocol();
  return client.makeServerStreamRequest(
    getEvents.path,
    (request: Buffer) => request,
    // The bytes themselves, never null: grpc-js would end the stream without a word.
    (message: Buffer) => message,
    getEvents.serialize(eventsRequest(config)),
  );
}

/** Reads until the stream ends, goes silent, the agent stops answering, or `signal` aborts. */
async function stream(one: Session, client: Client, version: string, peer: Peer): Promise<LannerError> {
  const { config, intake, connection, signal, now } = one;
  const call = openStream(client, config);
  let last = now();
  let quiet = one.silent;
  const ended = new Promise<GrpcStatus>((resolve) => {
    call.on('data', (message: Buffer) => {
      last = now();
      if (quiet) {
        quiet = false;
        connection.recovered();
      }
      one.onMessage(message);
    });
    call.on('error', resolve as (error: unknown) => void);
    call.on('end', () => resolve({ code: status.OK }));
  });
  connection.up(intake.counts, version);
  if (quiet) connection.degraded(silence(config));
  const watch = new AbortController();
  const stop = () => watch.abort();
  signal.addEventListener('abort', stop, { once: true });
  const troubled = watchLiveness(one, client, watch.signal, () => last, peer);
  const outcome = await Promise.race([ended, troubled, aborted(watch.signal)]);
  signal.removeEventListener('abort', stop);
  stop();
  call.cancel();
  if (outcome instanceof LannerError) return outcome;
  return outcome === undefined ? streamEnded(peer) : endReason(outcome, intake, peer);
}

function silence(config: TetragonConfig): LannerError {
  return new LannerError(
    'stream_silent',
    `Tetragon at ${config.address}: no message for ${config.silence_secs} s, though the agent answers`,
    'If no container on this node starts a program for so long, raise silence_secs; else look into the agent.',
  );
}

function streamEnded(peer: Peer): LannerError {
  return new LannerError(
    'stream_ended',
    `Tetragon at ${peer.endpoint.address}: the stream ended`,
    'Lanner reconnects by itself.',
  );
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function endReason(failure: GrpcStatus, intake: Intake, peer: Peer): Promise<LannerError> | LannerError {
  if (failure.code === status.RESOURCE_EXHAUSTED && /larger than max/.test(failure.details ?? '')) {
    intake.counts.messages += 1;
    intake.unreadable('oversized', failure.details ?? '');
  }
  if (failure.code === status.UNKNOWN)
    return new LannerError(
      'filter_rejected',
      `Tetragon at ${peer.endpoint.address}: it rejected the request: ${failure.details ?? ''}`,
      'Correct the filters of this source (allow, deny, field_filters): the agent says which one.',
    );
  return diagnoseGrpcError(failure, peer);
}

/**
 * Asks GetHealth on a timer: pings faster than every five minutes are punished by the agent, unary calls are
 * not, and they travel the same connection. Resolves with the trouble, if any comes.
 */
async function watchLiveness(
  one: Session,
  client: Client,
  signal: AbortSignal,
  last: () => number,
  peer: Peer,
): Promise<LannerError | undefined> {
  const { config } = one;
  const silenceMs = config.silence_secs * 1000;
  const everyMs = Math.min(
    config.liveness_secs * 1000,
    silenceMs > 0 ? silenceMs / 2 : Number.POSITIVE_INFINITY,
  );
  while (!signal.aborted) {
    await wait(everyMs, signal);
    if (signal.aborted) return undefined;
    try {
      await unary(client, tetragonProtocol().getHealth, config.connect_timeout_secs, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      return diagnoseGrpcError(error as GrpcStatus, peer);
    }
    if (silenceMs > 0 && one.now() - last() >= silenceMs) return silence(config);
  }
  return undefined;
}
