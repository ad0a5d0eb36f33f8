import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { EnrichHealth } from '../model/enrich.ts';
import type { SourceHealth } from '../model/intake.ts';
import type { HttpConfig } from './config.ts';

/** What the HTTP server shows; asked at each request. */
export interface HttpView {
  health(): HealthReport;
  /** Prometheus text format and its content type. */
  metrics(): Promise<{ body: string; type: string }>;
}

/** Body of /healthz. `degraded` is still 200: the process lives, the reasons say what it lacks. */
export interface HealthReport {
  status: 'ok' | 'degraded';
  version: string;
  sources: SourceHealth[];
  enrichment: EnrichHealth[];
  reasons: string[];
}

export interface HttpServer {
  address: string;
  close(): Promise<void>;
}

/** Serves until closed. Throws LannerError `listen_failed`. */
export async function serveHttp(config: HttpConfig, view: HttpView): Promise<HttpServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return reply(response, 405, 'text/plain', 'GET only\n');
    const path = (request.url ?? '/').split('?', 1)[0];
    if (path === '/healthz')
      return reply(response, 200, 'application/json', `${JSON.stringify(view.health(), null, 2)}\n`);
    if (path !== '/metrics') return reply(response, 404, 'text/plain', 'try /healthz or /metrics\n');
    view.metrics().then(
      ({ body, type }) => reply(response, 200, type, body),
      (error: unknown) => reply(response, 500, 'text/plain', `${messageOf(error)}\n`),
    );
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  const at = config.listen.lastIndexOf(':');
  const host = config.listen.slice(0, at).replace(/^\[|\]$/g, '');
  await listen(server, host, Number(config.listen.slice(at + 1)));
  const { port } = server.address() as AddressInfo;
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new LannerError(
          'listen_failed',
          `http.listen ${host}:${port}: ${messageOf(error)}`,
          'Choose a free address.',
          {
            cause: error,
          },
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
}
