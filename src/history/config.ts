import { z } from 'zod';

const missesSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('keep a sample of execs that named a tool and did not fire'),
  max_per_hour: z
    .int()
    .min(1)
    .max(1000)
    .default(3)
    .describe(
      'kept of one structure (tool, arguments with variable parts folded, parent, image) and hour: the 1st, 10th, 100th, …',
    ),
  max_per_minute: z
    .int()
    .min(1)
    .max(60_000)
    .default(300)
    .describe('kept of all structures together; beyond, they are counted only'),
  max_structures: z
    .int()
    .min(16)
    .max(1_000_000)
    .default(4096)
    .describe('structures that are told apart; beyond, the oldest is forgotten'),
  max_bytes: z
    .int()
    .min(2 ** 20)
    .default(32 * 2 ** 20)
    .describe('bytes of them that are kept; beyond, the oldest are forgotten'),
  max_days: z.number().min(0.01).max(3650).default(7).describe('how long one is kept'),
});
export type MissesConfig = z.output<typeof missesSchema>;

export const historySchema = z.strictObject({
  enabled: z.boolean().default(true).describe('keep findings, hidden ones too; needs durable: true'),
  max_bytes: z
    .int()
    .min(2 ** 20)
    .default(256 * 2 ** 20)
    .describe('bytes of findings that are kept; beyond, the oldest are forgotten'),
  max_days: z.number().min(0.01).max(3650).default(30).describe('how long a finding is kept'),
  misses: missesSchema
    .prefault({})
    .describe('what a change that adds findings is previewed with; never pushes out findings'),
});
export type HistoryConfig = z.output<typeof historySchema>;
