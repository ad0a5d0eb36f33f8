import { afterAll, describe, expect, it } from 'vitest';
import { LannerError } from '../../src/lib/errors.ts';
import { readTlsFiles, tlsChannelOptions, tlsClientSchema } from '../../src/sources/tls.ts';
import { createAuthority, writeFiles } from '../support/certificates.ts';

const authority = createAuthority();
const client = authority.client('lanner');
const other = authority.client('other');
const { paths, remove } = writeFiles({
  ca: authority.cert,
  cert: client.cert,
  key: client.key,
  other_key: other.key,
  junk: 'not a certificate',
  broken: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
});
afterAll(remove);

function failure(files: Parameters<typeof readTlsFiles>[0]): LannerError {
  try {
    readTlsFiles(files);
  } catch (error) {
    if (error instanceof LannerError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('TLS files', () => {
  it('are read and belong together', () => {
    const material = readTlsFiles({ ca_file: paths.ca, cert_file: paths.cert, key_file: paths.key });
    expect(material.key?.toString()).toBe(client.key);
  });

  it.each([
    ['a missing file', { ca_file: '/nowhere/ca.crt' }, /ca_file \/nowhere\/ca\.crt cannot be read/],
    ['text that is no certificate', { ca_file: paths.junk }, /no PEM certificate/],
    ['a broken certificate', { ca_file: paths.broken }, /ca_file .*broken cannot be used/],
    [
      'the key of another certificate',
      { cert_file: paths.cert, key_file: paths.other_key },
      /key values mismatch/,
    ],
    [
      'text that is no key',
      { cert_file: paths.cert, key_file: paths.junk },
      /key_file .*junk cannot be used/,
    ],
  ])('are refused with %s, without a word of the content', (_name, files, message) => {
    const error = failure(files);
    expect(error.code).toBe('tls_file');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(client.key.split('\n')[1]);
  });

  it('come with a key or not at all', () => {
    expect(tlsClientSchema.safeParse({ cert_file: 'a' }).success).toBe(false);
    expect(tlsClientSchema.safeParse({ cert_file: 'a', key_file: 'b' }).success).toBe(true);
    expect(tlsClientSchema.safeParse({ certfile: 'a' }).success).toBe(false);
  });

  it('carry the name to expect into the channel', () => {
    expect(tlsChannelOptions(undefined)).toEqual({});
    expect(tlsChannelOptions({ server_name: 'falco' })['grpc.ssl_target_name_override']).toBe('falco');
  });
});
