/** deploy/reference/configuration.md and .schema.json: rendered from the schema that validates. */
import { z } from 'zod';
import { configSchema } from '../../config.ts';
import { restartKeys } from '../../service/restart.ts';
import { code, table } from './markdown.ts';

interface Schema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  pattern?: string;
  format?: string;
  minLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  $ref?: string;
  $defs?: Record<string, Schema>;
}

function schemaOfConfig(): Schema {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
}

/** JSON Schema for editors. Wherever a text has a form, `${ENV}` is accepted as well. */
export function configurationSchema(): string {
  const schema = withVariables(schemaOfConfig()) as object;
  return `${JSON.stringify({ title: 'Configuration of Lanner', ...schema }, null, 2)}\n`;
}

function withVariables(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => withVariables(one));
  if (typeof value !== 'object' || value === null || key === 'propertyNames' || key === 'default')
    return value;
  const { type, pattern, format, minLength, ...rest } = value as Schema;
  const hasForm = type === 'string' && (pattern ?? format ?? minLength) !== undefined;
  if (hasForm && key !== 'properties') {
    const form = {
      type,
      ...(pattern !== undefined && { pattern }),
      ...(format !== undefined && { format }),
      ...(minLength !== undefined && { minLength }),
    };
    return { ...rest, anyOf: [form, { type, pattern: '\\$\\{[A-Za-z_]' }] };
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withVariables(one, name)]));
}

/** Every key of the configuration. */
export function configurationReference(): string {
  const root = schemaOfConfig();
  const top = Object.entries(root.properties ?? {});
  const plain = top.filter(([, schema]) => !isSection(schema));
  const sections = top.filter(([, schema]) => isSection(schema));
  const required = root.required ?? [];
  return `${[
    '# Configuration',
    'Written by `npm run generate` from the schema that validates. `lanner check FILE` lists every problem with its line; `lanner check --json FILE` prints the whole configuration, defaults filled in. `configuration.schema.json` beside this page is for editors: begin the file with `# yaml-language-server: $schema=…/configuration.schema.json`.',
    '`${NAME}` and `${NAME:-default}` in values are taken from the environment before validation. `<name>` is a name of your choice, `[]` stands for each entry of a list. What has no default is optional, unless it says **required**.',
    `A changed file is taken over while Lanner runs (section [reload](#reload)). Applied by a restart only: ${restartKeys.map(code).join(', ')}.`,
    '## Top level',
    rowsTable(plain.flatMap(([key, schema]) => rowsOf(root, schema, key, required.includes(key)))),
    ...sections.flatMap(([key, schema]) => section(root, key, schema, required.includes(key))),
  ].join('\n\n')}\n`;
}

function isSection(schema: Schema): boolean {
  return schema.properties !== undefined || schema.additionalProperties instanceof Object;
}

function section(root: Schema, key: string, schema: Schema, required: boolean): string[] {
  const head = [`## ${key}`, sentence(schema.description ?? '', required)].filter((part) => part !== '');
  const kinds = schema.additionalProperties instanceof Object ? schema.additionalProperties.oneOf : undefined;
  if (kinds === undefined) return [...head, rowsTable(children(root, schema, key))];
  return [
    ...head,
    ...kinds.flatMap((kind) => {
      const { type, ...properties } = kind.properties ?? {};
      const text = type?.description ?? '';
      return [
        `### ${key}: ${type?.const}`,
        ...(text === '' ? [] : [sentence(text, false)]),
        rowsTable(
          rowsOf(root, { const: type?.const, description: 'this kind' }, `${key}.<name>.type`, true).concat(
            children(root, { ...kind, properties }, `${key}.<name>`),
          ),
        ),
      ];
    }),
  ];
}

function sentence(text: string, required: boolean): string {
  const stop = text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
  return `${stop.charAt(0).toUpperCase()}${stop.slice(1)}${required ? ' **Required.**' : ''}`.trim();
}

type Row = [string, string, string, string];

function rowsTable(rows: Row[]): string {
  return table(['key', 'type', 'default', 'meaning'], rows);
}

/** The row of one key and those of everything below it. */
function rowsOf(root: Schema, schema: Schema, path: string, required: boolean): Row[] {
  const { default: preset, description } = schema;
  const shown = preset === undefined || isEmptyObject(preset) ? '' : code(JSON.stringify(preset));
  const row: Row = [
    code(path),
    typeOf(schema),
    required && preset === undefined ? '**required**' : shown,
    description ?? '',
  ];
  return [row, ...children(root, schema, path)];
}

function children(root: Schema, schema: Schema, path: string): Row[] {
  // A route below a route has the same keys: they are listed once.
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    return target === undefined || path.includes('[].routes[]') ? [] : children(root, target, path);
  }
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, one]) =>
    rowsOf(root, one, `${path}.${key}`, schema.required?.includes(key) ?? false),
  );
  const extra = schema.additionalProperties;
  const named = extra instanceof Object ? nested(root, extra, `${path}.<name>`) : [];
  const listed = schema.items === undefined ? [] : children(root, schema.items, `${path}[]`);
  const chosen = (schema.anyOf ?? []).flatMap((one) => children(root, one, path));
  return [...own, ...named, ...listed, ...chosen];
}

function nested(root: Schema, schema: Schema, path: string): Row[] {
  return schema.properties === undefined && schema.description === undefined
    ? children(root, schema, path)
    : rowsOf(root, schema, path, false);
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const).replaceAll('"', ''));
  if (schema.enum !== undefined) return schema.enum.map((one) => code(String(one))).join(', ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return [...new Set(options.map(typeOf))].join(' or ');
  if (schema.$ref !== undefined) return 'object';
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'object' && schema.additionalProperties instanceof Object)
    return schema.propertyNames?.enum === undefined
      ? `map of ${typeOf(schema.additionalProperties)}`
      : `map of ${typeOf(schema.propertyNames)} to ${typeOf(schema.additionalProperties)}`;
  if (schema.type === 'string' && schema.format === 'uri') return 'URL';
  const types = [schema.type ?? 'any'].flat().join(' or ');
  return `${types}${bounds(schema)}`;
}

function bounds({ minimum, maximum, exclusiveMinimum }: Schema): string {
  const told = [
    ...(exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`]),
    ...(minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? [] : [`≥ ${minimum}`]),
    ...(maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? [] : [`≤ ${maximum}`]),
  ];
  return told.length === 0 ? '' : ` ${told.join(', ')}`;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value ?? {}).length === 0;
}
