import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import { LannerError, messageOf } from '../../lib/errors.ts';
import { credentialsError, type KubeAccess } from './access.ts';

const maxBytes = 64 * 1024 * 1024;
const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

/** Requests to the API server. Each rejects with a LannerError, or when `signal` aborts. */
export interface KubeHttp {
  get<T>(path: string, signal: AbortSignal): Promise<T>;
  /** As `get`, and asks for the metadata only; `undefined`: there is no such object. */
  metadata<T>(path: string, signal: AbortSignal): Promise<T | undefined>;
  /** Calls `onLine` for each line of the answer until it ends; `onOpen` once the server has accepted. */
  lines(path: string, onOpen: () => void, onLine: (line: string) => void, signal: AbortSignal): Promise<void>;
}

/** The server's answer was no success. */
export class StatusError extends LannerError {
  readonly status: number;
  constructor(status: number, code: string, message: string, mend: string) {
    super(code, message, mend);
    this.status = status;
  }
}

export function createKubeHttp(access: KubeAccess): KubeHttp {
  const open = async (path: string, accept: string, signal: AbortSignal): Promise<IncomingMessage> => {
    const options = await access.options().catch((error) => {
      throw credentialsError(messageOf(error), error);
    });
    const url = new URL(access.server + path);
    const request = url.protocol === 'http:' ? plainRequest : tlsRequest;
    return new Promise((resolve, reject) => {
      const headers = { ...options.headers, accept, 'user-agent': 'lanner' };
      const sent = request(url, { ...options, headers, method: 'GET', signal });
      sent.once('socket', (socket) => socket.setKeepAlive(true, 30_000));
      sent.once('response', resolve);
      sent.once('error', (error) => reject(networkError(url.origin, error)));
      sent.end();
    });
  };

  const read = async <T>(path: string, accept: string, signal: AbortSignal): Promise<T> => {
    const answer = await open(path, accept, signal);
    const text = await bodyOf(answer);
    if (answer.statusCode !== 200) throw statusError(answer.statusCode ?? 0, path, text);
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new LannerError('kube_failed', `${path}: the answer is no JSON`, 'check what answers there', {
        cause: error,
      });
    }
  };

  return {
    get: (path, signal) => read(path, 'application/json', signal),
    async metadata(path, signal) {
      try {
        return await read(path, metadataOnly, signal);
      } catch (error) {
        if (error instanceof StatusError && error.status === 404) return undefined;
        throw error;
      }
    },
    async lines(path, onOpen, onLine, signal) {
      const answer = await open(path, 'application/json', signal);
      if (answer.statusCode !== 200) throw statusError(answer.statusCode ?? 0, path, await bodyOf(answer));
      onOpen();
      try {
        await readLines(answer, onLine);
      } catch (error) {
        throw networkError(access.server, error);
      }
    },
  };
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes)
      throw new LannerError('kube_failed', 'the answer is larger than 64 MiB', 'report this');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readLines(answer: AsyncIterable<Buffer>, onLine: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of answer) {
    rest += decoder.write(chunk);
    const lines = rest.split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line !== '') onLine(line);
    if (rest.length > maxBytes) throw new Error('a line is larger than 64 MiB');
  }
}

function statusError(status: number, path: string, body: string): StatusError {
  const message = `${status} to ${path.split('?')[0]}: ${statusMessage(body)}`;
  if (status === 401) {
    return new StatusError(status, 'kube_credentials', message, 'renew the token or the kubeconfig');
  }
  if (status === 403) {
    return new StatusError(
      status,
      'kube_denied',
      message,
      "apply deploy/'s ClusterRole to Lanner's service account",
    );
  }
  return new StatusError(status, 'kube_failed', message, 'look into the log of the API server');
}

/** The message of a Status object, or the beginning of whatever came. */
function statusMessage(body: string): string {
  try {
    const message: unknown = (JSON.parse(body) as { message?: unknown }).message;
    if (typeof message === 'string') return message.slice(0, 300);
  } catch {
    // No Status object: a proxy's page, perhaps.
  }
  return body.slice(0, 100);
}

function networkError(server: string, error: unknown): LannerError {
  if (error instanceof LannerError) return error;
  const { code } = error as NodeJS.ErrnoException;
  const message = `${server}: ${messageOf(error)}`;
  const is = (name: string, mend: string) => new LannerError(name, message, mend, { cause: error });
  switch (code) {
    case 'ECONNREFUSED':
      return is('connect_refused', 'check the address of the API server');
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return is('name_unknown', 'check the address of the API server and the DNS');
    case 'ETIMEDOUT':
    case 'ABORT_ERR':
      return is('connect_timeout', 'check network policies between Lanner and the API server');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return is('tls_name', 'use a name that stands in the certificate of the API server');
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_HAS_EXPIRED':
      return is('tls_untrusted', 'give the CA of the API server in the kubeconfig');
    default:
      return is('kube_failed', 'check the way to the API server');
  }
}
