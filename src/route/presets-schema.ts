import { z } from 'zod';
import { exceptionsSchema } from './exceptions-schema.ts';

const example = z.strictObject({
  run: z.string().min(1).describe('command line as a shell would split it'),
  image: z.string().min(1),
  by: z.array(z.string()).optional().describe('ancestors in the container, nearest first'),
  exe: z.string().optional(),
  tty: z.boolean().optional(),
  in_init_tree: z.boolean().optional(),
});

/** A file of src/route/presets: exceptions for what a common image does, with what they hide and what not. */
export const presetSchema = z.strictObject({
  title: z.string().min(1),
  about: z.string().min(1),
  see: z.array(z.url()).min(1).describe('what the command lines were taken from'),
  needs_tools: z
    .array(z.string())
    .default([])
    .describe('programs that are no tools unless detect.tools.add names them'),
  exceptions: exceptionsSchema.min(1),
  examples: z.strictObject({ hides: z.array(example).min(1), keeps: z.array(example).min(2) }),
});
export type Preset = z.output<typeof presetSchema>;
