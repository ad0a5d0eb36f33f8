import { gzipSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../../lib/clock.ts';
import { Deadlines } from '../../../lib/deadlines.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Outcome } from '../../../model/delivery.ts';
import { shorten } from '../../formats/compact.ts';
import type { Rendered } from '../../formats/format.ts';
import { Aborts, type Answer, Asking, answerMs, headersOfAnswer } from './ask.ts';
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
  const { origin, pathname } = url;
  const path = pathname + url.search;
  const client = openHttpClient(url, spec.http, spec.connections, clock);
  const readCredentials = credentialsReader(spec.http, spec.signing);
  const timeouts = new Deadlines<Asking>(clock, spec.http.timeout_secs * 1000, (one) => one.cut('timeout'));
  const slow = new Deadlines<Asking>(clock, answerMs, (one) => one.end('a slow answer'));
  const aborts = new Aborts();

  /** One attempt on its way: what it needs, and what it told. */
  interface Attempt {
    readonly id: string;
    readonly rendered: Rendered;
    readonly signal: AbortSignal;
    readonly watch: ((exchange: Exchange) => void) | undefined;
    readonly began: number;
    credentials: Credentials | undefined;
    headers: Record<string, string>;
  }

  function begin(attempt: Attempt, asking: Asking, dispatcher: Dispatcher, credentials: Credentials): void {
    // It was cut while files were read.
    if (asking.cutBy !== undefined) return;
    const body = bodyOf(attempt.rendered, spec.http.compression);
    attempt.credentials = credentials;
    attempt.headers = headersOf(attempt.id, attempt.rendered, body, credentials, clock.now());
    const { headers } = attempt;
    dispatcher.dispatch({ origin, path, method: spec.method, headers, body: body.bytes }, asking);
  }

  function ended(
    attempt: Attempt,
    asking: Asking,
    answer: Answer | undefined,
    error: Error | undefined,
  ): Outcome {
    timeouts.end(asking);
    aborts.end(attempt.signal, asking);
    const { watch } = attempt;
    // Nearly always nothing is shown, and nothing need be blanked.
    const secrets = answer?.body === '' && watch === undefined ? [] : secretsOf(attempt.credentials);
    watch?.(exchangeOf(attempt, answer, secrets));
    return answer === undefined ? outcomeOfFailure(asking, error, secrets) : outcomeOf(answer, secrets);
  }

  function outcomeOf(answer: Answer, secrets: string[]): Outcome {
    const { status, body } = answer;
    const shown = body === '' ? '' : shorten(blank(body, secrets), shownCharacters);
    const detail = shown === '' ? `HTTP ${status}` : `HTTP ${status}: ${shown}`;
    const retryAfter = status < 300 ? undefined : headersOfAnswer(answer)['retry-after'];
    return outcomeOfStatus(status, retryAfter, clock.now(), detail);
  }

  function outcomeOfFailure(asking: Asking, error: Error | undefined, secrets: string[]): Outcome {
    if (asking.cutBy === 'aborted') return { kind: 'retry', reason: 'aborted' };
    if (asking.cutBy === 'timeout')
      return { kind: 'retry', reason: 'timeout', detail: `no answer within ${spec.http.timeout_secs} s` };
    const outcome = outcomeOfError(error);
    return { ...outcome, detail: blank(outcome.detail ?? '', secrets) } as Outcome;
  }

  function secretsOf(credentials: Credentials | undefined): string[] {
    const own = credentials?.secrets ?? [];
    return [...own, ...(spec.secrets?.() ?? []), ...(pathname.length > 16 ? [pathname] : [])];
  }

  function exchangeOf(attempt: Attempt, answer: Answer | undefined, secrets: string[]): Exchange {
    const { headers, rendered, began } = attempt;
    const own = attempt.credentials?.secrets ?? [];
    return {
      method: spec.method,
      url: `${origin}${blank(pathname, secrets)}`,
      request_headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, blank(value, own)]),
      ),
      request_body: blank(String(rendered.body), secrets, true),
      took_ms: clock.now() - began,
      ...(answer && seen(answer, secrets)),
    };
  }

  return {
    send(id, rendered, signal, watch) {
      return new Promise((resolve, reject) => {
        const attempt: Attempt = {
          id,
          rendered,
          signal,
          watch,
          began: clock.now(),
          credentials: undefined,
          headers: {},
        };
        const asking: Asking = new Asking(slow, (answer, error) =>
          resolve(ended(attempt, asking, answer, error)),
        );
        timeouts.start(asking);
        aborts.start(signal, asking);
        const [dispatcher, credentials] = [client.get(), readCredentials()];
        if (!(dispatcher instanceof Promise || credentials instanceof Promise))
          return begin(attempt, asking, dispatcher, credentials);
        Promise.all([dispatcher, credentials])
          .then(
            (both) => begin(attempt, asking, ...both),
            (error) => {
              timeouts.end(asking);
              aborts.end(signal, asking);
              resolve({ kind: 'retry', reason: 'credentials_unreadable', detail: messageOf(error) });
            },
          )
          .catch(reject);
      });
    },
    async close() {
      timeouts.close();
      slow.close();
      await client.close();
      aborts.close();
    },
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
  const headers: Record<string, string> = { 'user-agent': 'lanner', 'content-type': rendered.content_type };
  if (body.encoding !== undefined) headers['content-encoding'] = body.encoding;
  Object.assign(headers, rendered.headers, credentials.headers);
  headers['webhook-id'] = id;
  headers['idempotency-key'] = id;
  if (credentials.signing.length > 0)
    Object.assign(headers, signatureHeaders(id, now_ms, body.bytes, credentials.signing));
  return headers;
}

function seen(answer: Answer, secrets: readonly string[]): Partial<Exchange> {
  const response_headers = headersOfAnswer(answer);
  return { status: answer.status, response_headers, response_body: blank(answer.body, secrets) };
}
