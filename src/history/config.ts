import { z } from 'zod';

export const historySchema = z.strictObject({
  enabled: z.boolean().default(true).describe('keep findings, hidden ones too; needs durable: true'),
  max_bytes: z
    .int()
    .min(2 ** 20)
    .default(256 * 2 ** 20)
    .describe('bytes of findings that are kept; beyond, the oldest are forgotten'),
  max_days: z.number().min(0.01).max(3650).default(30).describe('how long a finding is kept'),
});
export type HistoryConfig = z.output<typeof historySchema>;
