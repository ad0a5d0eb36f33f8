import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { Clock } from '../../../lib/clock.ts';
import type { HttpOptions, TlsOptions } from './options.ts';

/** How often changed certificate files are looked for. */
const lookMs = 10_000;

/** Connections to one receiver. `get` opens nothing by itself; the first request does. */
export interface HttpClient {
  /** At once where files need no look. Rejects if a certificate file cannot be read. */
  get(): Dispatcher | Promise<Dispatcher>;
  close(): Promise<void>;
}

/** Connections by these options; made anew when a certificate file has changed. */
export function openHttpClient(
  url: URL,
  options: HttpOptions,
  connections: number,
  clock: Clock,
): HttpClient {
  let current: { dispatcher: Dispatcher; stamp: string } | undefined;
  let looked = Number.NEGATIVE_INFINITY;
  let opening: Promise<Dispatcher> | undefined;
  let closed = false;

  async function refresh(): Promise<Dispatcher> {
    looked = clock.now();
    const stamp = await stampOf(options.tls);
    if (current && current.stamp === stamp) return current.dispatcher;
    const dispatcher = makeDispatcher(url, options, connections, await readTls(options.tls));
    // The former connections end when their requests have.
    void current?.dispatcher.close();
    current = { dispatcher, stamp };
    return dispatcher;
  }

  return {
    get() {
      if (closed) return Promise.reject(new Error('the sink is closed'));
      if (current && clock.now() - looked < lookMs) return current.dispatcher;
      opening ??= refresh().finally(() => {
        opening = undefined;
      });
      return opening;
    },
    async close() {
      closed = true;
      await current?.dispatcher.destroy();
    },
  };
}

function makeDispatcher(url: URL, options: HttpOptions, connections: number, tls: TlsMaterial): Dispatcher {
  const connect = { timeout: options.connect_timeout_secs * 1000, ...tls };
  const shared = {
    connections,
    allowH2: options.http2,
    headersTimeout: options.read_timeout_secs * 1000,
    bodyTimeout: options.read_timeout_secs * 1000,
    // Receivers and load balancers close idle connections; ours end first, so that a request seldom meets one.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 60_000,
    maxHeaderSize: 16_384,
  };
  if (options.proxy === undefined) return new Pool(url.origin, { ...shared, connect });
  return new ProxyAgent({
    ...shared,
    uri: options.proxy,
    // An address is no server name (RFC 6066).
    requestTls: { ...connect, servername: tls.servername ?? (isIP(url.hostname) ? '' : url.hostname) },
    proxyTls: { timeout: connect.timeout },
    // Many proxies allow CONNECT only to port 443.
    proxyTunnel: url.protocol === 'https:',
  });
}

interface TlsMaterial {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
}

async function readTls(tls: TlsOptions | undefined): Promise<TlsMaterial> {
  if (!tls) return {};
  return {
    ...(tls.ca_file === undefined ? {} : { ca: await readFile(tls.ca_file) }),
    ...(tls.cert_file === undefined ? {} : { cert: await readFile(tls.cert_file) }),
    ...(tls.key_file === undefined ? {} : { key: await readFile(tls.key_file) }),
    ...(tls.server_name === undefined ? {} : { servername: tls.server_name }),
    ...(tls.insecure_skip_verify ? { rejectUnauthorized: false } : {}),
  };
}

async function stampOf(tls: TlsOptions | undefined): Promise<string> {
  const files = [tls?.ca_file, tls?.cert_file, tls?.key_file].filter((file) => file !== undefined);
  const stamps = await Promise.all(
    files.map(async (file) => {
      const { mtimeMs, size, ino } = await stat(file);
      return `${mtimeMs}:${size}:${ino}`;
    }),
  );
  return stamps.join(' ');
}
