import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { CanaryHealth } from '../model/canary.ts';
import type { EnrichHealth } from '../model/enrich.ts';
import type { SourceHealth } from '../model/intake.ts';
import { certificateOf, isAdmitted, tokenOf } from './access.ts';
import { type HttpConfig, hostOf } from './config.ts';
import type { Readiness } from './readiness.ts';

const reloadMs = 60_000;

/** What the HTTP server shows; asked at each request. */
export interface HttpView {
  health(): HealthReport;
  ready(): Readiness;
  /** Prometheus text format and its content type. */
  metrics(): Promise<{ body: string; type: string }>;
}

/** Body of /healthz. `degraded` is still 200: the process lives, the reasons say what it lacks. */
export interface HealthReport {
  status: 'ok' | 'degraded';
  version: string;
  sources: SourceHealth[];
  /** Whether the sensors report program starts of our own; absent where none is run. */
  canary?: CanaryHealth[];
  enrichment: EnrichHealth[];
  reasons: string[];
  /** Of the configuration in force; absent where it was not read from a file. */
  config?: ConfigHealth;
}

export interface ConfigHealth {
  /** Begin of the SHA-256 of the files it was read from. */
  hash: string;
  /** RFC 3339: since when it is in force. */
  since: string;
  /** Why a changed one was not taken over, while that is so. */
  refused?: { at: string; code: string; why: string };
  /** Keys that were changed and are applied by a restart only. */
  restart_needed: string[];
}

export interface HttpServer {
  /** host:port as bound. */
  address: string;
  url: string;
  /** The token to demand from now on; undefined: none. */
  demand(token: string | undefined): void;
  close(): Promise<void>;
}

/**
 * Serves until closed. With a token, whoever does not show it gets the bare status of the probes and nothing
 * else: a kubelet cannot show one. Throws LannerError `listen_failed`, `tls_file`, `config_unreadable`.
 */
export async function serveHttp(config: HttpConfig, view: HttpView): Promise<HttpServer> {
  let token = tokenOf(config);
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return reply(response, 405, 'text/plain', 'GET only\n');
    const path = (request.url ?? '/').split('?', 1)[0];
    const admitted = isAdmitted(request, token);
    if (path === '/healthz') {
      const health = view.health();
      return json(response, 200, admitted ? health : { status: health.status });
    }
    if (path === '/readyz') {
      const readiness = view.ready();
      return json(
        response,
        readiness.ready ? 200 : 503,
        admitted ? readiness : { ready: readiness.ready, status: readiness.status },
      );
    }
    if (!admitted) {
      response.setHeader('www-authenticate', 'Bearer');
      return reply(response, 401, 'text/plain', 'a bearer token is needed\n');
    }
    if (path !== '/metrics') return reply(response, 404, 'text/plain', 'try /healthz, /readyz or /metrics\n');
    view.metrics().then(
      ({ body, type }) => reply(response, 200, type, body),
      (error: unknown) => reply(response, 500, 'text/plain', `${messageOf(error)}\n`),
    );
  };
  const { tls } = config;
  const server = tls === undefined ? createServer(answer) : createSecureServer(certificateOf(tls), answer);
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  const host = hostOf(config.listen);
  await listen(server, host, Number(config.listen.slice(config.listen.lastIndexOf(':') + 1)));
  const reload = tls === undefined ? undefined : reloading(server as SecureServer, tls);
  const { port } = server.address() as AddressInfo;
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    url: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    demand(other) {
      token = other;
    },
    close: () =>
      new Promise((resolve) => {
        clearInterval(reload);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Takes renewed certificates into use; while the files cannot be used the old ones stay. */
function reloading(server: SecureServer, tls: NonNullable<HttpConfig['tls']>): NodeJS.Timeout {
  const timer = setInterval(() => {
    try {
      server.setSecureContext(certificateOf(tls));
    } catch {
      // Half-written files are read again at the next turn.
    }
  }, reloadMs);
  timer.unref();
  return timer;
}

function json(response: ServerResponse, status: number, body: object): void {
  reply(response, status, 'application/json', `${JSON.stringify(body, null, 2)}\n`);
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
