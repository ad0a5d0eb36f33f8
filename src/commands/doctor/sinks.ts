import { accessSync, constants, readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { Config } from '../../config.ts';
import type { HttpOptions } from '../../deliver/sinks/http/options.ts';
import { messageOf } from '../../lib/errors.ts';
import { type Check, type Checkup, error, ok, type Result, warn } from './check.ts';
import { validity } from './files.ts';
import { reachTcp, reachTls } from './reach.ts';
import { nearest } from './state-dir.ts';

/**
 * Every destination, without sending it anything: a request of any method may be taken for a message. `lanner sink
 * test` sends one that is marked.
 */
export const sinks: Check = {
  id: 'sinks',
  async run(checkup) {
    const { config } = checkup;
    const relays = Object.entries(config.sources).flatMap(([name, source]) =>
      source.type === 'falco_http' && source.relay !== undefined
        ? [[`relay of ${name}`, source.relay] as const]
        : [],
    );
    const all = [
      ...Object.entries(config.sinks).map(([name, sink]) => [`sink ${name}`, sink] as const),
      ...relays,
    ];
    if (Object.keys(config.sinks).length === 0)
      return [
        warn('sinks', 'none is configured: findings are counted and go nowhere', 'Add one under sinks.'),
      ];
    const looked = await Promise.all(all.map(([about, sink]) => look(about, sink, checkup)));
    return [...looked.flat(), ...unrouted(config)];
  },
};

type AnySink = Config['sinks'][string] | Extract<Config['sources'][string], { type: 'falco_http' }>['relay'];

async function look(about: string, sink: NonNullable<AnySink>, checkup: Checkup): Promise<Result[]> {
  if ('type' in sink && sink.type === 'stdout') return [ok(about, 'standard output')];
  if ('type' in sink && sink.type === 'file') return [fileSink(about, sink.path)];
  const http = sink as HttpOptions & { url?: string; url_file?: string; urls?: string[] };
  let urls: string[];
  try {
    urls = http.urls ?? [http.url ?? readFileSync(http.url_file ?? '', 'utf8').trim()];
  } catch {
    return [error(about, `its url_file cannot be read`, 'Check the path, and that this user may read it.')];
  }
  return Promise.all(urls.map((url) => reach(about, url, http, checkup)));
}

async function reach(
  about: string,
  text: string,
  http: HttpOptions,
  { timeoutMs, now }: Checkup,
): Promise<Result> {
  if (!URL.canParse(text)) return error(about, 'its URL is none', 'Correct it.');
  // The path may be a secret: only the host is shown.
  const [url, proxy] = [new URL(text), http.proxy === undefined ? undefined : new URL(http.proxy)];
  const to = proxy ?? url;
  const [host, port] = [
    to.hostname.replace(/^\[|\]$/g, ''),
    Number(to.port || (to.protocol === 'https:' ? 443 : 80)),
  ];
  const place = `${host}:${port}`;
  try {
    if (to.protocol === 'http:' || proxy !== undefined) {
      await reachTcp(host, port, timeoutMs);
      if (proxy !== undefined)
        return ok(about, `the proxy ${place} accepts connections; what is behind it was not tried`);
      return plain(about, place, host);
    }
    const { protocol, ends_ms, begins_ms } = await reachTls(host, port, tlsOf(http), timeoutMs);
    if (begins_ms > now())
      return warn(about, `${place}: its certificate begins in the future`, 'Look at the clocks of both.');
    return validity(about, `${place} accepts connections, ${protocol}`, ends_ms, now());
  } catch (trouble) {
    return error(
      about,
      `${place}: ${messageOf(trouble)}`,
      'Check address, name, firewall, certificates and proxy.',
    );
  }
}

function plain(about: string, place: string, host: string): Result {
  if (host === 'localhost' || host === '::1' || host.startsWith('127.'))
    return ok(about, `${place} accepts connections`);
  return warn(
    about,
    `${place} accepts connections, without TLS: findings can be read on the way`,
    'Use https where the network is not yours alone.',
  );
}

function tlsOf({ tls }: HttpOptions): ConnectionOptions {
  if (tls === undefined) return {};
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const [ca, cert, key] = [read(tls.ca_file), read(tls.cert_file), read(tls.key_file)];
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(tls.server_name !== undefined && { servername: tls.server_name }),
    ...(tls.insecure_skip_verify && { rejectUnauthorized: false }),
  };
}

function fileSink(about: string, path: string): Result {
  try {
    accessSync(nearest(path), constants.W_OK);
    return ok(about, `${path} can be written`);
  } catch (trouble) {
    return error(
      about,
      `${path} cannot be written: ${messageOf(trouble)}`,
      'Check the folder and its owner.',
    );
  }
}

/** Sinks that no route names get nothing. */
function unrouted({ sinks: all, route }: Config): Result[] {
  if (route.sinks === undefined && (route.routes?.length ?? 0) === 0) return [];
  const named = new Set(JSON.stringify(route).match(/"[^"]+"/g) ?? []);
  return Object.keys(all)
    .filter((name) => !named.has(JSON.stringify(name)))
    .map((name) =>
      warn(`sink ${name}`, 'no route names it: it gets no finding', 'Name it under route, or take it out.'),
    );
}
