import { z } from 'zod';

export const httpSchema = z.strictObject({
  listen: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'must be host:port')
    .default('127.0.0.1:2114')
    .describe('address of /healthz and /metrics'),
  enabled: z.boolean().default(true),
});
export type HttpConfig = z.infer<typeof httpSchema>;
