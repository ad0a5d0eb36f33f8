import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { loadConfig } from '../config.ts';
import { certificateOf, tokenOf } from '../http/access.ts';
import { type HttpConfig, hostOf } from '../http/config.ts';
import type { Readiness } from '../http/readiness.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import { exitCodes } from './exit-codes.ts';

export interface HealthFlags {
  config?: string;
  url: string;
  /** Seconds. */
  timeout: string;
  json?: boolean;
}

/**
 * `lanner health`: whether a running Lanner can take events. 0 if it can, degraded or not; 1 if it cannot or
 * does not answer. Throws LannerError `usage`, and for a configuration that cannot be read.
 */
export async function health(
  flags: HealthFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const timeoutMs = Number(flags.timeout) * 1000;
  if (!(timeoutMs > 0)) throw new LannerError('usage', '--timeout must be above 0', 'Give seconds.');
  const target = flags.config === undefined ? byUrl(flags.url) : byConfig(loadConfig(flags.config).http);
  try {
    const readiness = await ask(target, timeoutMs);
    write(flags.json === true ? `${JSON.stringify(readiness)}\n` : textOf(readiness));
    return readiness.ready ? exitCodes.ok.code : exitCodes.found.code;
  } catch (error) {
    const reason = `no answer from ${target.url.origin}: ${messageOf(error)}`;
    write(
      flags.json === true
        ? `${JSON.stringify({ ready: false, status: 'no_answer', unready: [reason], degraded: [] })}\n`
        : `${reason}\n`,
    );
    return exitCodes.found.code;
  }
}

interface Target {
  url: URL;
  token?: string;
  /** The certificate that is expected, whatever name it carries. */
  cert?: Buffer;
}

function byUrl(text: string): Target {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new LannerError('usage', '--url is no http or https address', 'Give http://host:port.');
  return { url: new URL('/readyz', text) };
}

function byConfig(http: HttpConfig): Target {
  if (!http.enabled)
    throw new LannerError(
      'usage',
      'this configuration has `http.enabled: false`',
      'There is nothing to ask.',
    );
  const token = tokenOf(http);
  const port = http.listen.slice(http.listen.lastIndexOf(':') + 1);
  const scheme = http.tls === undefined ? 'http' : 'https';
  return {
    url: new URL(`${scheme}://${reachable(hostOf(http.listen))}:${port}/readyz`),
    ...(token !== undefined && { token }),
    ...(http.tls !== undefined && { cert: certificateOf(http.tls).cert }),
  };
}

/** Where a server that listens at `host` is reached from the same host. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function ask({ url, token, cert }: Target, timeoutMs: number): Promise<Readiness> {
  const request = url.protocol === 'https:' ? secureRequest : plainRequest;
  const options = {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(timeoutMs),
    // The server's own certificate is the trust anchor: it need not carry the name 127.0.0.1.
    ...(cert !== undefined && {
      ca: cert,
      allowPartialTrustChain: true,
      checkServerIdentity: () => undefined,
    }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve(readinessFrom(Buffer.concat(chunks).toString(), response.statusCode ?? 0));
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.on('error', (error) =>
      reject(error.name === 'AbortError' ? new Error(`nothing within ${timeoutMs / 1000} s`) : error),
    );
    sent.end();
  });
}

function readinessFrom(body: string, status: number): Readiness {
  let read: Partial<Readiness> | undefined;
  try {
    read = JSON.parse(body) as Partial<Readiness>;
  } catch {}
  if (typeof read?.ready !== 'boolean' || typeof read.status !== 'string')
    throw new Error(`HTTP ${status}, which is no answer of Lanner`);
  return {
    ready: read.ready,
    status: read.status,
    unready: read.unready ?? [],
    degraded: read.degraded ?? [],
  };
}

function textOf({ status, unready, degraded }: Readiness): string {
  const reasons = [...new Set([...unready, ...degraded])];
  return `${status}${reasons.map((reason) => `\n  ${reason}`).join('')}\n`;
}
