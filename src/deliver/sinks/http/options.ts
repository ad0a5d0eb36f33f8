import { z } from 'zod';
import { severities } from '../../../model/finding.ts';

const seconds = (least: number, most: number) => z.number().min(least).max(most);

/** Only http and https, with a host, and without a fragment. User and password have keys of their own. */
export const httpUrl = z
  .string()
  .refine(
    (text) => isHttpUrl(text),
    'must be an http:// or https:// URL without user, password and fragment',
  );

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    /^https?:$/.test(url.protocol) && url.hostname !== '' && url.username + url.password + url.hash === ''
  );
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerName = z.string().regex(token, 'is no HTTP header name');
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'has characters that no header may have');

/** Set by Lanner from the body and the connection; another value would break the request. */
const ownHeaders = ['content-length', 'transfer-encoding', 'host', 'connection', 'content-encoding'];

const headers = z
  .record(headerName, headerValue)
  .refine(
    (record) => !Object.keys(record).some((name) => ownHeaders.includes(name.toLowerCase())),
    `may not set ${ownHeaders.join(', ')}`,
  );

/** TLS towards a receiver. Files are read again when they change. */
export const tlsSchema = z
  .strictObject({
    ca_file: z.string().optional().describe('PEM file of the CAs to trust, instead of the public ones'),
    cert_file: z
      .string()
      .optional()
      .describe('PEM file of our client certificate (mTLS), read again when it changes'),
    key_file: z.string().optional().describe('PEM file of its private key'),
    server_name: z
      .string()
      .optional()
      .describe('name to expect in the certificate, if not the one in the URL'),
    insecure_skip_verify: z.boolean().default(false).describe('accept any certificate: for tests only'),
  })
  .refine((tls) => (tls.cert_file === undefined) === (tls.key_file === undefined), {
    message: 'cert_file and key_file go together',
  });

/** What a receiver asks us for; none of it is ever logged or shown. */
export const authSchema = z
  .strictObject({
    basic: z
      .strictObject({
        user: z.string().describe('user name'),
        password: z.string().optional().describe('password, from the environment'),
        password_file: z.string().optional().describe('file with the password, read for each attempt'),
      })
      .optional()
      .describe('HTTP basic authentication'),
    bearer: z.string().optional().describe('bearer token, from the environment'),
    bearer_file: z.string().optional().describe('file with the bearer token, read for each attempt'),
  })
  .refine(
    (auth) => [auth.basic, auth.bearer, auth.bearer_file].filter((each) => each !== undefined).length <= 1,
    {
      message: 'give one of basic, bearer, bearer_file',
    },
  );

/** Keys that every sink over HTTP has. */
export const httpOptions = {
  headers: headers.default({}).describe('further request headers, secrets from the environment'),
  header_files: z
    .record(headerName, z.string())
    .default({})
    .describe('headers whose value stands in a file, read for each attempt'),
  auth: authSchema.optional().describe('how we show who we are'),
  tls: tlsSchema.optional().describe('TLS of this sink'),
  proxy: z
    .string()
    .refine(
      (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
      'must be an http:// or https:// URL',
    )
    .optional()
    .describe('HTTP proxy; user and password may stand in the URL'),
  connect_timeout_secs: seconds(0.01, 120).default(5).describe('for the connection and its TLS handshake'),
  read_timeout_secs: seconds(0.01, 600).default(10).describe('longest silence of the receiver'),
  timeout_secs: seconds(0.01, 600).default(15).describe('for the whole attempt'),
  compression: z.enum(['none', 'gzip']).default('none').describe('compress bodies'),
  http2: z.boolean().default(true).describe('use HTTP/2 where the receiver offers it (TLS only)'),
};

/** Keys that every sink has: how the dispatcher treats it. */
export const conductOptions = {
  concurrency: z.number().int().min(1).max(256).default(8).describe('attempts at the same time'),
  retry_initial_secs: seconds(0.01, 3600)
    .default(1)
    .describe('bound of the first wait; doubles for each further one'),
  retry_max_secs: seconds(0.01, 86_400).default(7200).describe('longest bound of a wait'),
  min_severity: z
    .enum(severities)
    .exclude(['none'])
    .optional()
    .describe('findings below are not sent here; default: what the routes say'),
  max_age_hours: z.number().min(0.01).max(8760).default(72).describe('then a delivery becomes a dead letter'),
};

/** Several findings in one request. */
export const batchSchema = z.strictObject({
  max_count: z.number().int().min(2).max(1000).default(50).describe('findings in one request'),
  max_bytes: z
    .number()
    .int()
    .min(1024)
    .max(16_777_216)
    .default(524_288)
    .describe('bytes of findings in one request'),
  max_wait_secs: seconds(0, 60).default(1).describe('longest wait for company'),
  form: z.enum(['array', 'ndjson']).default('array').describe('a JSON array, or one JSON object per line'),
});

/** Standard Webhooks signatures, symmetric (whsec_) and asymmetric (whsk_). */
export const signingSchema = z
  .strictObject({
    secrets: z
      .array(z.string())
      .default([])
      .describe('Standard Webhooks keys (whsec_… or whsk_…); all sign, so that a key can be rotated'),
    secret_files: z.array(z.string()).default([]).describe('files with one key each, read for each attempt'),
  })
  .refine((signing) => signing.secrets.length + signing.secret_files.length > 0, 'needs at least one key');

const httpSchema = z.strictObject(httpOptions);
export type HttpOptions = z.infer<typeof httpSchema>;
const conductSchema = z.strictObject(conductOptions);
export type ConductOptions = z.infer<typeof conductSchema>;
export type TlsOptions = z.infer<typeof tlsSchema>;
export type AuthOptions = z.infer<typeof authSchema>;
export type BatchOptions = z.infer<typeof batchSchema>;
export type SigningOptions = z.infer<typeof signingSchema>;
