import { z } from 'zod';
import { normalizeTime } from '../lib/time.ts';
import { severities } from '../model/finding.ts';
import { compileExceptionMatch, type ExceptionMatch } from './exceptions-match.ts';
import { matchSchema, whenSchema } from './match-schema.ts';

const match = matchSchema(
  (entry) => compileExceptionMatch(entry as ExceptionMatch),
  'as in routes; and args (all words after the program), args_have (some), args_at: {1: word, last: word}, command_line, command_line_contains, repository, digest, ancestors: {1: path, any: path}, peer_class (loopback, internal, …), peer (name, address or range), peer_port, peer_role: every peer must fit',
);

const expires = z
  .string()
  .refine((text) => expiryOf(text) !== undefined, 'a day (2027-03-31) or a time (2027-03-31T12:00:00Z)')
  .describe('the day, to its end in UTC, or the time when it stops');

/** One expected kind of finding. */
export const exceptionSchema = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9_-]{0,62}$/,
        'a name is lower case letters, digits, - and _, and starts with a letter or digit',
      ),
    match: match.optional(),
    when: whenSchema.optional(),
    reason: z.string().trim().min(1).describe('why this is expected, for whoever reads it in a year'),
    owner: z.string().min(1).optional().describe('who answers for it'),
    expires: expires.optional(),
    mode: z
      .union([
        z.enum(['hide', 'count']),
        z.strictObject({ lower: z.enum(severities).exclude(['none', 'critical']) }),
      ])
      .default('hide')
      .describe('hide the finding, {lower: SEVERITY} it, or only count how often it would'),
    even_if: z
      .array(z.string().min(1))
      .default([])
      .describe('hard indicators that do not break through this exception'),
  })
  .refine((one) => one.when !== undefined || Object.keys(one.match ?? {}).length > 0, {
    message: 'says nothing to match: give match or when',
  });
export type ExceptionConfig = z.output<typeof exceptionSchema>;

export const exceptionsSchema = z
  .array(exceptionSchema)
  .superRefine((given, context) => {
    const names = new Set<string>();
    for (const [index, { name }] of given.entries()) {
      if (names.has(name))
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: `there are two exceptions ${name}`,
        });
      names.add(name);
    }
  })
  .describe('expected findings: hidden, lowered or counted, each with its reason');

/** A file of its own for exceptions. */
export const exceptionsFileSchema = z.strictObject({ exceptions: exceptionsSchema });

/** The last moment of an exception, RFC 3339 with nine digits; undefined for what is no day or time. */
export function expiryOf(text: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return normalizeTime(text);
  const end = normalizeTime(`${text}T23:59:59.999999999Z`);
  return end !== undefined && new Date(end).toISOString().startsWith(text) ? end : undefined;
}
