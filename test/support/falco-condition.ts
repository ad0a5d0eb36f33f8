import { parse } from 'yaml';

/**
 * Falco's condition language as far as deploy/falco uses it: and, or, not, parentheses, comparisons, lists, macros.
 * Lists and macros must stand before they are used, as Falco demands. What it does not know throws, so that a rule
 * that Falco would refuse does not pass here.
 */
export interface RuleFile {
  /** What the file demands of Falco and of its plugins. */
  engine?: string;
  plugins: { name: string; version: string }[];
  rules: { rule: string; enabled: boolean; output: string; matches: Condition }[];
}
/** True if the condition holds for a message's output fields. A comparison with a field that is absent is false. */
export type Condition = (fields: ReadonlyMap<string, string>) => boolean;

interface Names {
  lists: Map<string, string[]>;
  macros: Map<string, Condition>;
}

export function readRules(yaml: string): RuleFile {
  const names: Names = { lists: new Map(), macros: new Map() };
  const file: RuleFile = { rules: [], plugins: [] };
  for (const entry of parse(yaml) as Record<string, unknown>[]) {
    if (typeof entry.list === 'string') names.lists.set(entry.list, items(entry.items as unknown[], names));
    else if (typeof entry.macro === 'string')
      names.macros.set(entry.macro, readCondition(String(entry.condition), names));
    else if (typeof entry.rule === 'string')
      file.rules.push({
        rule: entry.rule,
        enabled: entry.enabled !== false,
        output: String(entry.output),
        matches: readCondition(String(entry.condition), names),
      });
    else if (typeof entry.required_engine_version === 'string') file.engine = entry.required_engine_version;
    else if (Array.isArray(entry.required_plugin_versions))
      file.plugins.push(...(entry.required_plugin_versions as RuleFile['plugins']));
    else throw new Error(`neither list, macro nor rule: ${JSON.stringify(entry)}`);
  }
  return file;
}

function items(from: unknown[], names: Names): string[] {
  return from.flatMap((item) => names.lists.get(String(item)) ?? [String(item)]);
}

/** Reads one condition; throws for what is not understood. */
export function readCondition(
  text: string,
  names: Names = { lists: new Map(), macros: new Map() },
): Condition {
  const tokens = text.match(/"[^"]*"|[(),]|[<>!=]=?|[^\s(),<>!="]+/g) ?? [];
  let at = 0;
  const next = () => tokens[at];
  const take = (expected?: string): string => {
    const token = tokens[at++];
    if (token === undefined || (expected !== undefined && token !== expected))
      throw new Error(`expected ${expected ?? 'more'}, found ${token ?? 'the end'} in: ${text}`);
    return token;
  };

  function either(): Condition {
    const parts = [both()];
    while (next() === 'or') {
      take();
      parts.push(both());
    }
    return (fields) => parts.some((part) => part(fields));
  }
  function both(): Condition {
    const parts = [single()];
    while (next() === 'and') {
      take();
      parts.push(single());
    }
    return (fields) => parts.every((part) => part(fields));
  }
  function single(): Condition {
    if (next() === 'not') {
      take();
      const inner = single();
      return (fields) => !inner(fields);
    }
    if (next() === '(') {
      take();
      const inner = either();
      take(')');
      return inner;
    }
    const name = take();
    if (!name.includes('.')) {
      const macro = names.macros.get(name);
      if (macro === undefined) throw new Error(`macro ${name} is not defined before its use`);
      return macro;
    }
    return comparison(name);
  }
  function comparison(field: string): Condition {
    const operator = take();
    if (operator === 'exists') return (fields) => fields.has(field);
    if (operator === 'in' || operator === 'pmatch') {
      const values = list();
      const holds =
        operator === 'in'
          ? (value: string) => values.includes(value)
          : (value: string) => values.some((one) => value === one || value.startsWith(`${one}/`));
      return (fields) => fields.has(field) && holds(fields.get(field)!);
    }
    const compare = operators[operator];
    if (compare === undefined) throw new Error(`operator ${operator} in: ${text}`);
    const wanted = unquoted(take());
    return (fields) => fields.has(field) && compare(fields.get(field)!, wanted);
  }
  function list(): string[] {
    take('(');
    const values: string[] = [];
    for (;;) {
      const token = take();
      values.push(...(names.lists.get(token) ?? [unquoted(token)]));
      if (take() === ')') return values;
    }
  }

  const condition = either();
  if (at < tokens.length) throw new Error(`unexpected ${next()} in: ${text}`);
  return condition;
}

const operators: Record<string, (value: string, wanted: string) => boolean> = {
  '=': (value, wanted) => value === wanted,
  '!=': (value, wanted) => value !== wanted,
  '<': (value, wanted) => Number(value) < Number(wanted),
  '<=': (value, wanted) => Number(value) <= Number(wanted),
  '>': (value, wanted) => Number(value) > Number(wanted),
  '>=': (value, wanted) => Number(value) >= Number(wanted),
  startswith: (value, wanted) => value.startsWith(wanted),
  endswith: (value, wanted) => value.endsWith(wanted),
  contains: (value, wanted) => value.includes(wanted),
  icontains: (value, wanted) => value.toLowerCase().includes(wanted.toLowerCase()),
};

function unquoted(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1) : token;
}
