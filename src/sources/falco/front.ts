import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { answerWriter } from './answers.ts';
import type { Receiver } from './receiver.ts';
import { isSameHead, MAX_HEAD, newHead, readHead } from './request-head.ts';

/** A longer request is left to node:http. */
const MAX_BYTES = 65_536;
/** So is one that comes in more pieces: putting together costs more with each. */
const MAX_PIECES = 64;

export interface FrontOptions {
  receiver: Receiver;
  maxBodyBytes: number;
  /** A request must be whole within so many milliseconds. */
  requestMs: number;
  /** A connection is closed when nothing came for so many milliseconds. */
  keepAliveMs: number;
  /** How often is looked for either. */
  checkEveryMs: number;
  /** Once it has aborted, each answer closes its connection. */
  signal: AbortSignal;
}

/**
 * Stands before node:http and reads what Falco and falcosidekick send, whole requests of one simple shape, for half of
 * what node:http takes. A connection that brings anything else is handed to node:http for good, with the bytes that
 * came: it tells what is wrong with them. Nothing of a request has been acted upon by then.
 */
export interface Front {
  /** Begins to look for what comes too late. */
  start(): void;
  stop(): void;
  /** Reads this connection from now on. `handOver` has node:http do so; it must be called with nothing read. */
  take(socket: Socket, handOver: () => void): void;
  /** Closes connections on which nothing is under way; the others close with their answer. */
  closeIdle(): void;
  closeAll(): void;
}

interface Connection {
  /** Looks whether it has waited too long for what should come. */
  check(now: number): void;
  isIdle(): boolean;
  destroy(): void;
}

export function openFront(options: FrontOptions): Front {
  const connections = new Set<Connection>();
  const write = answerWriter(options.keepAliveMs);
  let timer: NodeJS.Timeout | undefined;
  const check = () => {
    const now = performance.now();
    for (const one of connections) one.check(now);
  };
  return {
    start() {
      timer = setInterval(check, options.checkEveryMs).unref();
    },
    stop: () => clearInterval(timer),
    take: (socket, handOver) => serve(options, connections, write, socket, handOver),
    closeIdle() {
      for (const one of connections) if (one.isIdle()) one.destroy();
    },
    closeAll() {
      for (const one of connections) one.destroy();
    },
  };
}

const nothing: Buffer = Buffer.alloc(0);

/** One connection, one request at a time. */
function serve(
  { receiver, maxBodyBytes, requestMs, keepAliveMs, signal }: FrontOptions,
  connections: Set<Connection>,
  write: ReturnType<typeof answerWriter>,
  socket: Socket,
  handOver: () => void,
): void {
  const head = newHead();
  /** The last head that was read and is for our path. */
  let known = nothing;
  const most = Math.min(MAX_BYTES - MAX_HEAD, maxBodyBytes);
  /** Of a request that is not whole yet, or came before the answer to the one before it. */
  let pieces: Buffer[] = [];
  let bytes = 0;
  /** Bytes of the whole request once its head is known, else 0. */
  let wanted = 0;
  let current = nothing;
  let answering = false;
  let hasEnded = false;
  let isNew = true;
  /** When the request began, or since when nothing is under way. */
  let since = performance.now();

  const connection: Connection = {
    check(now) {
      if (answering) return;
      if (pieces.length > 0 || isNew) {
        if (now - since > requestMs) giveUp('408 Request Timeout');
      } else if (since === 0) since = now;
      else if (now - since > keepAliveMs) socket.destroy();
    },
    isIdle: () => !answering && pieces.length === 0,
    destroy: () => void socket.destroy(),
  };
  const exchange = {
    contentType: () =>
      head.typeTo === 0 ? undefined : current.toString('latin1', head.typeFrom, head.typeTo),
    answer,
  };

  function onData(chunk: Buffer): void {
    if (answering || pieces.length > 0) gather(chunk);
    else take(chunk);
  }

  /** `request`: everything that came since the last answer. */
  function take(request: Buffer): void {
    const found = headOf(request);
    if (found === 'part') wait(request);
    else if (found === 'other' || head.length > most) leave(request);
    else {
      wanted = head.size + head.length;
      if (request.length === wanted) begin(request);
      else if (request.length < wanted) wait(request);
      else leave(request);
    }
  }

  function headOf(request: Buffer): ReturnType<typeof readHead> {
    if (known.length > 0 && isSameHead(request, known, head)) return 'whole';
    known = nothing;
    const found = readHead(request, head);
    if (found === 'whole' && !receiver.isPath(head.url)) return 'other';
    if (found === 'whole') known = Buffer.from(request.subarray(0, head.size));
    return found;
  }

  function begin(request: Buffer): void {
    reset();
    isNew = false;
    answering = true;
    current = request;
    receiver.take(request.subarray(head.size), exchange);
  }

  function wait(request: Buffer): void {
    if (pieces.length === 0) since = performance.now();
    pieces = [request];
    bytes = request.length;
  }

  function gather(chunk: Buffer): void {
    pieces.push(chunk);
    bytes += chunk.length;
    // Nobody is known to send a request before the last was answered.
    if (answering) socket.pause();
    else if (pieces.length > MAX_PIECES) leave(Buffer.concat(pieces));
    else if (bytes >= wanted) take(Buffer.concat(pieces));
  }

  function reset(): void {
    pieces = [];
    bytes = 0;
    wanted = 0;
  }

  function answer(code: number, reason?: string): void {
    answering = false;
    current = nothing;
    since = 0;
    if (socket.destroyed) return;
    const closes = signal.aborted || hasEnded;
    const isTaken = socket.write(write(code, reason, closes), reason === undefined ? 'latin1' : 'utf8');
    if (closes) socket.destroySoon();
    else if (pieces.length > 0) leave(Buffer.concat(pieces));
    else if (!isTaken) socket.pause().once('drain', () => socket.resume());
  }

  /** To node:http, for good. */
  function leave(request: Buffer): void {
    reset();
    forget();
    socket.pause();
    if (request.length > 0) socket.unshift(request);
    handOver();
    socket.resume();
  }

  /** As node:http answers a request that will never be whole. */
  function giveUp(status: string): void {
    breakOff();
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    socket.destroy();
  }

  /** Counts a request whose body had begun; what is no request yet is not counted. */
  function breakOff(): void {
    const isBody = wanted > 0;
    reset();
    if (isBody) receiver.broken();
  }

  function onEnd(): void {
    hasEnded = true;
    if (answering) return;
    if (pieces.length > 0) giveUp('400 Bad Request');
    else socket.end();
  }

  function onClose(): void {
    forget();
    if (!answering) breakOff();
  }

  function forget(): void {
    connections.delete(connection);
    Reflect.deleteProperty(socket, 'push');
    socket.off('data', onData).off('end', onEnd).off('close', onClose).off('error', ignore);
  }

  connections.add(connection);
  takeChunks(socket, onData);
  socket.on('data', onData).on('end', onEnd).on('close', onClose).on('error', ignore);
}

/** Takes chunks where node hands them in, unless others wait in the read queue. Whoever takes no more removes `push`. */
function takeChunks(socket: Socket, take: (chunk: Buffer) => void): void {
  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
    const isNext = socket.readableFlowing === true && socket.readableLength === 0 && !socket.destroyed;
    if (!isNext || !Buffer.isBuffer(chunk)) return push(chunk, encoding);
    take(chunk);
    return true;
  };
}

/** 'close' follows. */
function ignore(): void {}
