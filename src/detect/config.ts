import { z } from 'zod';
import { categories } from './tools/index.ts';

const id = z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/, 'lower-case letters, digits, "-", "_" and "."');
const names = z.array(z.string().min(1).max(128)).max(200);
const techniques = z.array(z.string().regex(/^T\d{4}(?:\.\d{3})?$/, 'an ATT&CK technique id such as T1105'));
const points = z.number().int().min(-200).max(200);
const patterns = z.array(z.string().min(1).max(512)).max(500);

/** One tool as an operator writes it: the shape of the built-in taxonomy. */
export const toolSchema = z
  .object({
    id: id.describe('Canonical id, as findings, exceptions and routes name it'),
    category: z.enum(categories).describe('Category; gives points, techniques and responder steps'),
    names: names.describe('File names that are this tool, matched exactly'),
    applets: names.optional().describe('Names as applets of busybox or toybox, where they differ'),
    modules: names.optional().describe('Module forms, e.g. "python:http.server"'),
    packages: names.optional().describe('Packages that install it'),
    mitre: techniques.optional().describe('ATT&CK techniques, before those of the category'),
    points: points.optional().describe("Points of a mere execution; default: the category's"),
    grammar: id
      .optional()
      .describe('Argument grammar, e.g. "curl"; default: the one of the same id, else a generic one'),
    first_operand: names.optional().describe('Counts only with one of these words as first operand'),
    ambiguous: z
      .boolean()
      .optional()
      .describe('Other programs bear these names: count them only with a peer in the arguments'),
    next: z
      .array(z.string().min(1).max(1000))
      .optional()
      .describe("Responder's steps, before those of the category"),
  })
  .strict();

const toolsSchema = z
  .object({
    add: z
      .array(toolSchema)
      .default([])
      .describe('Tools to add; one with a known id replaces the built-in tool'),
    remove: z.array(id).default([]).describe('Ids of tools that are never reported'),
    points: z.record(z.string(), points).default({}).describe('Base points by tool id or category'),
  })
  .strict();

/** Where scores become severities: the least score of each. */
const thresholdsSchema = z
  .object({
    info: points.default(10).describe('Least score of info'),
    low: points.default(20).describe('Least score of low'),
    medium: points.default(40).describe('Least score of medium'),
    high: points.default(65).describe('Least score of high'),
    critical: points.default(110).describe('Least score of critical'),
  })
  .strict()
  .refine((t) => t.info <= t.low && t.low <= t.medium && t.medium <= t.high && t.high <= t.critical, {
    message: 'thresholds must rise from info to critical',
  });

/** Location classes an operator may give to paths; `expected` makes them neutral for soft indicators. */
export const locationClasses = ['world_writable', 'web_root', 'volume', 'hidden', 'expected'] as const;

const locationSchema = z
  .object({
    paths: patterns.min(1).describe('Globs of absolute paths: * within a component, ** across'),
    class: z.enum(locationClasses).describe('What lies there; "expected" means programs there are normal'),
    images: patterns.default([]).describe('Only in these images (globs of the repository); empty: in all'),
  })
  .strict();

const purposeSchema = z
  .object({
    images: patterns.min(1).describe('Globs of image repositories; without "/" the last component is meant'),
    tools: z.array(z.string()).min(1).describe('Tool ids or categories that belong in these images'),
  })
  .strict();

const imagesSchema = z
  .object({
    purpose: z.array(purposeSchema).default([]).describe('Images that run a network utility for a living'),
    debug: patterns.default([]).describe('Images made to be entered for diagnosis'),
    monitoring: patterns.default([]).describe('Images that watch other systems'),
    build: patterns.default([]).describe('Images that build, test or deploy'),
  })
  .strict();

/** The configuration of the detection, under the key `detect`. Everything adds to what is built in. */
export const detectSchema = z
  .object({
    tools: toolsSchema
      .default(() => toolsSchema.parse({}))
      .describe('The taxonomy: add, remove, re-rate tools'),
    weights: z
      .record(z.string(), points)
      .default({})
      .describe('Points by indicator id, instead of the built-in ones'),
    thresholds: thresholdsSchema
      .default(() => thresholdsSchema.parse({}))
      .describe('Least score of each severity'),
    locations: z.array(locationSchema).default([]).describe('What lies at paths of your images'),
    images: imagesSchema.default(() => imagesSchema.parse({})).describe('What images are for'),
    disabled_indicators: z.array(z.string()).default([]).describe('Ids of indicators that never fire'),
    seen_before_lowers: z
      .number()
      .int()
      .min(0)
      .default(1)
      .describe(
        'After so many earlier sightings of the same arguments and parent, verdicts up to low sink one step; 0: never',
      ),
    redact: z
      .boolean()
      .default(true)
      .describe('Mask credentials in arguments wherever a finding leaves the process'),
  })
  .strict();

export type DetectConfig = z.infer<typeof detectSchema>;

/** The configuration of an operator who wrote nothing. */
export function defaultDetectConfig(): DetectConfig {
  return detectSchema.parse({});
}
