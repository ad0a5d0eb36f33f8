import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { LannerError, messageOf } from '../../lib/errors.ts';
import type { Log } from '../../telemetry/log.ts';
import { readTlsFiles } from '../tls.ts';
import { type FalcoHttpConfig, parseListen } from './config.ts';
import { type Front, openFront } from './front.ts';
import type { Receiver } from './receiver.ts';

/** Time for answers under way when we stop. */
const CLOSE_MS = 2_000;
/** Above the 118 s after which libcurl opens a new connection by itself, so that we never close first. */
const KEEP_ALIVE_MS = 180_000;
const RELOAD_TLS_MS = 60_000;

/** A server that does not listen yet. Throws LannerError `tls_file`. */
export function serverFor(
  config: FalcoHttpConfig,
  receive: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const timeout = config.body_timeout_secs * 1000;
  const common = {
    requestTimeout: timeout,
    headersTimeout: timeout,
    connectionsCheckingInterval: checkEvery(config),
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const server =
    config.tls === undefined
      ? createServer(common, receive)
      : createSecureServer({ ...common, ...secureOptions(config.tls) }, receive);
  server.maxConnections = config.max_connections;
  return server;
}

function checkEvery({ body_timeout_secs }: FalcoHttpConfig): number {
  return Math.min(1_000, body_timeout_secs * 500);
}

/** Puts a front before what the server itself does with its connections. */
export function frontFor(
  server: Server,
  config: FalcoHttpConfig,
  receiver: Receiver,
  signal: AbortSignal,
): Front {
  const front = openFront({
    receiver,
    maxBodyBytes: config.max_body_bytes,
    requestMs: config.body_timeout_secs * 1000,
    keepAliveMs: KEEP_ALIVE_MS,
    checkEveryMs: checkEvery(config),
    signal,
  });
  server.once('listening', front.start).once('close', front.stop);
  const event = config.tls === undefined ? 'connection' : 'secureConnection';
  const own = server.listeners(event) as ((socket: Socket) => void)[];
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    front.take(socket, () => {
      for (const listener of own) listener.call(server, socket);
    });
  });
  return front;
}

type ServerTls = NonNullable<FalcoHttpConfig['tls']>;

/** Throws LannerError `tls_file`. */
function secureOptions(
  tls: ServerTls,
): SecureContextOptions & { requestCert?: boolean; rejectUnauthorized?: boolean } {
  const { ca, cert, key } = readTlsFiles({
    cert_file: tls.cert_file,
    key_file: tls.key_file,
    ca_file: tls.client_ca_file,
  });
  return {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }),
  };
}

/** Takes replaced certificates into use; a broken replacement is said once and the old ones stay. */
export function watchTls(
  server: Server,
  source: string,
  config: FalcoHttpConfig,
  log: Log,
): NodeJS.Timeout | undefined {
  const { tls } = config;
  if (tls === undefined) return undefined;
  let said = '';
  const timer = setInterval(() => {
    try {
      (server as Server & { setSecureContext(options: SecureContextOptions): void }).setSecureContext(
        secureOptions(tls),
      );
      said = '';
    } catch (error) {
      if (messageOf(error) !== said) log.warn(messageOf(error), { source, code: 'tls_file' });
      said = messageOf(error);
    }
  }, RELOAD_TLS_MS);
  timer.unref();
  return timer;
}

/** The address that was bound. Rejects with LannerError `listen_failed`. */
export function listen(server: Server, name: string, config: FalcoHttpConfig): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new LannerError(
          'listen_failed',
          `source ${name} cannot listen at ${config.listen}: ${error.code ?? error.message}`,
          error.code === 'EADDRINUSE'
            ? 'Another program listens there: stop it, or change `listen`.'
            : 'Choose an address of this host and a port this user may bind (above 1023).',
          { cause: error },
        ),
      ),
    );
    server.listen({ ...parseListen(config.listen) }, () => {
      const { address, family, port } = server.address() as AddressInfo;
      server.removeAllListeners('error');
      server.on('error', () => undefined);
      resolve(family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`);
    });
  });
}

/**
 * Looks whether a source of these settings could listen, and does not go on listening. With `taken` by ourselves the
 * address is not tried. Rejects with LannerError `listen_failed`, `tls_file`.
 */
export async function checkListen(name: string, config: FalcoHttpConfig, taken: boolean): Promise<void> {
  const server = serverFor(config, (_request, response) => response.writeHead(503).end());
  if (taken) return;
  await listen(server, name, config);
  await new Promise((resolve) => server.close(resolve));
}

/** Fulfilled when `signal` has aborted and every answer under way was given, or given up after `CLOSE_MS`. */
export function closed(server: Server, front: Front | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const close = () => {
      const timer = setTimeout(() => {
        server.closeAllConnections();
        front?.closeAll();
      }, CLOSE_MS);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      server.closeIdleConnections();
      front?.closeIdle();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  });
}
