import { z } from 'zod';
import { parseEndpoint } from '../endpoint.ts';
import { tlsClientSchema } from '../tls.ts';

const address = z.string().superRefine((text, context) => {
  const parsed = parseEndpoint(text);
  if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed });
});

/** A source of type `falco_grpc`. */
export const falcoGrpcSchema = z
  .strictObject({
    type: z.literal('falco_grpc').describe('Alerts from the gRPC output of Falco up to 0.43'),
    address: address
      .default('unix:///run/falco/falco.sock')
      .describe('Where Falco listens: unix:///path, or host:port (then Falco demands a client certificate)'),
    method: z
      .enum(['get', 'sub'])
      .default('get')
      .describe(
        'How alerts are fetched. An attached sub client can abort a Falco 0.43 that reloads; get cannot',
      ),
    poll_min_ms: z
      .int()
      .min(10)
      .max(10_000)
      .default(50)
      .describe('Pause between two requests while alerts come'),
    poll_max_ms: z
      .int()
      .min(10)
      .max(60_000)
      .default(1_000)
      .describe('Longest pause between two requests when none come'),
    connect_timeout_secs: z.number().positive().max(300).default(10).describe('Deadline for connecting'),
    answer_timeout_secs: z
      .number()
      .positive()
      .max(600)
      .default(30)
      .describe('A request that brings nothing for so long is given up and the connection made anew'),
    backoff_max_secs: z
      .number()
      .positive()
      .max(600)
      .default(30)
      .describe('Longest pause between two attempts to connect'),
    max_message_bytes: z
      .int()
      .min(65_536)
      .max(268_435_456)
      .default(16_777_216)
      .describe('A longer message is counted as oversized, and with it the rest of its request is lost'),
    tls: tlsClientSchema.optional().describe('TLS to Falco; without it plaintext, as on the unix socket'),
  })
  .refine((config) => config.poll_min_ms <= config.poll_max_ms, {
    message: 'poll_min_ms is above poll_max_ms',
    path: ['poll_min_ms'],
  });
export type FalcoGrpcConfig = z.infer<typeof falcoGrpcSchema>;

const tlsServerSchema = z.strictObject({
  cert_file: z.string().min(1).describe('PEM file of the certificate to show, with its intermediates'),
  key_file: z.string().min(1).describe('PEM file of its key, without passphrase'),
  client_ca_file: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file of the CA whose client certificates are demanded (http_output: mtls: true)'),
});

const listen = z.string().superRefine((text, context) => {
  if (parseListen(text) === undefined)
    context.addIssue({
      code: 'custom',
      message: 'an address to listen at is host:port, [ipv6]:port or :port',
    });
});

/** `0.0.0.0:2810`, `[::]:2810`, `:2810`; port 0 takes a free one. */
export function parseListen(text: string): { host?: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  const host = match[1] ?? match[2] ?? '';
  return host === '' ? { port } : { host, port };
}

/** A source of type `falco_http`. */
export const falcoHttpSchema = z.strictObject({
  type: z.literal('falco_http').describe("Falco's http_output, or falcosidekick's webhook output"),
  listen: listen.default('0.0.0.0:2810').describe('Where to listen'),
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'a path begins with / and has no query')
    .default('/')
    .describe('The only path that is accepted. Falco can send no token, so a long random path serves as one'),
  tls: tlsServerSchema.optional().describe('HTTPS, and with client_ca_file mutual TLS'),
  max_body_bytes: z
    .int()
    .min(4_096)
    .max(67_108_864)
    .default(1_048_576)
    .describe('A longer body is refused and counted'),
  answer_within_ms: z
    .int()
    .min(0)
    .max(1_000)
    .default(50)
    .describe('Longest wait for delivery to accept a finding: a slow answer blocks all outputs of Falco'),
  body_timeout_secs: z
    .number()
    .positive()
    .max(300)
    .default(10)
    .describe('A request must be whole within this time'),
  max_connections: z.int().min(1).max(65_536).default(256).describe('More connections are refused'),
  relay_execs: z
    .boolean()
    .default(true)
    .describe('Whether alerts about execs are relayed as well; all others always are'),
});
export type FalcoHttpConfig = z.infer<typeof falcoHttpSchema>;
