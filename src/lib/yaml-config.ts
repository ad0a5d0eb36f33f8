import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { nearest } from './nearest.ts';

/** One thing wrong in a configuration file. */
export interface Problem {
  /** 1-based; 0 if the place cannot be told. */
  line: number;
  column: number;
  /** `sinks.ops.url` */
  path: string;
  message: string;
}

export type Loaded<T> = { ok: true; value: T } | { ok: false; problems: Problem[] };

type Path = readonly PropertyKey[];

/**
 * Reads YAML and validates it. All problems are reported at once, each with its line; unknown keys come with
 * the known ones and the nearest right name. `${NAME}` and `${NAME:-default}` in values are taken from `env`;
 * no value from the environment ever appears in a problem.
 */
export function loadYaml<S extends z.ZodType>(
  text: string,
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): Loaded<z.output<S>> {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true });
  const place = (offset: number | undefined) => {
    if (offset === undefined) return { line: 0, column: 0 };
    const { line, col } = counter.linePos(offset);
    return { line, column: col };
  };
  const fromEnvironment = new Set<string>();
  const problems: Problem[] = document.errors.map((error) => ({
    ...place(error.pos[0]),
    path: '',
    message: `not valid YAML: ${error.message}`,
  }));
  if (problems.length > 0) return { ok: false, problems };

  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== 'string' || !node.value.includes('${')) return;
      node.value = node.value.replace(
        /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
        (_all, name: string, or?: string) => {
          const value = env[name] ?? or;
          if (value === undefined)
            problems.push({
              ...place(node.range?.[0]),
              path: '',
              message: `the environment has no ${name}; set it, or give a default: \${${name}:-…}`,
            });
          return value ?? '';
        },
      );
      fromEnvironment.add(node.value as string);
    },
  });
  const raw: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  // A parser compiled for one parse costs more than it saves.
  const result = schema.safeParse(raw, { jitless: true });
  if (!result.success) {
    const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
    for (const issue of result.error.issues)
      for (const { path, message } of explain(issue, shape, raw))
        problems.push({
          ...place(offsetOf(document.contents, path)),
          path: path.map(String).join('.'),
          message: hide(message, fromEnvironment),
        });
  }
  if (problems.length > 0)
    return { ok: false, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
  return { ok: true, value: (result as { data: z.output<S> }).data };
}

/** What came from the environment may be a secret, wherever it was put by mistake. */
function hide(message: string, values: ReadonlySet<string>): string {
  let shown = message;
  for (const value of values) shown = shown.replaceAll(JSON.stringify(value), '"[from the environment]"');
  return shown;
}

/** Where the deepest part of the path that exists begins; for an unknown key, the key itself. */
function offsetOf(root: unknown, path: Path): number | undefined {
  let node = root;
  let offset = (root as Node | null)?.range?.[0];
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item): item is Pair<Node, Node> => isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (pair === undefined) return offset;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else {
      const item = (node as { items?: Node[] } | null)?.items?.[Number(step)];
      if (item === undefined) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    }
  }
  return offset;
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  const?: unknown;
  enum?: unknown[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
}

type Issue = z.core.$ZodIssue;

function explain(issue: Issue, shape: JsonSchema, raw: unknown): { path: Path; message: string }[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(shape, issue.path, raw);
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: unknownName('key', key, known) }));
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const given = valueAt(raw, issue.path);
    if (given === undefined) return [{ path: issue.path, message: `is missing (${values.join(', ')})` }];
    if (typeof given === 'string')
      return [{ path: issue.path, message: unknownName('value', given, values) }];
  }
  if (issue.code === 'invalid_type' && valueAt(raw, issue.path) === undefined)
    return [{ path: issue.path, message: `is missing (${issue.expected})` }];
  if (issue.code === 'invalid_union') {
    const discriminator = (issue as { discriminator?: string }).discriminator;
    if (discriminator !== undefined) return [discriminated(issue.path, discriminator, shape, raw)];
    const nested = issue.errors.find(
      (errors) => errors.length > 0 && errors.every((one) => one.path.length > 0),
    );
    if (nested !== undefined)
      return nested.flatMap((one) =>
        explain({ ...one, path: [...issue.path, ...one.path] } as Issue, shape, raw),
      );
  }
  return [{ path: issue.path, message: lower(issue.message) }];
}

function discriminated(
  path: Path,
  key: string,
  shape: JsonSchema,
  raw: unknown,
): { path: Path; message: string } {
  const at = path.at(-1) === key ? path.slice(0, -1) : path;
  const options = alternatives(schemaAt(shape, at, raw, false) ?? {}).flatMap(
    (one) => one.properties?.[key]?.const ?? [],
  );
  const given = valueAt(raw, [...at, key]);
  if (given === undefined)
    return { path: at, message: `\`${key}\` is missing; it is one of ${options.join(', ')}` };
  return { path: [...at, key], message: unknownName('value', String(given), options.map(String)) };
}

function unknownName(what: 'key' | 'value', written: string, known: readonly string[]): string {
  const near = nearest(written, known);
  const hint = near === undefined ? '.' : `; did you mean ${near}?`;
  return `unknown ${what} ${JSON.stringify(written)}${hint} Known: ${[...known].sort().join(', ')}`;
}

function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}

function knownKeys(shape: JsonSchema, path: Path, raw: unknown): string[] {
  const at = schemaAt(shape, path, raw, true);
  if (at === undefined) return [];
  const keys = alternatives(at).flatMap((one) => Object.keys(one.properties ?? {}));
  return [...new Set(keys)];
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  return schema.anyOf ?? schema.oneOf ?? [schema];
}

/** The part of the schema that describes `path`; among alternatives the one whose constants the value has. */
function schemaAt(root: JsonSchema, path: Path, raw: unknown, choose: boolean): JsonSchema | undefined {
  let schema: JsonSchema | undefined = root;
  let value = raw;
  const resolve = (one: JsonSchema): JsonSchema =>
    one.$ref === undefined ? one : (root.$defs?.[one.$ref.replace('#/$defs/', '')] ?? one);
  const pick = (one: JsonSchema): JsonSchema => {
    const options = alternatives(resolve(one)).map(resolve);
    const fits = options.find((option) =>
      Object.entries(option.properties ?? {}).every(
        ([key, inner]) => inner.const === undefined || inner.const === valueAt(value, [key]),
      ),
    );
    return fits ?? options[0] ?? one;
  };
  for (const step of path) {
    const here: JsonSchema = pick(schema);
    const extra = typeof here.additionalProperties === 'object' ? here.additionalProperties : undefined;
    schema = typeof step === 'number' ? here.items : (here.properties?.[String(step)] ?? extra);
    if (schema === undefined) return undefined;
    value = valueAt(value, [step]);
  }
  return choose ? pick(schema) : resolve(schema);
}
