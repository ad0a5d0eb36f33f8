import type { Outcome, RejectReason, RetryReason } from '../../../model/delivery.ts';
import { parseRetryAfter } from '../../retry-after.ts';

const retriedClientErrors: Record<number, RetryReason> = {
  408: 'request_timeout',
  425: 'too_early',
  429: 'throttled',
};

const rejectedStatuses: Record<number, RejectReason> = {
  401: 'unauthorized',
  403: 'unauthorized',
  407: 'unauthorized',
  410: 'gone',
  413: 'too_large',
  501: 'not_implemented',
};

/** What an HTTP status means for a delivery. Any 2xx is a success. */
export function outcomeOfStatus(
  status: number,
  retryAfter: string | undefined,
  now_ms: number,
  detail?: string,
): Outcome {
  const told = detail === undefined ? {} : { detail };
  if (status >= 200 && status < 300) return { kind: 'delivered', ...told };
  const rejected = rejectedStatuses[status];
  if (rejected) return { kind: 'rejected', reason: rejected, ...told };
  const retried = retriedClientErrors[status] ?? (status >= 500 && status < 600 ? 'server_error' : undefined);
  if (retried) {
    const after_ms = parseRetryAfter(retryAfter, now_ms);
    return { kind: 'retry', reason: retried, ...told, ...(after_ms === undefined ? {} : { after_ms }) };
  }
  if (status >= 300 && status < 400) return { kind: 'rejected', reason: 'redirect', ...told };
  if (status >= 400 && status < 500) return { kind: 'rejected', reason: 'client_error', ...told };
  return { kind: 'rejected', reason: 'unexpected_status', ...told };
}

const codes: Record<string, RetryReason> = {
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ETIMEDOUT: 'timeout',
  ECONNREFUSED: 'connect_refused',
  ECONNRESET: 'connection_lost',
  EPIPE: 'connection_lost',
  UND_ERR_SOCKET: 'connection_lost',
  ENOTFOUND: 'name_unknown',
  EAI_AGAIN: 'name_unknown',
  EPROTO: 'tls',
  UND_ERR_PRX_TLS: 'proxy',
  UND_ERR_HEADERS_OVERFLOW: 'bad_response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad_response',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'bad_response',
};

const tlsCodes =
  /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_)/;

/** What a thrown error of the connection means. All of these are retried: networks and certificates mend. */
export function outcomeOfError(error: unknown): Outcome {
  const code = codeOf(error);
  const text = error instanceof Error && error.message !== '' ? error.message : String(error);
  const detail = code === '' || text.includes(code) ? text : `${code}: ${text}`;
  if (error instanceof Error && error.name === 'HTTPParserError')
    return { kind: 'retry', reason: 'bad_response', detail };
  return { kind: 'retry', reason: reasonOf(code, text), detail };
}

function reasonOf(code: string, text: string): RetryReason {
  if (/^proxy /i.test(text)) return 'proxy';
  const known = codes[code];
  if (known) return known;
  if (tlsCodes.test(code)) return 'tls';
  return 'network';
}

/** The first code down the chain of causes; happy eyeballs gives an AggregateError with one of its own. */
function codeOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return '';
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && code !== 'UND_ERR') return code;
  return codeOf(error.cause, depth + 1);
}
