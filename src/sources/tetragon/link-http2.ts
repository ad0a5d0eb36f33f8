import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { GrpcStatus } from '../grpc-errors.ts';
import { grpcStatus } from '../grpc-status.ts';
import { deframer, frameHead } from './grpc-frames.ts';
import { Http2Bypass } from './http2-bypass.ts';
import { type AgentLink, type EventStream, type LinkOptions, type TakeMessage, windowBytes } from './link.ts';
import { tetragonProtocol } from './protocol.ts';

/**
 * A link on node:http2, for the one hot stream: gRPC's messages are read from the data frames themselves,
 * without a copy and without a pause for each, and most data frames never reach node:http2 (http2-bypass.ts).
 *
 * Status comes from the trailers (or from the headers of an answer without body); a stream or connection that
 * ends without one is UNAVAILABLE. All calls share one connection, so that a unary call proves that the stream's
 * connection lives.
 */
export function http2Link(options: LinkOptions): AgentLink {
  const { session, bypass } = openSession(options);
  let lost: GrpcStatus | undefined;
  let connected = false;
  session.on('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(windowBytes);
  });
  // Only an HTTP/2 server sends settings; a connection alone may be to anything.
  session.on('remoteSettings', () => {
    connected = true;
  });
  const lose = (details: string) => {
    lost ??= {
      code: grpcStatus.UNAVAILABLE,
      details: connected ? details : `No connection established. Last error: ${details}. Failed to connect`,
    };
  };
  session.on('error', (error: NodeJS.ErrnoException) => lose(`${error.code ?? ''} ${error.message}`.trim()));
  session.on('goaway', (code: number, _last: number, data?: Buffer) =>
    lose(`the server ended the connection: code ${code} ${data?.toString('utf8') ?? ''}`.trim()),
  );
  session.on('close', () => lose('the connection was closed'));

  /** `hot`: the call whose data goes past the session. */
  function call(path: string, request: Buffer, onMessage: TakeMessage, hot?: Http2Bypass): EventStream {
    if (session.destroyed || session.closed) return { ended: Promise.resolve(lost ?? closed), cancel() {} };
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headersFor(path, options));
    } catch (error) {
      return {
        ended: Promise.resolve({ code: grpcStatus.UNAVAILABLE, details: String(error) }),
        cancel() {},
      };
    }
    const ended = readCall(stream, options.maxMessageBytes, onMessage, () => lost, hot);
    stream.end(Buffer.concat([frameHead(request.length), request]));
    return {
      ended,
      cancel() {
        hot?.stop();
        stream.close(constants.NGHTTP2_CANCEL);
      },
    };
  }

  async function unary(path: string, request: Buffer, timeoutSecs: number): Promise<Buffer> {
    let answer: Buffer | undefined;
    const { ended, cancel } = call(path, request, (bytes, start, end) => {
      answer ??= Buffer.from(bytes.subarray(start, end));
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<GrpcStatus>((resolve) => {
      timer = setTimeout(
        () => resolve({ code: grpcStatus.DEADLINE_EXCEEDED, details: 'Deadline exceeded' }),
        timeoutSecs * 1000,
      );
    });
    const outcome = await Promise.race([ended, late]);
    clearTimeout(timer);
    cancel();
    if (outcome.code !== grpcStatus.OK) throw Object.assign(new Error(outcome.details), outcome);
    return answer ?? Buffer.alloc(0);
  }

  return {
    async version(timeoutSecs) {
      const { getVersion } = tetragonProtocol();
      return getVersion.responseDeserialize(
        await unary(getVersion.path, getVersion.requestSerialize({}), timeoutSecs),
      ).version;
    },
    async health(timeoutSecs) {
      const { getHealth } = tetragonProtocol();
      await unary(getHealth.path, getHealth.requestSerialize({}), timeoutSecs);
    },
    events: (request, onMessage) => call(tetragonProtocol().getEvents.path, request, onMessage, bypass),
    close() {
      bypass.stop();
      session.destroy();
    },
  };
}

const closed: GrpcStatus = { code: grpcStatus.UNAVAILABLE, details: 'the connection was closed' };

function openSession(options: LinkOptions): { session: ClientHttp2Session; bypass: Http2Bypass } {
  const { path, host = 'localhost', port = 0, tls } = options;
  const bypass = new Http2Bypass((reading) => {
    if (path !== undefined) return connectSocket({ path, ...reading });
    if (tls === undefined) return connectSocket({ host, port, noDelay: true, ...reading });
    const { ca, cert, key } = tls;
    const servername = tls.server_name ?? (isIP(host) === 0 ? host : undefined);
    const files = {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    };
    return connectTls({
      ...files,
      ...(servername !== undefined && { servername }),
      host,
      port,
      ALPNProtocols: ['h2'],
      ...reading,
    }).setNoDelay();
  });
  const at = path !== undefined ? 'localhost' : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const session = connect(`${tls === undefined ? 'http' : 'https'}://${at}`, {
    settings: { initialWindowSize: windowBytes, enablePush: false },
    createConnection: () => bypass,
  });
  return { session, bypass };
}

function headersFor(path: string, { tls, path: socket, host, port }: LinkOptions) {
  const authority = tls?.server_name ?? (socket === undefined ? `${host}:${port}` : 'localhost');
  return {
    ':method': 'POST',
    ':path': path,
    ':authority': authority,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    'user-agent': 'lanner',
    'grpc-accept-encoding': 'identity',
  };
}

/** Reads one call to its end. */
function readCall(
  stream: ClientHttp2Stream,
  maxBytes: number,
  onMessage: TakeMessage,
  lost: () => GrpcStatus | undefined,
  hot: Http2Bypass | undefined,
): Promise<GrpcStatus> {
  return new Promise((resolve) => {
    let outcome: GrpcStatus | undefined;
    const settle = (found: GrpcStatus) => {
      outcome ??= found;
    };
    const fail = (code: number, details: string) => {
      settle({ code, details, odd: code !== grpcStatus.RESOURCE_EXHAUSTED });
      hot?.stop();
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const take = deframer(maxBytes, onMessage, fail);
    /** Came in one read with the headers, of which node tells a tick later. */
    let early: Buffer[] | undefined = [];
    if (hot !== undefined) whenNumbered(stream, (id) => hot.watch(id, take));
    stream.on('response', (headers) => {
      const chunks = early ?? [];
      early = undefined;
      const problem = answerProblem(headers);
      if (problem !== undefined) return fail(problem.code ?? grpcStatus.UNKNOWN, problem.details ?? '');
      for (const chunk of chunks) take(chunk, 0, chunk.length);
      if (headers['grpc-status'] !== undefined) settle(statusFrom(headers));
      // A length that was promised is held against what the session sees.
      else if (headers['content-length'] === undefined) hot?.accept();
    });
    takeChunks(stream, (chunk) => {
      hot?.arrived(chunk.length);
      if (early === undefined) take(chunk, 0, chunk.length);
      else early.push(chunk);
    });
    stream.on('trailers', (headers) => settle(statusFrom(headers)));
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (lost() === undefined)
        settle({ code: grpcStatus.UNAVAILABLE, details: `${error.code ?? ''} ${error.message}` });
    });
    stream.on('close', () => {
      hot?.stop();
      const reset = stream.rstCode ?? 0;
      const details = reset === 0 ? 'the stream ended without a status' : `RST_STREAM with code ${reset}`;
      // The connection's own error may be told after the stream's end.
      setImmediate(() => {
        const alive = stream.session !== undefined && !stream.session.destroyed;
        resolve(outcome ?? lost() ?? { code: grpcStatus.UNAVAILABLE, details, odd: reset === 0 && alive });
      });
    });
  });
}

/** A stream has its number once the session is connected. */
function whenNumbered(stream: ClientHttp2Stream, tell: (id: number) => void): void {
  if (stream.id !== undefined) tell(stream.id);
  else stream.once('ready', () => tell(stream.id as number));
}

/**
 * Takes a stream's chunks where node hands them in, before they pass its read queue: nothing queues there, the stream
 * is never paused. Should node hand them in elsewhere one day, they come as data events.
 */
function takeChunks(stream: ClientHttp2Stream, take: (chunk: Buffer) => void): void {
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (!Buffer.isBuffer(chunk) || stream.destroyed) return push(chunk, encoding);
    take(chunk);
    return true;
  };
  stream.on('data', take);
}

/** Why an answer is no gRPC; undefined if it is. */
function answerProblem(headers: IncomingHttpHeaders): GrpcStatus | undefined {
  const code = Number(headers[':status']);
  const type = String(headers['content-type'] ?? '');
  if (code === 200 && type.startsWith('application/grpc')) return undefined;
  if (headers['grpc-status'] !== undefined) return undefined;
  return {
    code: grpcStatus.UNAVAILABLE,
    details: `HTTP/1 or another protocol: status ${code}, content type ${type || 'none'}`,
  };
}

function statusFrom(headers: IncomingHttpHeaders): GrpcStatus {
  if (headers['grpc-status'] === undefined)
    return { code: grpcStatus.UNAVAILABLE, details: 'trailers without grpc-status', odd: true };
  const code = Number(headers['grpc-status']);
  const text = String(headers['grpc-message'] ?? '');
  let details = text;
  try {
    details = decodeURIComponent(text);
  } catch {
    // As it came: a message is for people.
  }
  return { code: Number.isInteger(code) ? code : grpcStatus.UNKNOWN, details };
}
