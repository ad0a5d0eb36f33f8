import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../../lib/errors.ts';
import { type Check, type Checkup, error, ok, type Result, warn } from './check.ts';

/** A certificate that ends this soon is named before it does. */
export const soonMs = 14 * 86_400_000;

/** Every file the configuration names by a key that ends in `_file`: readable, secrets closed, certificates valid. */
export const files: Check = {
  id: 'files',
  run(checkup) {
    return filesIn(checkup.config).map(({ key, path }) => look(key, path, checkup));
  },
};

function filesIn(value: unknown, at = ''): { key: string; path: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const key = at === '' ? name : `${at}.${name}`;
    // Relative to the configuration, and read with it already.
    if (name === 'exceptions_file') return [];
    if (/(^|_)files?$/.test(name) || /\.header_files\.[^.]+$/.test(`.${key}`)) {
      const paths = Array.isArray(inner) ? inner : [inner];
      const texts = paths.filter((path): path is string => typeof path === 'string');
      if (texts.length > 0) return texts.map((path) => ({ key, path }));
    }
    return filesIn(inner, key);
  });
}

const secret = /(token|password|bearer|secret|url|key)_files?$|\.header_files\./;

function look(key: string, path: string, { now }: Checkup): Result {
  const about = `file ${key}`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (trouble) {
    return error(
      about,
      `${path} cannot be read: ${messageOf(trouble)}`,
      'Check the path, and that this user may read it.',
    );
  }
  if (/(^|\.)(client_)?(ca|cert)_file$/.test(key)) return certificate(about, path, text, now());
  if (secret.test(key) && (statSync(path).mode & 0o007) !== 0)
    return warn(about, `${path} is readable by everybody`, `It holds a secret: chmod o= ${path}`);
  return ok(about, `${path} is readable`);
}

function certificate(about: string, path: string, text: string, now_ms: number): Result {
  const pems = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  try {
    if (pems.length === 0) throw new Error('it holds no PEM certificate');
    const ends = pems.map((pem) => new Date(new X509Certificate(pem).validTo).getTime());
    return validity(about, path, Math.min(...ends), now_ms);
  } catch (trouble) {
    return error(about, `${path}: ${messageOf(trouble)}`, 'Give a PEM file of certificates.');
  }
}

/** What is to be said of a certificate that ends then. */
export function validity(about: string, what: string, ends_ms: number, now_ms: number): Result {
  const day = new Date(ends_ms).toISOString().slice(0, 10);
  if (ends_ms < now_ms) return error(about, `${what}: a certificate expired ${day}`, 'Renew it.');
  if (ends_ms - now_ms < soonMs)
    return warn(about, `${what}: a certificate expires ${day}`, 'Renew it in time.');
  return ok(about, `${what}: valid until ${day}`);
}
