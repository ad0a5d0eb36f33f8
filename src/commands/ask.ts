import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { certificateOf, tokenOf } from '../http/access.ts';
import { type HttpConfig, hostOf } from '../http/config.ts';

/** Where a running Lanner is asked, and what the request carries. */
export interface Target {
  /** Without a path. */
  url: URL;
  token?: string;
  /** The certificate that is expected, whatever name it carries. */
  cert?: Buffer;
}

/** The Lanner that runs by this configuration. Throws LannerError `config_unreadable`, `tls_file`. */
export function targetOf(http: HttpConfig): Target {
  const token = tokenOf(http);
  const port = http.listen.slice(http.listen.lastIndexOf(':') + 1);
  const scheme = http.tls === undefined ? 'http' : 'https';
  return {
    url: new URL(`${scheme}://${reachable(hostOf(http.listen))}:${port}`),
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

/** GET. Rejects if nothing answers within `timeoutMs`. */
export function ask(
  { url, token, cert }: Target,
  path: string,
  timeoutMs: number,
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
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
    const sent = request(new URL(path, url), options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          headers: response.headers,
        }),
      );
    });
    sent.on('error', (error) =>
      reject(error.name === 'AbortError' ? new Error(`nothing within ${timeoutMs / 1000} s`) : error),
    );
    sent.end();
  });
}
