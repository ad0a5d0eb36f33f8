import { z } from 'zod';

const tlsSchema = z.strictObject({
  cert_file: z.string().min(1).describe('PEM file of the certificate to show, with its intermediates'),
  key_file: z.string().min(1).describe('PEM file of its key, without passphrase'),
});

/** Section `http`. What anyone on the network could reach needs a token and TLS, or the word `insecure`. */
export const httpSchema = z
  .strictObject({
    listen: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'must be host:port')
      .default('127.0.0.1:2114')
      .describe('address of /healthz, /readyz and /metrics'),
    enabled: z.boolean().default(true).describe('false: no HTTP at all'),
    token: z
      .string()
      .min(16)
      .optional()
      .describe('bearer token to demand; without it a request gets no more than the bare status'),
    token_file: z.string().min(1).optional().describe('file with the token, read again when it changes'),
    tls: tlsSchema.optional().describe('HTTPS'),
    insecure: z
      .boolean()
      .default(false)
      .describe('listen beyond loopback without token or TLS, where the network itself keeps others out'),
  })
  .superRefine((http, context) => {
    if (http.token !== undefined && http.token_file !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['token_file'],
        message: 'give token or token_file, not both',
      });
    if (!http.enabled || http.insecure || isLoopback(hostOf(http.listen))) return;
    const missing = [
      ...(http.token === undefined && http.token_file === undefined ? ['token (or token_file)'] : []),
      ...(http.tls === undefined ? ['tls'] : []),
    ];
    if (missing.length > 0)
      context.addIssue({
        code: 'custom',
        path: ['listen'],
        message: `${http.listen} is reached from outside this host: set ${missing.join(' and ')}, or \`insecure: true\` where the network keeps others out`,
      });
  });
export type HttpConfig = z.infer<typeof httpSchema>;

/** The host of `host:port`, without the brackets of IPv6. */
export function hostOf(listen: string): string {
  return listen.slice(0, listen.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
