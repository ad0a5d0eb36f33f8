import { readFile } from 'node:fs/promises';
import type { HttpOptions, SigningOptions } from './options.ts';
import { parseSigningKey, type SigningKey } from './signature.ts';

/** What an attempt needs to show who we are; `secrets` are the texts that no log may hold. */
export interface Credentials {
  headers: Record<string, string>;
  signing: SigningKey[];
  secrets: string[];
}

/**
 * Reads the files anew each time, so that a rotated token works with the next attempt; rejects if one cannot be read.
 * Without files the answer is there at once, from the second time on.
 */
export function credentialsReader(
  options: HttpOptions,
  signing?: SigningOptions,
): () => Credentials | Promise<Credentials> {
  const { auth, header_files } = options;
  const files = [auth?.basic?.password_file, auth?.bearer_file, ...(signing?.secret_files ?? [])];
  const isFixed = Object.keys(header_files).length === 0 && files.every((file) => file === undefined);
  let fixed: Credentials | undefined;
  const read = async () => {
    const credentials = await readCredentials(options, signing);
    if (isFixed) fixed = credentials;
    return credentials;
  };
  return () => fixed ?? read();
}

async function readCredentials(options: HttpOptions, signing?: SigningOptions): Promise<Credentials> {
  const headers: Record<string, string> = {};
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(options.headers)) headers[name.toLowerCase()] = value;
  for (const [name, file] of Object.entries(options.header_files)) {
    headers[name.toLowerCase()] = await readSecret(file);
  }
  const authorization = await authorizationOf(options.auth, secrets);
  if (authorization !== undefined) headers.authorization = authorization;
  secrets.push(...Object.values(headers));
  const keys: SigningKey[] = [];
  for (const [index, text] of (signing?.secrets ?? []).entries()) {
    keys.push(parseSigningKey(text, `signing.secrets[${index}]`));
  }
  for (const file of signing?.secret_files ?? []) keys.push(parseSigningKey(await readSecret(file), file));
  // Short values are no secrets, and blanking them would blank half the text.
  return { headers, signing: keys, secrets: secrets.filter((secret) => secret.length >= 6) };
}

async function authorizationOf(auth: HttpOptions['auth'], secrets: string[]): Promise<string | undefined> {
  if (auth?.basic) {
    const { user, password, password_file } = auth.basic;
    const word = password_file === undefined ? (password ?? '') : await readSecret(password_file);
    secrets.push(word);
    return `Basic ${Buffer.from(`${user}:${word}`).toString('base64')}`;
  }
  const bearer = auth?.bearer_file === undefined ? auth?.bearer : await readSecret(auth.bearer_file);
  if (bearer === undefined) return undefined;
  secrets.push(bearer);
  return `Bearer ${bearer}`;
}

async function readSecret(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim();
}

/** `text` with every secret blanked, and unless it is a body without what would break a line of log. */
export function blank(text: string, secrets: readonly string[], isBody = false): string {
  let blanked = text;
  for (const secret of secrets) if (secret.length > 0) blanked = blanked.replaceAll(secret, '***');
  return isBody ? blanked : blanked.replace(/[\x00-\x1f\x7f]+/g, ' ').trim();
}
