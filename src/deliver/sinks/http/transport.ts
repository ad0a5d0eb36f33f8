import { gzipSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Outcome } from '../../../model/delivery.ts';
import { shorten } from '../../formats/compact.ts';
import type { Rendered } from '../../formats/format.ts';
import { openHttpClient } from './client.ts';
import { blank, type Credentials, readCredentials } from './credentials.ts';
import type { HttpOptions, SigningOptions } from './options.ts';
import { outcomeOfError, outcomeOfStatus } from './outcome.ts';
import { signatureHeaders } from './signature.ts';

/** What is read of an answer at most; the rest is thrown away with its connection. */
const answerBytes = 16_384;
/** The status is the answer: a receiver that dawdles over the body after it is not waited for longer. */
const answerMs = 1_000;
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
  const client = openHttpClient(url, spec.http, spec.connections, clock);

  async function attempt(
    id: string,
    rendered: Rendered,
    signal: AbortSignal,
    watch?: (exchange: Exchange) => void,
  ) {
    let dispatcher: Dispatcher;
    let credentials: Credentials;
    try {
      [dispatcher, credentials] = [await client.get(), await readCredentials(spec.http, spec.signing)];
    } catch (error) {
      return { kind: 'retry', reason: 'credentials_unreadable', detail: messageOf(error) } satisfies Outcome;
    }
    const body = bodyOf(rendered, spec.http.compression);
    const headers = headersOf(id, rendered, body, credentials, clock.now());
    const began = clock.now();
    const secrets = [
      ...credentials.secrets,
      ...(spec.secrets?.() ?? []),
      ...(url.pathname.length > 16 ? [url.pathname] : []),
    ];
    const seen: Partial<Exchange> = {};
    try {
      const answer = await dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: spec.method,
        headers,
        body: body.bytes,
        signal,
      });
      seen.status = answer.statusCode;
      const text = await readAnswer(answer.body, clock);
      seen.response_headers = flatten(answer.headers);
      seen.response_body = blank(text, secrets);
      const shown = shorten(blank(text, secrets), shownCharacters);
      const detail = shown === '' ? `HTTP ${answer.statusCode}` : `HTTP ${answer.statusCode}: ${shown}`;
      return outcomeOfStatus(answer.statusCode, seen.response_headers['retry-after'], clock.now(), detail);
    } catch (error) {
      if (signal.aborted) throw error;
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
        ...seen,
      });
    }
  }

  return {
    async send(id, rendered, signal, watch) {
      const deadline = new AbortController();
      const cancel = clock.after(spec.http.timeout_secs * 1000, () => deadline.abort());
      try {
        return await attempt(id, rendered, AbortSignal.any([signal, deadline.signal]), watch);
      } catch (error) {
        if (signal.aborted) return { kind: 'retry', reason: 'aborted' };
        if (!deadline.signal.aborted) throw error;
        return { kind: 'retry', reason: 'timeout', detail: `no answer within ${spec.http.timeout_secs} s` };
      } finally {
        cancel();
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

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** The first bytes of an answer. What breaks after the status does not change what the status said. */
async function readAnswer(body: Dispatcher.ResponseData['body'], clock: Clock): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const cancel = clock.after(answerMs, () => body.destroy());
  try {
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length >= answerBytes) break;
    }
  } catch {
    // The status has been read.
  } finally {
    cancel();
    // destroy() of an unread body is an error to undici, which nobody needs to hear.
    body.on('error', () => {}).destroy();
  }
  return Buffer.concat(chunks, length).subarray(0, answerBytes).toString('utf8');
}
