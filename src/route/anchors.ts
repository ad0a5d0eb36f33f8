import type { Finding } from '../model/finding.ts';
import { type Field, fields } from './fields.ts';
import type { Pattern } from './match.ts';
import { commandLineOf } from './words-match.ts';

/** What may be in a `match`, of exceptions and of routes. */
type AnyMatch = Readonly<Record<string, Pattern | Readonly<Record<string, Pattern>>>>;

/** A value a finding must have, or the match says no: of one field, one of these texts. */
interface Anchor {
  field: string;
  values: readonly string[];
}

/**
 * Answers which of many matches may fit a finding, by number in rising order: those left out would all say no,
 * and not that they cannot decide. One that names no plain value of a field is always in the answer.
 */
export type Candidates = (finding: Finding) => readonly number[];

const WORDS = 64;

const one = (value: string | undefined): Field =>
  value === undefined ? { known: false, why: '' } : { known: true, values: [value] };

/** Fields with many values, the same as the match reads them. */
const readers: Record<string, (finding: Finding) => Field> = {
  tool: fields.tool,
  category: fields.category,
  namespace: fields.namespace,
  workload: fields.workload,
  pod: fields.pod,
  service_account: fields.service_account,
  container: fields.container,
  binary: fields.binary,
  node: fields.node,
  image: fields.image,
  repository: ({ exec }) => one(exec.image?.repository),
  digest: ({ exec }) => one(exec.image?.digest?.replace(/^.*@/, '')),
  command_line: ({ exec }) => one(commandLineOf(exec.process)),
  args: ({ exec: { process } }) =>
    process.argv_quality === 'exact'
      ? { known: true, values: process.argv.slice(1, WORDS + 1).map((word, i) => `${i} ${word}`) }
      : { known: false, why: '' },
};

/** Of one field: by value and, for findings that do not tell the field, by the tool they name, if any. */
interface Table {
  byValue: Map<string, number[]>;
  byTool: Map<string, number[]>;
}

const ANY_TOOL = '';

/** Sorts matches by values they need. `undefined` stands for one without a match (CEL only). */
export function indexMatches(matches: readonly (AnyMatch | undefined)[]): Candidates {
  const anchors = matches.map((match) => (match === undefined ? [] : anchorsOf(match)));
  const frequency = new Map<string, number>();
  for (const anchor of anchors.flat()) {
    for (const value of anchor.values) {
      const key = `${anchor.field} ${value}`;
      frequency.set(key, (frequency.get(key) ?? 0) + 1);
    }
  }
  const commonness = ({ field, values }: Anchor) =>
    values.reduce((sum, value) => sum + frequency.get(`${field} ${value}`)!, 0);
  const always: number[] = [];
  const tables = new Map<string, Table>();
  for (const [index, own] of anchors.entries()) {
    if (own.length === 0) always.push(index);
    else {
      const rarest = own.reduce((a, b) => (commonness(b) < commonness(a) ? b : a));
      put(tables, rarest, own.find(({ field }) => field === 'tool')?.values ?? [ANY_TOOL], index);
    }
  }
  return (finding) => look(tables, always, finding);
}

function put(
  tables: Map<string, Table>,
  { field, values }: Anchor,
  tools: readonly string[],
  index: number,
): void {
  const table: Table = tables.get(field) ?? { byValue: new Map(), byTool: new Map() };
  tables.set(field, table);
  for (const value of new Set(values)) add(table.byValue, value, index);
  for (const tool of new Set(tools)) add(table.byTool, tool, index);
}

function add(lists: Map<string, number[]>, key: string, index: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [index]);
  else list.push(index);
}

function look(tables: ReadonlyMap<string, Table>, always: readonly number[], finding: Finding): number[] {
  const found = new Set(always);
  const take = (list: readonly number[] | undefined) => {
    for (const index of list ?? []) found.add(index);
  };
  for (const [name, { byValue, byTool }] of tables) {
    const field = readers[name]!(finding);
    if (field.known) for (const value of field.values) take(byValue.get(value));
    else {
      take(byTool.get(ANY_TOOL));
      if (finding.tool !== undefined) take(byTool.get(finding.tool));
    }
  }
  return [...found].sort((a, b) => a - b);
}

function anchorsOf(match: AnyMatch): Anchor[] {
  return Object.entries(match).flatMap(([key, pattern]): Anchor[] => {
    if (!Object.hasOwn(readers, key)) return [];
    if (typeof pattern === 'object' && !Array.isArray(pattern)) return [];
    const texts = (Array.isArray(pattern) ? pattern : [pattern]).map(String);
    if (key === 'args') return wordAnchor(texts);
    const wanted = key === 'command_line' ? texts : texts.filter((text) => !text.startsWith('!'));
    const values = wanted.map((text) => literalOf(text, key));
    return wanted.length === 0 || values.includes(undefined)
      ? []
      : [{ field: key, values: values as string[] }];
  });
}

/** The longest of the words that stand for themselves, with its place. */
function wordAnchor(texts: readonly string[]): Anchor[] {
  let best: { at: number; word: string } | undefined;
  for (const [at, text] of texts.slice(0, WORDS).entries()) {
    const word = literalOf(text, 'args');
    if (word !== undefined && word.length > (best?.word.length ?? -1)) best = { at, word };
  }
  return best === undefined ? [] : [{ field: 'args', values: [`${best.at} ${best.word}`] }];
}

/** The one text a pattern fits; undefined if it may fit several. `[*]` is how a pattern writes a star. */
function literalOf(pattern: string, key: string): string | undefined {
  if (key !== 'args' && key !== 'command_line' && /^[<>]/.test(pattern)) return undefined;
  const plain = pattern.replace(/\[[*?[<>]\]/g, '');
  if (/[*?[]/.test(plain)) return undefined;
  return pattern.replace(/\[([*?[<>])\]/g, '$1');
}
