import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createSecureContext } from 'node:tls';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { HttpConfig } from './config.ts';

/** The token to demand, undefined if none. Throws LannerError `config_unreadable`. */
export function tokenOf(config: HttpConfig): string | undefined {
  if (config.token_file === undefined) return config.token;
  const token = read(config.token_file, 'token_file', 'config_unreadable').toString().trim();
  if (token.length >= 16) return token;
  throw new LannerError(
    'config_unreadable',
    `http.token_file ${config.token_file}: it holds less than 16 characters`,
    'Write a long random token into it, such as from `openssl rand -hex 32`.',
  );
}

/** Whether the request carries the token, compared in constant time. */
export function isAdmitted(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true;
  const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Certificate and key, known to belong together. Throws LannerError `tls_file`. */
export function certificateOf(tls: NonNullable<HttpConfig['tls']>): { cert: Buffer; key: Buffer } {
  const pair = {
    cert: read(tls.cert_file, 'tls.cert_file', 'tls_file'),
    key: read(tls.key_file, 'tls.key_file', 'tls_file'),
  };
  try {
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new LannerError(
      'tls_file',
      `http.tls: ${tls.cert_file} and ${tls.key_file} cannot be used: ${messageOf(error)}`,
      'Give PEM files: the certificate with its intermediates, and its unencrypted key.',
      { cause: error },
    );
  }
}

function read(path: string, key: string, code: 'tls_file' | 'config_unreadable'): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new LannerError(
      code,
      `http.${key} ${path} cannot be read: ${messageOf(error)}`,
      'Check the path and that this user may read it.',
      { cause: error },
    );
  }
}
