import { z } from 'zod';

/** Section `canary`. */
export const canarySchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Lanner runs its own Node.js binary (`node --version`) every now and then and expects each sensor to report it',
      ),
    interval_secs: z.number().min(1).max(86_400).default(300).describe('how often'),
    within_secs: z
      .number()
      .min(0.1)
      .max(600)
      .default(30)
      .describe('a sensor that has not reported it by then has missed it; Tetragon may take 30 s by itself'),
    misses: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe('so many missed in a row make a sensor blind; after a miss the next one runs at once'),
    sources: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('sources whose sensor watches this host; default: all. A sensor elsewhere cannot see it'),
  })
  .refine((canary) => canary.within_secs <= canary.interval_secs, {
    message: 'within_secs is above interval_secs',
    path: ['within_secs'],
  })
  .describe('proof that the sensors see: a program of our own that they must report');
export type CanaryConfig = z.output<typeof canarySchema>;
