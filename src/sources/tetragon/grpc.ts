import { LannerError } from '../../lib/errors.ts';
import type { CanarySign } from '../../model/canary.ts';
import type { Intake, Source } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import { openBackoff, wait } from '../backoff.ts';
import { type Connection, trackConnection } from '../connection.ts';
import { type Endpoint, parseEndpoint } from '../endpoint.ts';
import { diagnoseGrpcError, type GrpcStatus, type Peer } from '../grpc-errors.ts';
import { grpcStatus } from '../grpc-status.ts';
import { readTlsFiles } from '../tls.ts';
import { watchAgentMetrics } from './agent-metrics.ts';
import { type Carrier, openCarrier } from './carrier.ts';
import { eventsRequest, type TetragonConfig } from './config.ts';
import { earlyTest } from './early.ts';
import { bytesDecoder } from './export.ts';
import type { AgentLink, TakeMessage } from './link.ts';
import { http2Link } from './link-http2.ts';
import { tetragonProtocol } from './protocol.ts';

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
  /** Canaries are subscribed to as well, wherever they run. */
  canary?: CanarySign;
  /** The environment: proxies. */
  env?: Record<string, string | undefined>;
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
    const carrier = openCarrier(name, config, endpoint as Endpoint, deps.log, deps.env ?? process.env);
    let silent = false;
    while (!signal.aborted) {
      const began = now();
      const one: Session = {
        config,
        endpoint: endpoint as Endpoint,
        intake,
        connection,
        onMessage,
        signal,
        now,
        silent,
        carrier,
        canary: deps.canary,
      };
      const reason = await session(one);
      if (signal.aborted) break;
      carrier.ended(reason.code === 'wrong_protocol' ? reason.message : one.odd);
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

function both(tap: (message: Buffer) => void, take: TakeMessage): TakeMessage {
  return (bytes, start, end) => {
    tap(Buffer.from(bytes.subarray(start, end)));
    take(bytes, start, end);
  };
}

interface Session {
  config: TetragonConfig;
  endpoint: Endpoint;
  intake: Intake;
  connection: Connection;
  onMessage: TakeMessage;
  signal: AbortSignal;
  now: () => number;
  /** The stream before this one fell silent: not in order until a message comes. */
  silent: boolean;
  carrier: Carrier;
  /** What the carrier could not read. */
  odd?: string;
  canary: CanarySign | undefined;
}

/** One connection from dial to end; the value says why it ended. */
async function session(one: Session): Promise<LannerError> {
  const { config, endpoint, signal } = one;
  const peer: Peer = { sensor: 'Tetragon', endpoint };
  let link: AgentLink | undefined;
  const close = () => link?.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    if (config.tls !== undefined)
      peer.tls = { ...readTlsFiles(config.tls), server_name: config.tls.server_name };
    link = await openLink(one, peer.tls);
    if (signal.aborted) close();
    const version = await link.version(config.connect_timeout_secs);
    one.carrier.proven();
    one.connection.carriedBy(one.carrier.transport, one.carrier.reason);
    return await stream(one, link, version, peer);
  } catch (error) {
    if (error instanceof LannerError) return error;
    noteOdd(one, error as GrpcStatus);
    return diagnoseGrpcError(error as GrpcStatus, peer);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

function noteOdd(one: Session, failure: GrpcStatus): void {
  if (failure.odd) one.odd = failure.details ?? '';
}

async function openLink({ config, endpoint, carrier }: Session, tls: Peer['tls']): Promise<AgentLink> {
  const { target, path, host, port } = endpoint;
  // grpc-js is loaded when it is used: most never need it.
  const open = carrier.transport === 'http2' ? http2Link : (await import('./link-grpc-js.ts')).grpcJsLink;
  return open({
    target,
    ...(path !== undefined && { path }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    tls,
    maxMessageBytes: config.max_message_bytes,
  });
}

/** Reads until the stream ends, goes silent, the agent stops answering, or `signal` aborts. */
async function stream(one: Session, link: AgentLink, version: string, peer: Peer): Promise<LannerError> {
  const { config, intake, connection, signal } = one;
  let quiet = one.silent;
  const request = tetragonProtocol().getEvents.serialize(eventsRequest(config, one.canary));
  const { ended, cancel } = link.events(request, (bytes, start, end) => {
    if (quiet) {
      quiet = false;
      connection.recovered();
    }
    one.onMessage(bytes, start, end);
  });
  connection.up(intake.counts, version);
  if (quiet) connection.degraded(silence(config));
  const watch = new AbortController();
  const stop = () => watch.abort();
  signal.addEventListener('abort', stop, { once: true });
  const troubled = watchLiveness(one, link, watch.signal, peer);
  const outcome = await Promise.race([ended, troubled, aborted(watch.signal)]);
  signal.removeEventListener('abort', stop);
  stop();
  cancel();
  if (outcome instanceof LannerError) return outcome;
  if (outcome !== undefined) noteOdd(one, outcome);
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
  if (failure.code === grpcStatus.RESOURCE_EXHAUSTED && /larger than max/.test(failure.details ?? '')) {
    intake.counts.messages += 1;
    intake.unreadable('oversized', failure.details ?? '');
  }
  if (failure.code === grpcStatus.UNKNOWN)
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
  link: AgentLink,
  signal: AbortSignal,
  peer: Peer,
): Promise<LannerError | undefined> {
  const { config, intake } = one;
  let heard = intake.counts.messages;
  let last = one.now();
  const silenceMs = config.silence_secs * 1000;
  const everyMs = Math.min(
    config.liveness_secs * 1000,
    silenceMs > 0 ? silenceMs / 2 : Number.POSITIVE_INFINITY,
  );
  while (!signal.aborted) {
    await wait(everyMs, signal);
    if (signal.aborted) return undefined;
    try {
      await link.health(config.connect_timeout_secs);
    } catch (error) {
      if (signal.aborted) return undefined;
      return diagnoseGrpcError(error as GrpcStatus, peer);
    }
    // Looked at here, so that no message costs a look at the clock.
    if (intake.counts.messages !== heard) {
      heard = intake.counts.messages;
      last = one.now();
    } else if (silenceMs > 0 && one.now() - last >= silenceMs) return silence(config);
  }
  return undefined;
}
