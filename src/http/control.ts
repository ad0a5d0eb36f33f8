import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { LannerError, messageOf } from '../lib/errors.ts';
import { openLineStream } from './line-stream.ts';

/** What a command may ask of a running Lanner, by name; input and answer are JSON, or an answer that goes on. */
export type ControlHandlers = Record<string, (input: never) => unknown>;

/** An answer that goes on: lines until the asker leaves. A slow asker never holds up whoever sends. */
export class LiveAnswer {
  /** Begins; the result ends it. */
  readonly follow: (send: (line: string) => void) => () => void;
  /** Hears how many lines were dropped for an asker who reads too slowly. */
  readonly dropped: (count: number) => void;
  constructor(follow: LiveAnswer['follow'], dropped: LiveAnswer['dropped']) {
    this.follow = follow;
    this.dropped = dropped;
  }
}

const largestInput = 1_048_576;

/**
 * Serves commands on a unix socket that only its owner may open. A socket left by a process that was killed is
 * replaced: the caller holds the lock of the directory. Throws LannerError `listen_failed`.
 */
export async function serveControl(
  path: string,
  handlers: ControlHandlers,
): Promise<{ close(): Promise<void> }> {
  await rm(path, { force: true });
  const server = createServer((asked, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    asked.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > largestInput) asked.destroy();
      else chunks.push(chunk);
    });
    asked.on('end', () => {
      answer(handlers, (asked.url ?? '').slice(1), Buffer.concat(chunks).toString()).then(
        (value) => {
          if (value instanceof LiveAnswer) goOn(value, response);
          else response.writeHead(200).end(JSON.stringify({ value }));
        },
        (error: unknown) => {
          const code = error instanceof LannerError ? { code: error.code, mend: error.mend } : {};
          response.writeHead(400).end(JSON.stringify({ error: { message: messageOf(error), ...code } }));
        },
      );
    });
    asked.on('error', () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new LannerError(
          'listen_failed',
          `${path}: ${error.message}`,
          'Check state_dir: its path may have at most some 90 characters.',
          {
            cause: error,
          },
        ),
      ),
    );
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The first line is empty: it says that the answer has begun. */
function goOn(live: LiveAnswer, response: ServerResponse): void {
  response.writeHead(200);
  const lossLine = (dropped: number) => JSON.stringify({ schema: 'lanner.tail/v1', dropped });
  const stream = openLineStream(response, lossLine, live.dropped);
  stream.send('');
  response.on('close', live.follow(stream.send));
}

async function answer(handlers: ControlHandlers, name: string, body: string): Promise<unknown> {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (!handler)
    throw new LannerError(
      'control_unknown',
      `this Lanner knows no command ${name}`,
      'Use the same version for both.',
    );
  return (await handler((body === '' ? undefined : JSON.parse(body)) as never)) ?? null;
}

/**
 * Asks a running Lanner. Undefined if none listens at the path. Throws what the handler threw, as LannerError
 * where it was one; `socket_permission` if the socket is another user's.
 */
export async function askControl(
  path: string,
  name: string,
  input?: unknown,
  timeoutMs = 30_000,
): Promise<{ value: unknown } | undefined> {
  const body = input === undefined ? '' : JSON.stringify(input);
  let reply: { value: unknown } | { error: { message: string; code?: string; mend?: string } };
  try {
    reply = JSON.parse(await post(path, name, body, timeoutMs)) as typeof reply;
  } catch (error) {
    if (nobodyListens(path, error)) return undefined;
    throw error;
  }
  if ('value' in reply) return reply;
  throw thrown(reply.error);
}

function thrown({ message, code, mend }: { message: string; code?: string; mend?: string }): Error {
  return code === undefined ? new Error(message) : new LannerError(code, message, mend ?? '');
}

/** Throws `socket_permission` where it is another user's socket. */
function nobodyListens(path: string, error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ECONNREFUSED') return true;
  if (code !== 'EACCES') return false;
  throw new LannerError(
    'socket_permission',
    `${path} may not be opened by this user`,
    'Run the command as the user that Lanner runs as.',
    { cause: error },
  );
}

/**
 * Follows an answer that goes on, until that Lanner goes away or `signal` aborts: `gone`, or `nobody` if none
 * listened. `begin` is awaited before the first line, and each line before the next. Throws as `askControl`.
 */
export async function followControl(
  path: string,
  name: string,
  input: unknown,
  signal: AbortSignal,
  hear: { begin(): Promise<void>; line(text: string): Promise<void> },
): Promise<'nobody' | 'gone'> {
  let response: IncomingMessage;
  try {
    response = await begun(path, name, JSON.stringify(input), signal);
  } catch (error) {
    if (signal.aborted) return 'gone';
    if (nobodyListens(path, error)) return 'nobody';
    throw error;
  }
  const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of lines) {
      if (response.statusCode !== 200)
        throw thrown((JSON.parse(line) as { error: { message: string } }).error);
      await (line === '' ? hear.begin() : hear.line(line));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!signal.aborted && code !== 'ECONNRESET') throw error;
  }
  return 'gone';
}

function begun(
  socketPath: string,
  name: string,
  body: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: `/${name}`, method: 'POST', signal }, resolve);
    asking.on('error', reject);
    asking.end(body);
  });
}

function post(socketPath: string, name: string, body: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request(
      { socketPath, path: `/${name}`, method: 'POST', timeout: timeoutMs },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString()));
        response.on('error', reject);
      },
    );
    asking.on('timeout', () => asking.destroy(new Error('the running Lanner does not answer')));
    asking.on('error', reject);
    asking.end(body);
  });
}
