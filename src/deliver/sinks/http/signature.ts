import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { LannerError } from '../../../lib/errors.ts';

/**
 * A key of Standard Webhooks 1.0: `whsec_` + base64 signs with HMAC-SHA256 (v1), `whsk_` + base64 of an
 * ed25519 key's 32-byte seed (a 64-byte secret key is seed and public key) signs asymmetrically (v1a).
 */
export type SigningKey = { scheme: 'v1'; secret: Buffer } | { scheme: 'v1a'; key: KeyObject };

/** PKCS #8 wrapping of a raw ed25519 seed (RFC 8410). */
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Reads a key's text. The error never holds the text. */
export function parseSigningKey(text: string, place: string): SigningKey {
  const trimmed = text.trim();
  const [, prefix, encoded] = /^(whsec_|whsk_)?([A-Za-z0-9+/]+={0,2})$/.exec(trimmed) ?? [];
  const bytes = Buffer.from(encoded ?? '', 'base64');
  if (prefix === 'whsk_' && (bytes.length === 32 || bytes.length === 64)) {
    const der = Buffer.concat([ed25519Prefix, bytes.subarray(0, 32)]);
    return { scheme: 'v1a', key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
  }
  if (prefix !== 'whsk_' && bytes.length >= 16 && bytes.length <= 64) return { scheme: 'v1', secret: bytes };
  throw new LannerError(
    'signing_key',
    `${place} is not a Standard Webhooks signing key`,
    'Use whsec_ followed by base64 of 24 to 64 random bytes, or whsk_ followed by base64 of an ed25519 key.',
  );
}

/**
 * The three headers of Standard Webhooks over exactly these bytes. The timestamp is this attempt's; the id is
 * the delivery's. Several keys give several signatures, so that receivers can rotate.
 */
export function signatureHeaders(
  id: string,
  now_ms: number,
  body: Buffer,
  keys: readonly SigningKey[],
): Record<string, string> {
  const timestamp = String(Math.floor(now_ms / 1000));
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  return {
    'webhook-timestamp': timestamp,
    'webhook-signature': keys.map((key) => `${key.scheme},${signatureOf(key, signed)}`).join(' '),
  };
}

function signatureOf(key: SigningKey, signed: Buffer): string {
  if (key.scheme === 'v1') return createHmac('sha256', key.secret).update(signed).digest('base64');
  return sign(null, signed, key.key).toString('base64');
}
