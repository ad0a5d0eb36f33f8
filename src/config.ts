import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { canarySchema } from './canary/config.ts';
import { spoolSchema } from './deliver/ledger.ts';
import { sinkSchema } from './deliver/sinks/index.ts';
import { relaySchema } from './deliver/sinks/relay.ts';
import { noticesSchema } from './deliver/troubles.ts';
import { detectSchema } from './detect/index.ts';
import { enrichSchema } from './enrich/config.ts';
import { historySchema } from './history/config.ts';
import { httpSchema } from './http/config.ts';
import { LannerError, messageOf } from './lib/errors.ts';
import { loadYaml, type Problem } from './lib/yaml-config.ts';
import { presetNames, presetOf } from './presets.ts';
import { type ExceptionConfig, exceptionsFileSchema, exceptionsSchema } from './route/exceptions-schema.ts';
import { learningSchema } from './route/learning.ts';
import { routeSchema, sinksNamed } from './route/schema.ts';
import { falcoGrpcSchema, falcoHttpSchema, tetragonFileSchema, tetragonSchema } from './sources/index.ts';

const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,62}$/,
    'a name is lower case letters, digits, - and _, and starts with a letter',
  );

const seconds = (value: number) => z.number().min(0).default(value);
const stateSchema = z.strictObject({
  fold_secs: seconds(600).describe(
    'execs of one command become one finding if they are no further apart; 0: off',
  ),
  seen_secs: seconds(3600).describe(
    'how long the same arguments under the same parent are remembered; 0: off',
  ),
  seen_entries: z.int().min(0).default(10_000),
  chain_secs: seconds(300).describe(
    'longest pause between download, chmod and execution of one file; 0: off',
  ),
  context_containers: z.int().min(1).default(256).describe('containers whose recent execs are kept'),
  context_execs: z.int().min(1).default(32).describe('recent execs kept for each of them'),
});

const reloadSchema = z.strictObject({
  watch: z
    .boolean()
    .default(true)
    .describe(
      'take over changes of this file, exceptions_file, template files and http.token_file; false: on SIGHUP only',
    ),
  look_secs: z.number().min(0.05).max(600).default(1).describe('how often the files are looked at'),
  settle_secs: z
    .number()
    .min(0)
    .max(600)
    .default(1)
    .describe('a change is read when nothing has changed for so long: several writes are one change'),
  gone_secs: z
    .number()
    .min(0)
    .max(3600)
    .default(10)
    .describe('how long a file may be away, as it is while some editors write it'),
  findings: z
    .int()
    .min(0)
    .max(100_000)
    .default(1000)
    .describe(
      'the new configuration is first tried on so many of the newest findings of the history, and of the execs that did not fire',
    ),
});

/** Falco has one http_output URL: whoever stood there before Lanner goes on getting every alert. */
const falcoHttpWithRelay = falcoHttpSchema.extend({
  relay: relaySchema
    .optional()
    .describe('passes received alerts on, unchanged, to the receiver that Falco posted to before'),
});

/** The whole configuration, put together from the parts' own schemas. Keys carry their units. */
export const configSchema = z.strictObject({
  version: z.literal(1).describe('version of this format'),
  node: z
    .string()
    .min(1)
    .optional()
    .describe('name of this node, where the sensor does not tell; default: host name'),
  cluster: z.string().min(1).optional().describe('name of the cluster, where the sensor does not tell'),
  state_dir: z
    .string()
    .startsWith('/')
    .optional()
    .describe("where deliveries wait on disk; default: /var/lib/lanner, else the user's state home"),
  durable: z
    .boolean()
    .default(true)
    .describe('keep accepted deliveries on disk until they arrive; false: in memory only'),
  spool: spoolSchema.prefault({}).describe('how much may wait to be delivered'),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
      format: z
        .enum(['auto', 'json', 'text'])
        .default('auto')
        .describe('auto: text on a terminal, else json'),
    })
    .prefault({}),
  sources: z
    .record(
      name,
      z.discriminatedUnion('type', [tetragonSchema, tetragonFileSchema, falcoGrpcSchema, falcoHttpWithRelay]),
    )
    .refine((sources) => Object.keys(sources).length > 0, 'at least one source is needed')
    .describe('where events come from, by name'),
  sinks: z.record(name, sinkSchema).default({}).describe('where findings go, by name'),
  detect: detectSchema.prefault({}),
  enrich: enrichSchema.prefault({}).describe('facts about container and image that the sensor leaves out'),
  route: routeSchema.prefault({}).describe('which finding goes to which sinks'),
  history: historySchema.prefault({}).describe('findings kept to look at, to replay and to tune by'),
  exceptions: exceptionsSchema.default([]),
  exceptions_file: z
    .string()
    .min(1)
    .optional()
    .describe('a YAML file with more `exceptions:`; relative to this file'),
  exceptions_presets: z
    .array(z.string())
    .superRefine((given, context) => {
      for (const [index, name] of given.entries())
        if (!presetNames().includes(name))
          context.addIssue({
            code: 'custom',
            path: [index],
            message: `there is no preset ${JSON.stringify(name)}. Known: ${presetNames().join(', ')}`,
          });
    })
    .default([])
    .describe('exceptions that come with Lanner, by name: `lanner exceptions presets`'),
  learning: learningSchema
    .prefault({})
    .describe('what a new image does at first, for proposals of exceptions; nothing is applied by itself'),
  notices: noticesSchema.prefault({}).describe("Lanner's own troubles, told through the same sinks"),
  canary: canarySchema.prefault({}),
  page_url: z.url().optional().describe("where Lanner's page is reached from outside; messages link to it"),
  queue: z
    .strictObject({
      max_messages: z.int().min(1).default(20_000),
      max_bytes: z
        .int()
        .min(1024 * 1024)
        .default(64 * 1024 * 1024),
    })
    .prefault({})
    .describe('between the streams and the judgement; what does not fit is dropped and counted'),
  processes: z
    .strictObject({
      max_bytes: z
        .int()
        .min(64 * 1024)
        .default(8 * 1024 * 1024),
      max_entries: z.int().min(100).default(32_768),
    })
    .prefault({})
    .describe('the process table, from which ancestors are rebuilt'),
  state: stateSchema.prefault({}).describe('what is remembered beyond ancestors'),
  http: httpSchema.prefault({}).describe('health and metrics of this Lanner'),
  reload: reloadSchema.prefault({}).describe('how a changed configuration is taken over while Lanner runs'),
  shutdown_secs: z.number().min(0).default(20).describe('how long SIGTERM waits for deliveries'),
});
export type Config = z.output<typeof configSchema>;

/**
 * Validates a configuration. Throws LannerError `config_version` or `config_invalid`, whose message lists every
 * problem, one a line: `file:line:column path: what is wrong`.
 */
export function parseConfig(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const newer = /^version:\s*(\d+)/m.exec(text)?.[1];
  if (newer !== undefined && Number(newer) > 1)
    throw new LannerError(
      'config_version',
      `${file}: it is of version ${newer}, and this Lanner knows version 1`,
      'Update Lanner, or write the configuration for version 1.',
    );
  const loaded = loadYaml(text, configSchema, env);
  const problems = loaded.ok ? crossChecks(loaded.value) : loaded.problems;
  if (loaded.ok && problems.length === 0) return loaded.value;
  throw invalid(file, problems);
}

function invalid(file: string, problems: readonly Problem[]): LannerError {
  return new LannerError(
    'config_invalid',
    problems.map((problem) => formatProblem(file, problem)).join('\n'),
    problems.length === 1
      ? 'Mend it and check again with `lanner check`.'
      : 'Mend them and check again with `lanner check`.',
  );
}

/**
 * Reads and validates a file, and the presets and the file of exceptions it names. `read` gives the text of a file.
 * Throws LannerError `config_unreadable` too.
 */
export function loadConfig(
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  read: (file: string) => string = readConfigFile,
): Config {
  const config = withPresets(parseConfig(read(file), file, env), file);
  if (config.exceptions_file === undefined) return config;
  const beside = resolve(file === '-' ? '.' : dirname(file), config.exceptions_file);
  const more = parseExceptions(read(beside), beside, env);
  const names = new Set(config.exceptions.map(({ name }) => name));
  const twice = more.find(({ name }) => names.has(name));
  if (twice !== undefined)
    throw new LannerError(
      'config_invalid',
      `${beside} there is an exception ${twice.name} in ${file} too`,
      'Give one of them another name.',
    );
  return { ...config, exceptions: [...config.exceptions, ...more] };
}

/** The exceptions of the presets stand behind those of the configuration. */
function withPresets(config: Config, file: string): Config {
  const own = new Set(config.exceptions.map(({ name }) => name));
  const preset = [...new Set(config.exceptions_presets)].flatMap((name) => presetOf(name).exceptions);
  const twice = preset.find(({ name }) => own.has(name));
  if (twice !== undefined)
    throw new LannerError(
      'config_invalid',
      `${file} exceptions: ${twice.name} is the name of an exception of a preset`,
      'Give your own another name.',
    );
  return { ...config, exceptions: [...config.exceptions, ...preset] };
}

/** Validates a file of exceptions. Throws LannerError `config_invalid` with every problem. */
export function parseExceptions(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ExceptionConfig[] {
  const loaded = loadYaml(text, exceptionsFileSchema, env);
  if (loaded.ok) return loaded.value.exceptions;
  throw invalid(file, loaded.problems);
}

/** Reads a configuration's text; `-` is standard input. Throws LannerError `config_unreadable`. */
export function readConfigFile(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new LannerError(
      'config_unreadable',
      `${file}: ${messageOf(error)}`,
      'Check the path and who may read it.',
      {
        cause: error,
      },
    );
  }
}

/** What no single part can see. */
function crossChecks(config: Config): Problem[] {
  const known = Object.keys(config.sinks);
  const told = (config.notices.sinks ?? []).map((sink) => ({ path: 'notices.sinks', sink }));
  const sinks = [...sinksNamed(config.route), ...told].map(({ path, sink }) => ({
    path,
    what: 'sink',
    name: sink,
  }));
  const sources = (config.canary.sources ?? []).map((name) => ({
    path: 'canary.sources',
    what: 'source',
    name,
  }));
  const there: Record<string, string[]> = { sink: known, source: Object.keys(config.sources) };
  return [...sinks, ...sources]
    .filter(({ what, name }) => !there[what]!.includes(name))
    .map(({ path, what, name }) => ({
      line: 0,
      column: 0,
      path,
      message: `there is no ${what} ${JSON.stringify(name)}. Known: ${there[what]!.join(', ') || 'none'}`,
    }));
}

function formatProblem(file: string, { line, column, path, message }: Problem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return path === '' ? `${place} ${message}` : `${place} ${path}: ${message}`;
}

/** The name of this node for events whose sensor does not tell it. */
export function nodeName(config: Config): string {
  return config.node ?? process.env.NODE_NAME ?? hostname();
}
