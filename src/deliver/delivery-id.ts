import { createHash } from 'node:crypto';

/** Fits into a header, into a Standard Webhooks signature (which forbids the dot) and into a file name. */
const safe = /^[A-Za-z0-9_:=-]{1,160}$/;

/**
 * The id of a delivery: the same for every attempt and restart, another for each revision and sink. Readable
 * where its parts are plain, else a digest of them.
 */
export function deliveryId(finding: string, revision: number, sink: string): string {
  const plain = `${finding}:${revision}:${sink}`;
  return safe.test(plain) ? plain : digestId(plain);
}

/** A short id from what it must be the same for. */
export function digestId(...parts: string[]): string {
  return `d_${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 40)}`;
}
