import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key, PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

/** A certificate authority that signs what a test needs. P-256, SHA-256, X.509 v3. */
export interface Authority extends Certificate {
  /** For servers: `names` become DNS or IP subject alternative names. */
  server(names: string[], options?: IssueOptions): Certificate;
  /** For clients. */
  client(commonName: string, options?: IssueOptions): Certificate;
}

export interface IssueOptions {
  notBefore?: Date;
  notAfter?: Date;
}

const oid = {
  commonName: [2, 5, 4, 3],
  ecdsaWithSha256: [1, 2, 840, 10045, 4, 3, 2],
  basicConstraints: [2, 5, 29, 19],
  keyUsage: [2, 5, 29, 15],
  extendedKeyUsage: [2, 5, 29, 37],
  subjectAltName: [2, 5, 29, 17],
  serverAuth: [1, 3, 6, 1, 5, 5, 7, 3, 1],
  clientAuth: [1, 3, 6, 1, 5, 5, 7, 3, 2],
};

/** A fresh authority, valid for ten years around now. */
export function createAuthority(commonName = 'lanner test CA'): Authority {
  const pair = keyPair();
  const extensions = [
    extension(oid.basicConstraints, true, sequence(boolean(true))),
    extension(oid.keyUsage, true, der(0x03, Buffer.from([1, 0x06]))),
  ];
  const cert = certificate(commonName, commonName, pair.publicKey, pair.privateKey, extensions, {});
  const issue = (name: string, usage: number[], names: string[], options: IssueOptions): Certificate => {
    const own = keyPair();
    const more = [extension(oid.extendedKeyUsage, false, sequence(objectId(usage)))];
    if (names.length > 0)
      more.push(extension(oid.subjectAltName, false, sequence(...names.map(generalName))));
    return {
      cert: certificate(name, commonName, own.publicKey, pair.privateKey, more, options),
      key: pem(own.privateKey),
    };
  };
  return {
    cert,
    key: pem(pair.privateKey),
    server: (names, options = {}) => issue(names[0] ?? 'server', oid.serverAuth, names, options),
    client: (name, options = {}) => issue(name, oid.clientAuth, [], options),
  };
}

/** Writes `files` into a fresh directory: their paths, and `remove`. */
export function writeFiles<K extends string>(
  files: Record<K, string>,
): { paths: Record<K, string>; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'lanner-files-'));
  const paths = {} as Record<K, string>;
  for (const name of Object.keys(files) as K[]) {
    paths[name] = join(directory, name);
    writeFileSync(paths[name], files[name], { mode: 0o600 });
  }
  return { paths, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

function keyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function certificate(
  subject: string,
  issuer: string,
  publicKey: KeyObject,
  signer: KeyObject,
  extensions: Buffer[],
  options: IssueOptions,
): string {
  const fiveYears = 5 * 365 * 86_400_000;
  const serial = randomBytes(12);
  serial[0] = 0x01;
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    sequence(objectId(oid.ecdsaWithSha256)),
    name(issuer),
    sequence(
      time(options.notBefore ?? new Date(Date.now() - fiveYears)),
      time(options.notAfter ?? new Date(Date.now() + fiveYears)),
    ),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, createPrivateKey(pem(signer)));
  const whole = sequence(
    body,
    sequence(objectId(oid.ecdsaWithSha256)),
    der(0x03, Buffer.concat([Buffer.from([0]), signature])),
  );
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, content: Buffer): Buffer {
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function integer(value: Buffer): Buffer {
  return der(0x02, value);
}

function boolean(value: boolean): Buffer {
  return der(0x01, Buffer.from([value ? 0xff : 0]));
}

function objectId(parts: number[]): Buffer {
  const bytes = [parts[0]! * 40 + parts[1]!];
  for (const part of parts.slice(2)) {
    const septets = [part & 0x7f];
    for (let rest = part >>> 7; rest > 0; rest >>>= 7) septets.unshift((rest & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return der(0x06, Buffer.from(bytes));
}

function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId(oid.commonName), der(0x0c, Buffer.from(commonName)))));
}

function time(date: Date): Buffer {
  return der(
    0x18,
    Buffer.from(
      date
        .toISOString()
        .replace(/[-:T]/g, '')
        .replace(/\.\d+Z$/, 'Z'),
    ),
  );
}

function extension(id: number[], critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), der(0x04, value));
}

function generalName(value: string): Buffer {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(value)) return der(0x87, Buffer.from(value.split('.').map(Number)));
  return der(0x82, Buffer.from(value));
}
