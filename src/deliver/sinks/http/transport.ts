import { gzipSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Outcome } from '../../../model/delivery.ts';
import { shorten } from '../../formats/compact.ts';
import type { Rendered } from '../../formats/format.ts';
import { type Answer, ask, type Cut } from './ask.ts';
import { openHttpClient } from './client.ts';
import { blank, type Credentials, credentialsReader } from './credentials.ts';
import type { HttpOptions, SigningOptions } from './options.ts';
import { outcomeOfError, outcomeOfStatus } from './outcome.ts';
import { signatureHeaders } from './signature.ts';

/** What of an answer is shown in the log. */
const shownCharacters = 200;

/** One request and what came back, for `lanner sink test`. Secrets are blanked. */
export interface Exchange {
  method: string;
  url: string;
  request_headers: Record<string, string>;
  request_body: string;
  status?: number;
  response_headers?: Record<string, string>;
  response_body?: string;
  took_ms: number;
}

/** Sends rendered bodies to one URL. */
export interface HttpTransport {
  /** One attempt. Never rejects. `id` is the delivery's, the same for every attempt. */
  send(
    id: string,
    rendered: Rendered,
    signal: AbortSignal,
    watch?: (exchange: Exchange) => void,
  ): Promise<Outcome>;
  close(): Promise<void>;
}

export interface TransportSpec {
  url: string;
  method: 'POST' | 'PUT' | 'PATCH';
  http: HttpOptions;
  signing?: SigningOptions | undefined;
  connections: number;
  /** Further texts that no log may hold. */
  secrets?: () => string[];
}

export function openHttpTransport(spec: TransportSpec, clock: Clock): HttpTransport {
  const url = new URL(spec.url);
  const path = url.pathname + url.search;
  const client = openHttpClient(url, spec.http, spec.connections, clock);
  const readCredentials = credentialsReader(spec.http, spec.signing);

  async function attempt(
    id: string,
    rendered: Rendered,
    cut: Cut,
    watch?: (exchange: Exchange) => void,
  ): Promise<Outcome> {
    let dispatcher: Dispatcher;
    let credentials: Credentials;
    try {
      [dispatcher, credentials] = [await client.get(), await readCredentials()];
    } catch (error) {
      return { kind: 'retry', reason: 'credentials_unreadable', detail: messageOf(error) };
    }
    const body = bodyOf(rendered, spec.http.compression);
    const headers = headersOf(id, rendered, body, credentials, clock.now());
    const began = clock.now();
    const secrets = [
      ...credentials.secrets,
      ...(spec.secrets?.() ?? []),
      ...(url.pathname.length > 16 ? [url.pathname] : []),
    ];
    let answer: Answer | undefined;
    try {
      const { origin } = url;
      const request = { origin, path, method: spec.method, headers, body: body.bytes };
      answer = await ask(dispatcher, request, cut, clock);
      const shown = answer.body === '' ? '' : shorten(blank(answer.body, secrets), shownCharacters);
      const detail = shown === '' ? `HTTP ${answer.status}` : `HTTP ${answer.status}: ${shown}`;
      return outcomeOfStatus(answer.status, textOf(answer.headers['retry-after']), clock.now(), detail);
    } catch (error) {
      if (cut.why === 'aborted') return { kind: 'retry', reason: 'aborted' };
      if (cut.why === 'timeout')
        return { kind: 'retry', reason: 'timeout', detail: `no answer within ${spec.http.timeout_secs} s` };
      const outcome = outcomeOfError(error);
      return { ...outcome, detail: blank(outcome.detail ?? '', secrets) } as Outcome;
    } finally {
      watch?.({
        method: spec.method,
        url: `${url.origin}${blank(url.pathname, secrets)}`,
        request_headers: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, blank(value, credentials.secrets)]),
        ),
        request_body: blank(String(rendered.body), secrets, true),
        took_ms: clock.now() - began,
        ...(answer && seen(answer, secrets)),
      });
    }
  }

  return {
    async send(id, rendered, signal, watch) {
      const cut: Cut = { why: signal.aborted ? 'aborted' : undefined, act: undefined };
      const end = (why: Cut['why']) => {
        cut.why ??= why;
        cut.act?.();
      };
      const abort = () => end('aborted');
      signal.addEventListener('abort', abort);
      const cancel = clock.after(spec.http.timeout_secs * 1000, () => end('timeout'));
      try {
        return await attempt(id, rendered, cut, watch);
      } finally {
        cancel();
        signal.removeEventListener('abort', abort);
      }
    },
    close: () => client.close(),
  };
}

function bodyOf(
  rendered: Rendered,
  compression: HttpOptions['compression'],
): { bytes: Buffer; encoding?: string } {
  const bytes = Buffer.isBuffer(rendered.body) ? rendered.body : Buffer.from(rendered.body);
  // Small bodies grow or gain nothing.
  if (compression === 'none' || bytes.length < 512) return { bytes };
  return { bytes: gzipSync(bytes), encoding: 'gzip' };
}

function headersOf(
  id: string,
  rendered: Rendered,
  body: { bytes: Buffer; encoding?: string },
  credentials: Credentials,
  now_ms: number,
): Record<string, string> {
  const signed =
    credentials.signing.length > 0 ? signatureHeaders(id, now_ms, body.bytes, credentials.signing) : {};
  return {
    'user-agent': 'lanner',
    'content-type': rendered.content_type,
    ...(body.encoding === undefined ? {} : { 'content-encoding': body.encoding }),
    ...rendered.headers,
    ...credentials.headers,
    'webhook-id': id,
    'idempotency-key': id,
    ...signed,
  };
}

function seen(answer: Answer, secrets: readonly string[]): Partial<Exchange> {
  const response_headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    const text = textOf(value);
    if (text !== undefined) response_headers[name] = text;
  }
  return { status: answer.status, response_headers, response_body: blank(answer.body, secrets) };
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
