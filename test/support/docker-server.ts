import { readFileSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';

const folder = new URL('../fixtures/containers/docker/', import.meta.url);

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T;
}

type Json = { Id: string; [key: string]: unknown };

export interface DockerServer {
  readonly socket: string;
  readonly containers: Map<string, Json>;
  readonly images: Map<string, Json>;
  version: object;
  readonly calls: Record<string, number>;
  delay: number | 'never';
  /** Answer inspections with this status. */
  fail: number | undefined;
  event(action: string, id: string): void;
  subscribers(): number;
  /** Ends the event streams as a daemon that stops does. */
  endStreams(): void;
  stop(): Promise<void>;
}

/** A real HTTP server on a unix socket with the recorded answers of dockerd 20.10. */
export async function startDockerServer(socket: string): Promise<DockerServer> {
  const containers = ['containers.lab-tools.json', 'containers.lab-web-worker.json'].map((name) =>
    read<Json>(name),
  );
  const images = ['images.by-id.lab-tools.json', 'images.by-id.lab-web-worker.json'].map((name) =>
    read<Json>(name),
  );
  const streams = new Set<ServerResponse>();
  const it: DockerServer = {
    socket,
    containers: new Map(containers.map((one) => [one.Id, one])),
    images: new Map(images.map((one) => [one.Id, one])),
    version: read('version.json'),
    calls: {},
    delay: 0,
    fail: undefined,
    event(action, id) {
      const line = JSON.stringify({ Type: 'container', Action: action, Actor: { ID: id, Attributes: {} } });
      for (const stream of streams) stream.write(`${line}\n`);
    },
    subscribers: () => streams.size,
    endStreams() {
      for (const stream of streams) stream.end();
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(socket, { force: true });
    },
  };

  const answer = (response: ServerResponse, status: number, body: unknown) => {
    const send = () => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (it.delay === 0) send();
    else if (it.delay !== 'never') setTimeout(send, it.delay);
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://docker');
    const [, kind = '', id = ''] = url.pathname.split('/').map(decodeURIComponent);
    const filters = JSON.parse(url.searchParams.get('filters') ?? '{}') as Record<string, string[]>;
    it.calls[kind] = (it.calls[kind] ?? 0) + 1;
    if (kind === 'version') return answer(response, 200, it.version);
    if (kind === 'events') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      streams.add(response);
      response.on('close', () => streams.delete(response));
      return;
    }
    if (it.fail !== undefined) return answer(response, it.fail, { message: 'something is wrong' });
    if (kind === 'containers' && id === 'json') {
      // As Docker's: the filter is a pattern that may match anywhere.
      const wanted = filters.id?.[0];
      return answer(
        response,
        200,
        [...it.containers.values()].filter((one) => wanted === undefined || one.Id.includes(wanted)),
      );
    }
    const found =
      kind === 'containers' ? it.containers.get(id) : kind === 'images' ? it.images.get(id) : undefined;
    if (found !== undefined) return answer(response, 200, found);
    return answer(response, 404, { message: `No such ${kind}: ${id}` });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return it;
}
