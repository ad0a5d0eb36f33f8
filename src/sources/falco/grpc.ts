import {
  Client,
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { LannerError } from '../../lib/errors.ts';
import { utf8, Walk } from '../../lib/wire.ts';
import type { Intake, Source } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import { openBackoff, wait } from '../backoff.ts';
import { trackConnection } from '../connection.ts';
import { type Endpoint, parseEndpoint } from '../endpoint.ts';
import { diagnoseGrpcError, type Peer } from '../grpc-errors.ts';
import { channelCredentials, readTlsFiles, tlsChannelOptions } from '../tls.ts';
import type { FalcoGrpcConfig } from './config.ts';
import { versionResponseFields } from './fields.ts';
import { openFalcoReader } from './reader.ts';

export interface FalcoDeps {
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

const methods = {
  get: '/falco.outputs.service/get',
  sub: '/falco.outputs.service/sub',
  version: '/falco.version.service/version',
  tetragon: '/tetragon.FineGuidanceSensors/GetVersion',
};
const empty = Buffer.alloc(0);
const identity = (bytes: Buffer): Buffer => bytes;
/** When we stop, what Falco has taken out of its queue for us is waited for this long: it keeps no copy. */
const DRAIN_MS = 1_000;
/** While `sub` runs, silence is normal: Falco is asked for its version this often. */
const LIVENESS_MS = 10_000;
const REMOVED =
  'Falco 0.44 and later has no gRPC output: set http_output in falco.yaml to a Lanner source of type falco_http instead.';

/**
 * Alerts from Falco's gRPC output (Falco up to 0.43), by `get` in a loop or by `sub`.
 *
 * Falco has one queue for all its gRPC clients and keeps nothing: an alert goes to one client only, and one that
 * was on its way when the connection broke is lost. What is raised while nobody is connected waits in the queue.
 * Both methods end with status OK when Falco reloads or stops; that is no end for us.
 */
export function openFalcoGrpc(name: string, config: FalcoGrpcConfig, deps: FalcoDeps): Source {
  const endpoint = parseEndpoint(config.address);
  if (typeof endpoint === 'string')
    throw new LannerError('config_invalid', `sources.${name}.address: ${endpoint}`, 'Correct the address.');
  const connection = trackConnection(name, 'falco_grpc', { log: deps.log, now: deps.now ?? Date.now });

  return {
    name,
    type: 'falco_grpc',
    health: connection.health,
    async run(intake, signal) {
      const take = taker(name, intake, deps, () => connection.health().sensor_version);
      const backoff = openBackoff({
        ...(deps.backoff ?? { first_ms: 500, max_ms: config.backoff_max_secs * 1000 }),
        random: deps.random ?? Math.random,
      });
      deps.log.info('Falco hands each alert to one gRPC client only: no other may read the same Falco', {
        source: name,
      });
      while (!signal.aborted) {
        const session = openSession(endpoint, config, intake);
        let isUp = false;
        const reason = await session.read(signal, take, (version) => {
          if (isUp) return;
          isUp = true;
          backoff.reset();
          connection.up(intake.counts, version);
        });
        session.close();
        if (signal.aborted) break;
        connection.down(intake.counts, reason);
        await wait(backoff.next(), signal);
      }
      connection.stopped();
    },
  };
}

function taker(
  source: string,
  intake: Intake,
  { log, tap }: FalcoDeps,
  version: () => string | undefined,
): (message: Buffer) => void {
  let warned = false;
  const onJsonOutput = () => {
    if (warned) return;
    warned = true;
    warnOfJsonOutput(source, log, version());
  };
  const reader = openFalcoReader({ source, intake, log, onJsonOutput });
  return (message) => {
    tap?.(message);
    reader.message(message);
  };
}

function warnOfJsonOutput(source: string, log: Log, version: string | undefined): void {
  log.warn(
    'DANGER: this Falco runs with json_output: true, and up to 0.43 it then EXITS when a rule prints invalid UTF-8, as an attacker can make ours do',
    {
      source,
      code: 'falco_json_danger',
      ...(version !== undefined && { sensor_version: version }),
      mend: 'set json_output: false in falco.yaml (the gRPC output does not need it), or update to Falco 0.44 and use http_output',
    },
  );
}

/** One connection, from the first call to the first failure. */
interface Session {
  /** Reads until something fails or `signal` aborts; gives the reason. Never rejects. */
  read(
    signal: AbortSignal,
    onMessage: (bytes: Buffer) => void,
    onUp: (version: string | undefined) => void,
  ): Promise<LannerError>;
  close(): void;
}

/** How a call ended. */
interface Answered {
  code: number;
  details: string;
  answer?: Buffer;
}

interface Ended extends Answered {
  messages: number;
}

function openSession(endpoint: Endpoint, config: FalcoGrpcConfig, intake: Intake): Session {
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
          const ended = { code: error?.code ?? status.OK, details: error?.details ?? '' };
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
            ? { code: status.OK, details: '' }
            : { code: status.DEADLINE_EXCEEDED, details: error.message },
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
    if (ended.code !== status.UNIMPLEMENTED) return diagnoseGrpcError(ended, peer);
    const tetragon = version === undefined ? await unary(channel, methods.tetragon, signal) : undefined;
    if (tetragon?.code === status.OK) return diagnoseGrpcError(ended, peer);
    return new LannerError(
      'falco_grpc_removed',
      `Falco at ${endpoint.address}: it does not offer falco.outputs.service${version === undefined ? '' : ` (version ${version})`}`,
      REMOVED,
    );
  }

  return {
    async read(signal, onMessage, onUp) {
      try {
        const channel = connect();
        const { answer, ...ended } = await unary(channel, methods.version, signal);
        const version = ended.code === status.OK ? versionOf(answer) : undefined;
        if (ended.code !== status.OK && ended.code !== status.UNIMPLEMENTED)
          return await diagnoseGrpcError(ended, peer);
        const options: RunOptions = {
          config,
          intake,
          signal,
          onMessage,
          onUp: () => onUp(version),
          alive: () => (version === undefined ? ready(channel) : unary(channel, methods.version, signal)),
        };
        // A server that tells no version may be any: `get` shows whether it is one of Falco's.
        if (version === undefined) {
          const tried = await getOnce(channel, options);
          if (tried.code !== status.OK) return await failure(channel, tried, version, signal);
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

interface RunOptions {
  config: FalcoGrpcConfig;
  intake: Intake;
  signal: AbortSignal;
  onMessage: (bytes: Buffer) => void;
  onUp: () => void;
  /** A unary call that shows whether Falco still answers. */
  alive: () => Promise<Answered>;
}

/** `get` in a loop: quick while alerts come, slower the longer none comes. Ends with the first failure. */
async function poll(channel: Client, options: RunOptions): Promise<Ended> {
  const { config, intake, signal, onUp } = options;
  let interval = config.poll_min_ms;
  for (;;) {
    const ended = await getOnce(channel, options);
    if (isOversized(ended)) oversized(intake, ended.details);
    else if (ended.code !== status.OK) return ended;
    onUp();
    if (signal.aborted) return ended;
    interval = ended.messages > 0 ? config.poll_min_ms : Math.min(config.poll_max_ms, interval * 2);
    await wait(interval, signal);
    if (signal.aborted) return ended;
  }
}

function oversized(intake: Intake, details: string): void {
  intake.counts.messages += 1;
  intake.unreadable('oversized', details);
}

function isOversized(ended: Ended): boolean {
  return ended.code === status.RESOURCE_EXHAUSTED && /larger than/i.test(ended.details);
}

/** Drains Falco's queue once. A call already under way when `signal` aborts may bring what it holds. */
function getOnce(channel: Client, { config, signal, onMessage }: RunOptions): Promise<Ended> {
  return new Promise((resolve) => {
    const call = channel.makeServerStreamRequest(methods.get, identity, identity, empty);
    let messages = 0;
    const timer = setTimeout(stalled, config.answer_timeout_secs * 1000);
    let reason: string | undefined;
    function stalled(): void {
      reason = `no answer for ${config.answer_timeout_secs} s`;
      call.cancel();
    }
    let drain: NodeJS.Timeout | undefined;
    const stop = () => {
      drain = setTimeout(() => call.cancel(), DRAIN_MS);
    };
    signal.addEventListener('abort', stop, { once: true });
    call.on('data', (bytes: Buffer) => {
      messages += 1;
      timer.refresh();
      onMessage(bytes);
    });
    whenEnded(call, (ended) => {
      clearTimeout(timer);
      clearTimeout(drain);
      signal.removeEventListener('abort', stop);
      const code = reason === undefined ? ended.code : status.DEADLINE_EXCEEDED;
      resolve({ code, details: reason ?? ended.details, messages });
    });
  });
}

/**
 * `sub` is a poll as well: Falco answers each request message with what is queued and then waits for the next.
 * Requests go on a timer; the sending side is never closed, since Falco would then neither send nor end.
 */
function subscribe(channel: Client, options: RunOptions): Promise<Ended> {
  const { config, intake, signal, onMessage, onUp, alive } = options;
  return new Promise((resolve) => {
    const call: ClientDuplexStream<Buffer, Buffer> = channel.makeBidiStreamRequest(
      methods.sub,
      identity,
      identity,
    );
    let messages = 0;
    let quiet: NodeJS.Timeout | undefined;
    let dead: Answered | undefined;
    const request = setInterval(() => {
      // Falco reads the next request only when it has sent everything: unread requests must not pile up.
      if (call.writableLength === 0) call.write(empty);
    }, config.poll_min_ms);
    const check = async () => {
      const answer = await alive();
      if (answer.code === status.OK) return onUp();
      dead = answer;
      call.cancel();
    };
    const liveness = setInterval(() => void check(), LIVENESS_MS);
    const stop = () => {
      clearInterval(request);
      quiet = setTimeout(() => call.cancel(), 100);
      setTimeout(() => call.cancel(), DRAIN_MS).unref();
    };
    signal.addEventListener('abort', stop, { once: true });
    call.on('data', (bytes: Buffer) => {
      messages += 1;
      quiet?.refresh();
      onMessage(bytes);
    });
    whenEnded(call, (ended) => {
      clearInterval(request);
      clearInterval(liveness);
      clearTimeout(quiet);
      signal.removeEventListener('abort', stop);
      if (isOversized({ ...ended, messages })) oversized(intake, ended.details);
      resolve({ ...(dead ?? ended), messages });
    });
    call.write(empty);
    void check();
  });
}

/** Calls back once status and the last message are both here, in whatever order they came. */
function whenEnded(
  call: NodeJS.EventEmitter,
  onEnded: (status: { code: number; details: string }) => void,
): void {
  let final: StatusObject | undefined;
  let over = false;
  const look = () => {
    if (final === undefined || !over) return;
    onEnded({ code: final.code, details: final.details });
    final = undefined;
  };
  call.on('error', () => undefined);
  call.on('status', (ended: StatusObject) => {
    final = ended;
    look();
  });
  call.on('end', () => {
    over = true;
    look();
  });
}
