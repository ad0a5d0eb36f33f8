import { z } from 'zod';
import { messageOf } from '../lib/errors.ts';
import { checkedCel } from './cel.ts';
import type { Pattern } from './match.ts';

const value = z.union([z.string(), z.number(), z.boolean()]);
const pattern = z.union([value, z.array(value)]);

/** Key `match` of a route or an exception; `compile` throws an Error on what it cannot do with one entry. */
export function matchSchema(
  compile: (entry: Record<string, Pattern | Record<string, Pattern>>) => unknown,
  description: string,
) {
  return z
    .record(z.string(), z.union([pattern, z.record(z.string(), pattern)]))
    .superRefine((given, context) => {
      for (const [key, wanted] of Object.entries(given)) {
        try {
          compile({ [key]: wanted });
        } catch (error) {
          context.addIssue({ code: 'custom', path: [key], message: messageOf(error) });
        }
      }
    })
    .describe(description);
}

/** Key `when` of both. */
export const whenSchema = z
  .string()
  .superRefine((text, context) => {
    try {
      checkedCel(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
    }
  })
  .describe('CEL over `finding`, for what match cannot say; must hold as well');
