import type { CelShape } from './finding-shape.ts';

/** The nodes of a parsed expression, as far as they are looked at. */
export interface CelNode {
  id: bigint;
  exprKind:
    | { case: 'constExpr'; value: { constantKind: { case?: string | undefined; value?: unknown } } }
    | { case: 'identExpr'; value: { name: string } }
    | { case: 'selectExpr'; value: { operand?: CelNode; field: string; testOnly: boolean } }
    | { case: 'callExpr'; value: { target?: CelNode; function: string; args: CelNode[] } }
    | { case: 'listExpr'; value: { elements: CelNode[] } }
    | { case: 'structExpr'; value: { entries: { value?: CelNode }[] } }
    | {
        case: 'comprehensionExpr';
        value: {
          iterVar: string;
          iterVar2: string;
          accuVar: string;
          iterRange?: CelNode;
          accuInit?: CelNode;
          loopCondition?: CelNode;
          loopStep?: CelNode;
          result?: CelNode;
        };
      }
    | { case: undefined; value?: undefined };
}

/** What the check learns of an expression beside its types. */
export interface CelFacts {
  /** It looks at the words of the process, which are not always exact. */
  process_words: boolean;
  /** It looks at the words of ancestors. */
  ancestor_words: boolean;
  /** Operations that are done once, and those done for each element of a loop. */
  steps: { once: number; looped: number };
  /**
   * The same for functions that read a text to its end: once, of each element of a loop, or again for each
   * element. A pattern counts with what it repeats.
   */
  texts: { once: number; looped: number; again: number };
  /** Every regular expression, with its place. */
  patterns: { text: string; offset: number }[];
}

/** Thrown with the offset in the expression where it is wrong. */
export class CelProblem extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const MAX_NODES = 400;
const MAX_NESTING = 2;
/** All `{n}` of one pattern together: each makes that many states. */
const MAX_REPEATS = 200;

const methods: Record<string, { on: 'string'; args: CelShape[]; gives: CelShape }> = {
  startsWith: { on: 'string', args: ['string'], gives: 'bool' },
  endsWith: { on: 'string', args: ['string'], gives: 'bool' },
  contains: { on: 'string', args: ['string'], gives: 'bool' },
  matches: { on: 'string', args: ['string'], gives: 'bool' },
  lowerAscii: { on: 'string', args: [], gives: 'string' },
  upperAscii: { on: 'string', args: [], gives: 'string' },
  trim: { on: 'string', args: [], gives: 'string' },
};
const casts: Record<string, CelShape> = {
  int: 'int',
  uint: 'int',
  double: 'double',
  string: 'string',
  bool: 'bool',
  dyn: 'dyn',
};

type Scope = ReadonlyMap<string, CelShape>;

/**
 * Checks that every field exists, that operators and functions get what they take, that the whole is a yes or
 * no, and that its cost is bounded: each loop goes over the finding or over a part of what the loop around it
 * goes over, so that no element is looked at more than a few times. Throws CelProblem.
 */
export function checkCel(
  root: CelNode,
  positions: Readonly<Record<string, number>>,
  finding: CelShape,
): CelFacts {
  let nodes = 0;
  const facts: CelFacts = {
    process_words: false,
    ancestor_words: false,
    steps: { once: 0, looped: 0 },
    texts: { once: 0, looped: 0, again: 0 },
    patterns: [],
  };
  const at = (node: CelNode) => positions[String(node.id)] ?? 0;
  const wrong = (node: CelNode, message: string): never => {
    throw new CelProblem(message, at(node));
  };

  function typeOf(node: CelNode | undefined, scope: Scope, loops: readonly string[]): CelShape {
    if (node === undefined) return 'dyn';
    nodes += 1;
    if (nodes > MAX_NODES) wrong(node, `it is too long: more than ${MAX_NODES} operations cost too much`);
    facts.steps[loops.length > 0 ? 'looped' : 'once'] += 1;
    const { exprKind } = node;
    switch (exprKind.case) {
      case 'constExpr':
        return constant(exprKind.value.constantKind.case);
      case 'identExpr':
        return (
          scope.get(exprKind.value.name) ?? wrong(node, `there is no ${exprKind.value.name}; use finding`)
        );
      case 'selectExpr':
        return select(node, exprKind.value, scope, loops);
      case 'callExpr':
        return call(node, exprKind.value, scope, loops);
      case 'listExpr': {
        const shapes = exprKind.value.elements.map((element) => typeOf(element, scope, loops));
        const [first] = shapes;
        return { list: first !== undefined && shapes.every((one) => agree(one, first)) ? first : 'dyn' };
      }
      case 'structExpr':
        for (const entry of exprKind.value.entries) typeOf(entry.value, scope, loops);
        return 'dyn';
      case 'comprehensionExpr':
        return loop(node, exprKind.value, scope, loops);
      default:
        return 'dyn';
    }
  }

  function select(
    node: CelNode,
    { operand, field, testOnly }: { operand?: CelNode; field: string; testOnly: boolean },
    scope: Scope,
    loops: readonly string[],
  ): CelShape {
    const shape = typeOf(operand, scope, loops);
    if (shape === 'dyn') return testOnly ? 'bool' : 'dyn';
    if (typeof shape === 'object' && 'map' in shape) return testOnly ? 'bool' : shape.map;
    if (typeof shape !== 'object' || !('fields' in shape))
      return wrong(node, `${nameOf(shape)} has no field ${field}`);
    const found = Object.hasOwn(shape.fields, field) ? shape.fields[field] : undefined;
    if (found === undefined)
      return wrong(node, `there is no field ${field}. Known: ${Object.keys(shape.fields).join(', ')}`);
    if (field === 'argv') {
      if ('tty' in shape.fields) facts.process_words = true;
      else facts.ancestor_words = true;
    }
    return testOnly ? 'bool' : found;
  }

  function loop(
    node: CelNode,
    value: Extract<CelNode['exprKind'], { case: 'comprehensionExpr' }>['value'],
    scope: Scope,
    loops: readonly string[],
  ): CelShape {
    const range = typeOf(value.iterRange, scope, loops);
    if (loops.length >= MAX_NESTING)
      wrong(node, `loops within loops cost too much: at most ${MAX_NESTING} deep`);
    const outer = loops.at(-1);
    if (outer !== undefined && rootOf(value.iterRange) !== outer)
      wrong(node, `an inner loop must go over a part of ${outer}, or it costs too much`);
    const inner = new Map(scope);
    const element =
      typeof range === 'object' && 'list' in range
        ? range.list
        : range === 'dyn'
          ? 'dyn'
          : typeof range === 'object' && 'map' in range
            ? 'string'
            : wrong(node, `${nameOf(range)} is nothing to go over`);
    inner.set(value.iterVar, element);
    if (value.iterVar2 !== '') inner.set(value.iterVar2, 'dyn');
    inner.set(value.accuVar, typeOf(value.accuInit, scope, loops));
    const within = [...loops, value.iterVar];
    typeOf(value.loopCondition, inner, within);
    const step = typeOf(value.loopStep, inner, within);
    inner.set(value.accuVar, step);
    return typeOf(value.result, inner, loops);
  }

  function call(
    node: CelNode,
    { target, function: name, args }: { target?: CelNode; function: string; args: CelNode[] },
    scope: Scope,
    loops: readonly string[],
  ): CelShape {
    const shapes = args.map((arg) => typeOf(arg, scope, loops));
    if (target !== undefined) {
      const weight = name === 'matches' ? patternWeight(node, args[0]) : 1;
      const own = loops.includes(rootOf(target) ?? '');
      if (name !== 'size') facts.texts[loops.length === 0 ? 'once' : own ? 'looped' : 'again'] += weight;
      return method(node, name, typeOf(target, scope, loops), shapes);
    }
    const [a = 'dyn', b = 'dyn', c = 'dyn'] = shapes;
    const needBool = (shape: CelShape) => {
      if (!agree(shape, 'bool')) wrong(node, `${operatorName(name)} takes yes or no, not ${nameOf(shape)}`);
    };
    switch (name) {
      case '_&&_':
      case '_||_':
        needBool(a);
        needBool(b);
        return 'bool';
      case '!_':
        needBool(a);
        return 'bool';
      case '@not_strictly_false':
        return 'bool';
      case '_?_:_':
        needBool(a);
        if (!agree(b, c)) wrong(node, `the two results are ${nameOf(b)} and ${nameOf(c)}`);
        return b === 'dyn' ? c : b;
      case '_==_':
      case '_!=_':
        if (isMany(a) && isMany(b)) search(node, args[1], loops);
        if (!agree(b, a) && !(isNumber(a) && isNumber(b)))
          wrong(node, `${nameOf(a)} is compared with ${nameOf(b)}`);
        return 'bool';
      case '_<_':
      case '_<=_':
      case '_>_':
      case '_>=_':
        if (!(isNumber(a) && isNumber(b)) && !(agree(a, 'string') && agree(b, 'string')))
          wrong(node, `${nameOf(a)} is compared with ${nameOf(b)}`);
        return 'bool';
      case '@in':
        search(node, args[1], loops);
        if (typeof b === 'object' && 'list' in b ? !agree(a, b.list) : b !== 'dyn' && !isMap(b))
          wrong(node, `${nameOf(a)} cannot be in ${nameOf(b)}`);
        return 'bool';
      case '_[_]':
        if (typeof a === 'object' && 'list' in a) return a.list;
        if (isMap(a)) return a.map;
        return a === 'dyn' ? 'dyn' : wrong(node, `${nameOf(a)} has no elements`);
      case 'size':
        return 'int';
      case '_+_':
      case '_-_':
      case '_*_':
      case '_/_':
      case '_%_':
        if (!agree(a, b) || (typeof a === 'object' && !('list' in a)))
          wrong(node, `${operatorName(name)} of ${nameOf(a)} and ${nameOf(b)}`);
        return a;
      case '-_':
        return a;
      default:
        return casts[name] ?? wrong(node, `there is no function ${name}`);
    }
  }

  /** A search through a list is a loop: it is counted as one, and bounded as one within another. */
  function search(node: CelNode, list: CelNode | undefined, loops: readonly string[]): void {
    if (list?.exprKind.case === 'listExpr') return;
    facts.steps.looped += 1;
    const outer = loops.at(-1);
    if (outer !== undefined && rootOf(list) !== outer)
      wrong(node, `within a loop only a part of ${outer} can be searched, or it costs too much`);
  }

  /** What a pattern costs for each character; nothing that a container says may be a pattern. */
  function patternWeight(node: CelNode, arg: CelNode | undefined): number {
    if (arg?.exprKind.case !== 'constExpr') return wrong(node, 'matches takes a pattern that is written out');
    const text = String(arg.exprKind.value.constantKind.value);
    facts.patterns.push({ text, offset: at(arg) });
    const repeats = [...text.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].map(([, least, most]) =>
      Number(most || least),
    );
    const sum = repeats.reduce((all, each) => all + each, 0);
    if (sum > MAX_REPEATS)
      wrong(arg, `the pattern costs too much: its {n} add up to ${sum}, at most ${MAX_REPEATS}`);
    return 1 + sum;
  }

  function method(node: CelNode, name: string, on: CelShape, args: readonly CelShape[]): CelShape {
    if (name === 'size' && args.length === 0) return 'int';
    const known = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (known === undefined)
      return wrong(node, `there is no function ${name}. Known: ${Object.keys(methods).join(', ')}, size`);
    if (!agree(on, known.on)) wrong(node, `${name} is for text, not for ${nameOf(on)}`);
    if (args.length !== known.args.length || args.some((arg, i) => !agree(arg, known.args[i]!)))
      wrong(node, `${name} takes ${known.args.map(nameOf).join(', ') || 'nothing'}`);
    return known.gives;
  }

  const result = typeOf(root, new Map([['finding', finding]]), []);
  if (!agree(result, 'bool')) wrong(root, `the expression gives ${nameOf(result)}, not yes or no`);
  return facts;
}

function constant(kind: string | undefined): CelShape {
  if (kind === 'stringValue') return 'string';
  if (kind === 'boolValue') return 'bool';
  if (kind === 'int64Value' || kind === 'uint64Value') return 'int';
  if (kind === 'doubleValue') return 'double';
  return kind === 'nullValue' ? 'null' : 'dyn';
}

/** The variable that a chain of fields begins with. */
function rootOf(node: CelNode | undefined): string | undefined {
  if (node?.exprKind.case === 'selectExpr') return rootOf(node.exprKind.value.operand);
  return node?.exprKind.case === 'identExpr' ? node.exprKind.value.name : undefined;
}

function isMany(shape: CelShape): boolean {
  return typeof shape === 'object' || shape === 'dyn';
}

function isMap(shape: CelShape): shape is { map: CelShape } {
  return typeof shape === 'object' && 'map' in shape;
}

function isNumber(shape: CelShape): boolean {
  return shape === 'int' || shape === 'double' || shape === 'dyn';
}

function agree(a: CelShape, b: CelShape): boolean {
  if (a === 'dyn' || b === 'dyn') return true;
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  if ('list' in a) return 'list' in b && agree(a.list, b.list);
  return 'map' in a ? 'map' in b : 'fields' in b;
}

const words: Record<string, string> = {
  string: 'text',
  double: 'a number',
  int: 'a whole number',
  bool: 'yes or no',
  null: 'null',
  dyn: 'anything',
};

function nameOf(shape: CelShape): string {
  if (typeof shape === 'string') return words[shape]!;
  if ('list' in shape) return `a list of ${nameOf(shape.list)}`;
  return 'map' in shape ? 'a map' : 'an object';
}

function operatorName(name: string): string {
  return name.replaceAll('_', '').replace('@', '');
}
