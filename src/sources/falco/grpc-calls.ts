import type { Client, ClientDuplexStream, StatusObject } from '@grpc/grpc-js';
import type { Intake } from '../../model/intake.ts';
import { wait } from '../backoff.ts';
import { grpcStatus } from '../grpc-status.ts';
import type { FalcoGrpcConfig } from './config.ts';

export const empty = Buffer.alloc(0);
/** Bytes as they came, never null: grpc-js would end the stream without a word. */
export const identity = (bytes: Buffer): Buffer => bytes;

const getMethod = '/falco.outputs.service/get';
const subMethod = '/falco.outputs.service/sub';
/** When we stop, what Falco has taken out of its queue for us is waited for: it keeps no copy. */
const DRAIN_MS = 5_000;
/** Longest pause between two messages of the rest. */
const GET_QUIET_MS = 1_000;
const SUB_QUIET_MS = 200;
/** While `sub` runs, silence is normal: Falco is asked whether it answers this often. */
const LIVENESS_MS = 10_000;

/** How a call ended. */
export interface Answered {
  code: number;
  details: string;
  answer?: Buffer;
}

export interface Ended extends Answered {
  messages: number;
}

export interface RunOptions {
  config: FalcoGrpcConfig;
  intake: Intake;
  signal: AbortSignal;
  onMessage: (bytes: Buffer) => void;
  onUp: () => void;
  /** A unary call that shows whether Falco still answers. */
  alive: () => Promise<Answered>;
}

/** `get` in a loop: quick while alerts come, slower the longer none comes. Ends with the first failure. */
export async function poll(channel: Client, options: RunOptions): Promise<Ended> {
  const { config, intake, signal, onUp } = options;
  let interval = config.poll_min_ms;
  for (;;) {
    const ended = await getOnce(channel, options);
    if (isOversized(ended)) oversized(intake, ended.details);
    else if (ended.code !== grpcStatus.OK) return ended;
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
  return ended.code === grpcStatus.RESOURCE_EXHAUSTED && /larger than/i.test(ended.details);
}

/** Drains Falco's queue once. A call already under way when `signal` aborts may bring what it holds. */
export function getOnce(channel: Client, { config, signal, onMessage }: RunOptions): Promise<Ended> {
  return new Promise((resolve) => {
    const call = channel.makeServerStreamRequest(getMethod, identity, identity, empty);
    let messages = 0;
    const timer = setTimeout(stalled, config.answer_timeout_secs * 1000);
    let reason: string | undefined;
    function stalled(): void {
      reason = `no answer for ${config.answer_timeout_secs} s`;
      call.cancel();
    }
    let settle = () => {};
    const stop = () => {
      settle = whenQuiet(
        GET_QUIET_MS,
        () => messages,
        () => call.cancel(),
      );
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    call.on('data', (bytes: Buffer) => {
      messages += 1;
      timer.refresh();
      onMessage(bytes);
    });
    whenEnded(call, (ended) => {
      clearTimeout(timer);
      settle();
      signal.removeEventListener('abort', stop);
      const code = reason === undefined ? ended.code : grpcStatus.DEADLINE_EXCEEDED;
      resolve({ code, details: reason ?? ended.details, messages });
    });
  });
}

/**
 * `sub` is a poll as well: Falco answers each request message with what is queued and then waits for the next.
 * Requests go on a timer; the sending side is never closed, since Falco would then neither send nor end.
 */
export function subscribe(channel: Client, options: RunOptions): Promise<Ended> {
  const { config, intake, signal, onMessage, onUp, alive } = options;
  return new Promise((resolve) => {
    const call: ClientDuplexStream<Buffer, Buffer> = channel.makeBidiStreamRequest(
      subMethod,
      identity,
      identity,
    );
    let messages = 0;
    let settle = () => {};
    let dead: Answered | undefined;
    const request = setInterval(() => {
      // Falco reads the next request only when it has sent everything: unread requests must not pile up.
      if (call.writableLength === 0) call.write(empty);
    }, config.poll_min_ms);
    const check = async () => {
      const answer = await alive();
      if (answer.code === grpcStatus.OK) return onUp();
      dead = answer;
      call.cancel();
    };
    const liveness = setInterval(() => void check(), LIVENESS_MS);
    const stop = () => {
      clearInterval(request);
      settle = whenQuiet(
        SUB_QUIET_MS,
        () => messages,
        () => call.cancel(),
      );
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    call.on('data', (bytes: Buffer) => {
      messages += 1;
      onMessage(bytes);
    });
    whenEnded(call, (ended) => {
      clearInterval(request);
      clearInterval(liveness);
      settle();
      signal.removeEventListener('abort', stop);
      if (isOversized({ ...ended, messages })) oversized(intake, ended.details);
      resolve({ ...(dead ?? ended), messages });
    });
    call.write(empty);
    void check();
  });
}

/**
 * Calls `done` once `count` has stood still for `quietMs`, or after `DRAIN_MS`; the function it gives calls that
 * off. After a stall of this process timers run before what came meanwhile is read, so the count is looked at
 * again behind the reading.
 */
function whenQuiet(quietMs: number, count: () => number, done: () => void): () => void {
  const began = Date.now();
  let timer: NodeJS.Timeout | undefined;
  let last = count();
  const look = () =>
    setImmediate(() => {
      if (timer === undefined) return;
      if (count() === last || Date.now() - began > DRAIN_MS) return done();
      last = count();
      timer = setTimeout(look, quietMs);
    });
  timer = setTimeout(look, quietMs);
  return () => {
    clearTimeout(timer);
    timer = undefined;
  };
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
