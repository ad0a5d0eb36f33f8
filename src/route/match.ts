import { compileGlob } from '../lib/glob.ts';
import { compareSeverity, type Finding, type Severity, severities } from '../model/finding.ts';
import {
  type Field,
  type FieldName,
  fieldNames,
  fields,
  type LabelFieldName,
  labelFields,
  labelOf,
  pathOf,
} from './fields.ts';

/** Whether a finding matches; `unknown` if a fact is missing that would decide it. */
export type Decision = { is: 'yes' | 'no' | 'unknown'; why: string };

export type Matcher = (finding: Finding) => Decision;

/** A value or several, as the configuration has them. */
export type Pattern = string | number | boolean | readonly (string | number | boolean)[];
export type Match = Readonly<Record<string, Pattern | Readonly<Record<string, Pattern>>>>;

/** All must hold. A `no` decides, whatever is unknown besides. */
export function all(matchers: readonly Matcher[]): Matcher {
  return (finding) => {
    let unknown: Decision | undefined;
    const why: string[] = [];
    for (const matcher of matchers) {
      const decision = matcher(finding);
      if (decision.is === 'no') return decision;
      if (decision.is === 'unknown') unknown ??= decision;
      else if (decision.why !== '') why.push(decision.why);
    }
    return unknown ?? { is: 'yes', why: why.join(', ') };
  };
}

/**
 * Compiles the short form: `severity: ">=high"`, `namespace: [prod, shop]`, `image: "registry.example/**"`,
 * `tool: "!curl"`, `labels: {team: shop}`, `exec.process.uid: 0`. Within a list one must fit; those with `!` must
 * all not fit. Throws an Error that says what is wrong with which key.
 */
export function compileMatch(match: Match): Matcher {
  return all(Object.entries(match).map(([key, pattern]) => compileKey(key, pattern)));
}

function compileKey(key: string, pattern: Match[string]): Matcher {
  if (Object.hasOwn(labelFields, key)) {
    if (!isRecord(pattern)) throw new Error(`${key} needs names and patterns, such as {team: shop}`);
    const name = key as LabelFieldName;
    return all(
      Object.entries(pattern).map(([label, wanted]) => {
        const test = compilePattern(`${key}.${label}`, wanted);
        return (finding) => test(labelOf(name, label, finding));
      }),
    );
  }
  if (isRecord(pattern)) throw new Error(`${key} takes a value or a list of values`);
  const test = compilePattern(key, pattern);
  if (Object.hasOwn(fields, key)) {
    const read = fields[key as FieldName];
    return (finding) => test(read(finding));
  }
  if (key.includes('.')) return (finding) => test(pathOf(key, finding));
  throw new Error(
    `there is no field ${JSON.stringify(key)}. Known: ${[...fieldNames, ...Object.keys(labelFields)].join(', ')}; or a path such as exec.process.uid`,
  );
}

function isRecord(pattern: Match[string]): pattern is Readonly<Record<string, Pattern>> {
  return typeof pattern === 'object' && !Array.isArray(pattern);
}

export type Test = (field: Field) => Decision;

/** Compiles the pattern of one key to a test of what a finding says to it. Throws an Error on what is none. */
export function compilePattern(key: string, pattern: Pattern): Test {
  const texts = (Array.isArray(pattern) ? pattern : [pattern]).map(String);
  if (texts.length === 0) throw new Error(`${key} has an empty list, which nothing can match`);
  const wanted = texts.filter((text) => !text.startsWith('!')).map((text) => compileValue(key, text));
  const unwanted = texts
    .filter((text) => text.startsWith('!'))
    .map((text) => compileValue(key, text.slice(1)));
  return (field) => {
    if (!field.known) return { is: 'unknown', why: field.why };
    const { values } = field;
    const shown = `${key} ${values.length === 0 ? 'has no value' : `is ${values.join(', ')}`}`;
    const fits =
      !values.some((value) => unwanted.some((test) => test(value))) &&
      (wanted.length === 0 || values.some((value) => wanted.some((test) => test(value))));
    return { is: fits ? 'yes' : 'no', why: fits ? shown : `${shown}, not ${texts.join(' or ')}` };
  };
}

function compileValue(key: string, text: string): (value: string) => boolean {
  const [, operator, operand = ''] = /^(>=|<=|>|<)\s*(.+)$/.exec(text) ?? [];
  if (key === 'severity') return compileSeverity(operator, operator === undefined ? text : operand);
  if (operator === undefined) return compileGlob(text);
  const bound = Number(operand);
  if (Number.isNaN(bound)) throw new Error(`${key}: ${JSON.stringify(text)} compares with what is no number`);
  return (value) => holds(Number(value) - bound, operator);
}

function compileSeverity(operator: string | undefined, text: string): (value: string) => boolean {
  const known = severities.filter((severity) => severity !== 'none');
  if (!known.includes(text as Exclude<Severity, 'none'>)) {
    throw new Error(`there is no severity ${JSON.stringify(text)}. Known: ${known.join(', ')}`);
  }
  return (value) => holds(compareSeverity(value as Severity, text as Severity), operator ?? '=');
}

function holds(difference: number, operator: string): boolean {
  if (operator === '>=') return difference >= 0;
  if (operator === '<=') return difference <= 0;
  if (operator === '>') return difference > 0;
  if (operator === '<') return difference < 0;
  return difference === 0;
}
