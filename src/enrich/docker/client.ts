import { Pool } from 'undici';
import { LannerError } from '../../lib/errors.ts';
import { socketError } from '../unix-socket.ts';
import type { ContainerInspect, DockerEvent, ImageInspect, ListedContainer, Version } from './messages.ts';

const maxAnswerBytes = 16 * 1024 * 1024;
const maxEventLine = 1024 * 1024;

/** The requests Lanner makes. Each rejects when `signal` aborts; `undefined`: there is no such thing. */
export interface DockerClient {
  version(signal: AbortSignal): Promise<Version>;
  /** Running containers, or those in any state whose id begins with `prefix`. */
  list(prefix: string | undefined, signal: AbortSignal): Promise<ListedContainer[]>;
  container(id: string, signal: AbortSignal): Promise<ContainerInspect | undefined>;
  image(id: string, signal: AbortSignal): Promise<ImageInspect | undefined>;
  /** Calls `onEvent` for containers that start, die and are removed, until the stream ends. */
  events(onEvent: (event: DockerEvent) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Docker or Podman on a unix socket, without a version in the path: the daemon's own is right. */
export function openDockerClient(socket: string): DockerClient {
  const pool = new Pool('http://localhost', {
    connect: { socketPath: socket, timeout: 5000 },
    connections: 32,
    maxResponseSize: maxAnswerBytes,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 10_000,
  });
  // The stream has no end, so the limit on an answer's size would cut it.
  const streams = new Pool('http://localhost', {
    connect: { socketPath: socket, timeout: 5000 },
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  const get = async <T>(path: string, signal: AbortSignal): Promise<T | undefined> => {
    const answer = await pool.request({ method: 'GET', path, signal });
    if (answer.statusCode === 200) return (await answer.body.json()) as T;
    const text = (await answer.body.text()).slice(0, 200);
    if (answer.statusCode === 404) return undefined;
    throw new LannerError(
      'runtime_failed',
      `${socket} answered ${answer.statusCode} to ${path}: ${text}`,
      'look into the log of the daemon',
    );
  };

  const must = async <T>(path: string, signal: AbortSignal): Promise<T> => {
    const answer = await get<T>(path, signal);
    if (answer !== undefined) return answer;
    throw new LannerError(
      'wrong_service',
      `${socket} is no Docker API: it has no ${path}`,
      'name another socket',
    );
  };

  return {
    version: (signal) => must('/version', signal),
    list(prefix, signal) {
      if (prefix === undefined) return must('/containers/json', signal);
      return must(`/containers/json?all=1&filters=${filters({ id: [prefix] })}`, signal);
    },
    container: (id, signal) => get(`/containers/${encodeURIComponent(id)}/json`, signal),
    image: (id, signal) => get(`/images/${encodeURIComponent(id)}/json`, signal),
    async events(onEvent, signal) {
      const wanted = { type: ['container'], event: ['start', 'die', 'destroy'] };
      const answer = await streams.request({
        method: 'GET',
        path: `/events?filters=${filters(wanted)}`,
        signal,
      });
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw new LannerError(
          'runtime_failed',
          `${socket}: /events ${answer.statusCode}`,
          'look into its log',
        );
      }
      await readLines(answer.body, (line) => {
        const event = parseEvent(line);
        if (event !== undefined) onEvent(event);
      });
    },
    async close() {
      await Promise.all([pool.destroy(), streams.destroy()]);
    },
  };
}

function filters(value: Record<string, string[]>): string {
  return encodeURIComponent(JSON.stringify(value));
}

async function readLines(body: AsyncIterable<Buffer>, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  for await (const chunk of body) {
    rest += chunk.toString('utf8');
    const lines = rest.split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') onLine(line);
    if (rest.length > maxEventLine) throw new Error('an event is larger than 1 MiB');
  }
}

function parseEvent(line: string): DockerEvent | undefined {
  try {
    return JSON.parse(line) as DockerEvent;
  } catch {
    return undefined;
  }
}

/** What an operator should hear of a failed request. */
export function requestError(socket: string, error: unknown): LannerError {
  return error instanceof LannerError ? error : socketError(socket, error);
}
