import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { z } from 'zod';
import { LannerError, messageOf } from '../lib/errors.ts';

/** How we prove ourselves to a sensor, and whom we trust. */
export const tlsClientSchema = z
  .strictObject({
    ca_file: z
      .string()
      .min(1)
      .optional()
      .describe(
        "PEM file of the CA that signed the sensor's certificate; without it the system's CAs are trusted",
      ),
    cert_file: z
      .string()
      .min(1)
      .optional()
      .describe('PEM file of our client certificate, with its intermediates'),
    key_file: z
      .string()
      .min(1)
      .optional()
      .describe('PEM file of the key of the client certificate, without passphrase'),
    server_name: z
      .string()
      .min(1)
      .optional()
      .describe("Name to expect in the sensor's certificate, where it is not the host of the address"),
  })
  .refine((tls) => (tls.cert_file === undefined) === (tls.key_file === undefined), {
    message: 'cert_file and key_file belong together',
  });
export type TlsClientFiles = z.infer<typeof tlsClientSchema>;

/** The content of the files, checked. */
export interface TlsMaterial {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/**
 * Reads the files anew, so that certificates can be replaced while Lanner runs: call it on each reconnect.
 * Throws LannerError `tls_file`, naming the file and what is wrong with it; never its content.
 */
export function readTlsFiles(files: {
  ca_file?: string | undefined;
  cert_file?: string | undefined;
  key_file?: string | undefined;
}): TlsMaterial {
  const material: TlsMaterial = {};
  if (files.ca_file !== undefined) material.ca = readCertificates(files.ca_file, 'ca_file');
  if (files.cert_file !== undefined) material.cert = readCertificates(files.cert_file, 'cert_file');
  if (files.key_file !== undefined) material.key = read(files.key_file, 'key_file');
  if (material.key === undefined) return material;
  try {
    createSecureContext(material);
  } catch (error) {
    throw new LannerError(
      'tls_file',
      `key_file ${files.key_file} cannot be used: ${opensslReason(error)}`,
      'Give the unencrypted PEM key that belongs to the first certificate in cert_file.',
      { cause: error },
    );
  }
  return material;
}

/** Credentials for a channel: plaintext without `files`. Throws as `readTlsFiles`. */
export function channelCredentials(files: TlsClientFiles | undefined): ChannelCredentials {
  if (files === undefined) return credentials.createInsecure();
  const { ca, cert, key } = readTlsFiles(files);
  return credentials.createSsl(ca ?? null, key ?? null, cert ?? null);
}

/** Channel options that belong to the credentials. */
export function tlsChannelOptions(files: TlsClientFiles | undefined): ChannelOptions {
  if (files?.server_name === undefined) return {};
  return {
    'grpc.ssl_target_name_override': files.server_name,
    'grpc.default_authority': files.server_name,
  };
}

function read(path: string, key: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new LannerError(
      'tls_file',
      `${key} ${path} cannot be read: ${messageOf(error)}`,
      'Check the path, that the volume is mounted, and that this user may read it.',
      { cause: error },
    );
  }
}

function readCertificates(path: string, key: string): Buffer {
  const content = read(path, key);
  const blocks = content
    .toString('latin1')
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  try {
    if (blocks === null) throw new Error('it holds no PEM certificate');
    for (const block of blocks) new X509Certificate(block);
  } catch (error) {
    throw new LannerError(
      'tls_file',
      `${key} ${path} cannot be used: ${opensslReason(error)}`,
      'Give PEM certificates (-----BEGIN CERTIFICATE-----).',
      { cause: error },
    );
  }
  return content;
}

/** OpenSSL's last words without its hexadecimal preamble. */
function opensslReason(error: unknown): string {
  const text = messageOf(error);
  return text.replace(/^error:[0-9A-F]+:/, '').replace(/^[^:]*:[^:]*:(?=\S)/, '');
}
