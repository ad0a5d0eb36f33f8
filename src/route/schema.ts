import { z } from 'zod';
import { severities } from '../model/finding.ts';
import { type FieldName, fieldNames } from './fields.ts';
import { compileMatch, type Match } from './match.ts';
import { matchSchema, whenSchema } from './match-schema.ts';

const match = matchSchema(
  (entry) => compileMatch(entry as Match),
  'field: value, glob or list; all must fit. severity: ">=high", image: "registry.example/**", tool: "!curl"',
);

const seconds = z
  .number()
  .min(0)
  .max(30 * 86_400);
const severity = z.enum(severities).exclude(['none']);

/** What a route decides about its notices; what is absent comes from the route above. */
const conduct = {
  sinks: z.array(z.string()).optional().describe('names of sinks; default: those of the route above'),
  min_severity: severity
    .optional()
    .describe("findings below are not sent here; default: that of the route above, else the sink's own"),
  group_by: z
    .array(z.enum(fieldNames as [FieldName, ...FieldName[]]))
    .optional()
    .describe(
      'findings with the same values of these fields are told in one notice; [] tells each by itself',
    ),
  group_wait_secs: seconds.optional().describe('how long the first finding of a group waits for others'),
  group_interval_secs: seconds
    .optional()
    .describe('shortest time between notices of a group when something new joins it'),
  repeat_interval_secs: seconds
    .optional()
    .describe(
      'after a notice, findings like those already told are counted and told together after this time; remembered in memory: after a restart the first notice of a group may come earlier',
    ),
  rate_limit: z
    .strictObject({
      count: z.int().min(1).max(100_000).describe('so many notices'),
      per_secs: z.number().min(1).max(86_400).describe('in this time; what is beyond is told in a summary'),
    })
    .optional()
    .describe('bounds the notices of this route to each of its sinks'),
};

/** A route below the root. Written out, since a type cannot be inferred from itself. */
export interface ChildRouteConfig extends z.output<z.ZodObject<typeof conduct>> {
  name?: string | undefined;
  match?: z.output<typeof match> | undefined;
  when?: string | undefined;
  continue: boolean;
  routes: ChildRouteConfig[];
}

const child: z.ZodType<ChildRouteConfig> = z.strictObject({
  name: z
    .string()
    .regex(
      /^[a-z][a-z0-9_-]{0,62}$/,
      'a name is lower case letters, digits, - and _, and starts with a letter',
    )
    .optional()
    .describe('shown by `lanner routes test`'),
  match: match.optional(),
  when: whenSchema.optional(),
  continue: z.boolean().default(false).describe('look at the routes after this one as well'),
  ...conduct,
  get routes(): z.ZodType<ChildRouteConfig[]> {
    return z
      .array(child)
      .default([])
      .describe('tried in order; if one matches, it decides instead of this one');
  },
});

/** The root of the tree: it matches every finding. */
export const routeSchema = z.strictObject({
  ...conduct,
  sinks: z.array(z.string()).optional().describe('names of sinks; default: all'),
  min_severity: severity.default('low').describe('findings below are in the history only'),
  routes: z.array(child).default([]).describe('tried in order; the first that matches decides'),
});
export type RouteConfig = z.output<typeof routeSchema>;

/** All sink names a tree mentions, each with its place. */
export function sinksNamed(config: RouteConfig): { path: string; sink: string }[] {
  const named: { path: string; sink: string }[] = [];
  const visit = (node: { sinks?: string[] | undefined; routes: ChildRouteConfig[] }, path: string) => {
    for (const sink of node.sinks ?? []) named.push({ path: `${path}.sinks`, sink });
    for (const [index, route] of node.routes.entries()) visit(route, `${path}.routes.${index}`);
  };
  visit(config, 'route');
  return named;
}
