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
