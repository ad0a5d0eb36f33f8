import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { GrpcStatus } from '../grpc-errors.ts';
import { grpcStatus } from '../grpc-status.ts';
import { deframer, frameHead } from './grpc-frames.ts';
import { type AgentLink, type EventStream, type LinkOptions, type TakeMessage, windowBytes } from './link.ts';
import { tetragonProtocol } from './protocol.ts';

/**
 * A link on node:http2, for the one hot stream: gRPC's messages are read from the data frames themselves,
 * without a copy and without a pause for each.
 *
 * Status comes from the trailers (or from the headers of an answer without body); a stream or connection that
 * ends without one is UNAVAILABLE. All calls share one connection, so that a unary call proves that the stream's
 * connection lives.
 */
export function http2Link(options: LinkOptions): AgentLink {
  const session = openSession(options);
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

  function call(path: string, request: Buffer, onMessage: TakeMessage): EventStream {
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
    const ended = readCall(stream, options.maxMessageBytes, onMessage, () => lost);
    stream.end(Buffer.concat([frameHead(request.length), request]));
    return { ended, cancel: () => stream.close(constants.NGHTTP2_CANCEL) };
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
    events: (request, onMessage) => call(tetragonProtocol().getEvents.path, request, onMessage),
    close: () => session.destroy(),
  };
}

const closed: GrpcStatus = { code: grpcStatus.UNAVAILABLE, details: 'the connection was closed' };

function openSession(options: LinkOptions): ClientHttp2Session {
  const settings = { initialWindowSize: windowBytes, enablePush: false };
  const { path, host = 'localhost', port, tls } = options;
  if (path !== undefined)
    return connect('http://localhost', { settings, createConnection: () => connectSocket(path) });
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (tls === undefined) return connect(`http://${at}`, { settings });
  return connect(`https://${at}`, {
    settings,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.server_name !== undefined && { servername: tls.server_name }),
  });
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
): Promise<GrpcStatus> {
  return new Promise((resolve) => {
    let outcome: GrpcStatus | undefined;
    const settle = (found: GrpcStatus) => {
      outcome ??= found;
    };
    const fail = (code: number, details: string) => {
      settle({ code, details, odd: code !== grpcStatus.RESOURCE_EXHAUSTED });
      stream.close(constants.NGHTTP2_CANCEL);
    };
    stream.on('response', (headers) => {
      const problem = answerProblem(headers);
      if (problem !== undefined) fail(problem.code ?? grpcStatus.UNKNOWN, problem.details ?? '');
      else if (headers['grpc-status'] !== undefined) settle(statusFrom(headers));
    });
    takeChunks(stream, deframer(maxBytes, onMessage, fail));
    stream.on('trailers', (headers) => settle(statusFrom(headers)));
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (lost() === undefined)
        settle({ code: grpcStatus.UNAVAILABLE, details: `${error.code ?? ''} ${error.message}` });
    });
    stream.on('close', () => {
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

/**
 * Takes a stream's chunks where node hands them in, before they pass its read queue, which costs a sixth of the
 * whole and queues nothing here: the stream is never paused. Should node hand them in elsewhere one day, they come
 * as data events.
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
