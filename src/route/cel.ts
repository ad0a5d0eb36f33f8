import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { messageOf } from '../lib/errors.ts';
import type { Finding } from '../model/finding.ts';
import { type CelFacts, type CelNode, CelProblem, checkCel } from './cel-check.ts';
import { findingShape } from './finding-shape.ts';
import type { Matcher } from './match.ts';

/** Made when the first expression is compiled: most configurations have none. */
let made: ReturnType<typeof celEnv> | undefined;
const environment = () => (made ??= celEnv({ funcs: strings }));

/** A longer expression is refused before it is parsed. */
const MAX_LENGTH = 4000;
/** Operations, some 100 ns each; more are not begun. */
const MAX_WORK = 200_000;
/** Characters that a function reads in the time of one operation. */
const CHARACTERS = 8;

/**
 * Compiles a CEL expression over `finding`. What it cannot decide, as a field that is not there, is unknown.
 * Regular expressions are RE2: a pattern cannot make it slow. Throws an Error on what is no CEL.
 */
export function compileCel(expression: string): Matcher {
  let run: (bindings: { finding: unknown }) => unknown;
  try {
    run = plan(environment(), parse(expression)) as typeof run;
  } catch (error) {
    throw new Error(`not valid CEL: ${messageOf(error)}`, { cause: error });
  }
  return (finding) => {
    const result = run({ finding });
    if (isCelError(result)) return { is: 'unknown', why: `CEL: ${result.message}` };
    if (typeof result !== 'boolean') return { is: 'unknown', why: `CEL: ${expression} gives no yes or no` };
    return { is: result ? 'yes' : 'no', why: `CEL: ${expression} is ${result}` };
  };
}

/**
 * As `compileCel`, checked against the shape of a finding and bounded in cost. Unknown also where it looks at
 * words that are not exact, and where a finding is so large that it would cost too much. Throws an Error that
 * says the line and column.
 */
export function checkedCel(expression: string): Matcher {
  if (expression.length > MAX_LENGTH)
    throw new Error(`the CEL is too long: ${expression.length} characters, at most ${MAX_LENGTH}`);
  const facts = checked(expression);
  const matcher = compileCel(expression);
  return (finding) => {
    const { process, ancestors } = finding.exec;
    const inexact =
      (facts.process_words && process.argv_quality !== 'exact') ||
      (facts.ancestor_words && ancestors.some((one) => one.argv_quality !== 'exact'));
    if (inexact) return { is: 'unknown', why: 'CEL looks at argv, and its words are not exact' };
    const work = celWork(facts, finding);
    if (work > MAX_WORK)
      return { is: 'unknown', why: `CEL costs too much here: ${work} steps, at most ${MAX_WORK}` };
    return matcher(finding);
  };
}

/** An upper bound of the steps that an expression takes on a finding. */
export function celWork({ steps, texts }: CelFacts, finding: Finding): number {
  if (steps.looped + texts.once === 0) return steps.once;
  const { elements, longest, all } = sizeOf(finding);
  const read = (texts.once + texts.again * elements) * longest + texts.looped * all;
  return Math.ceil(steps.once + steps.looped * elements + read / CHARACTERS);
}

interface Size {
  /** Members of all lists and maps. */
  elements: number;
  /** Characters of the longest text. */
  longest: number;
  /** Characters of all texts. */
  all: number;
}

const sizes = new WeakMap<Finding, Size>();

function sizeOf(finding: Finding): Size {
  const known = sizes.get(finding);
  if (known !== undefined) return known;
  const size = { elements: 0, longest: 0, all: 0 };
  const visit = (value: unknown): void => {
    if (typeof value === 'string') {
      size.longest = Math.max(size.longest, value.length);
      size.all += value.length;
    } else if (typeof value === 'object' && value !== null)
      for (const member of Object.values(value)) {
        size.elements += 1;
        visit(member);
      }
  };
  visit(finding);
  sizes.set(finding, size);
  return size;
}

function checked(expression: string): CelFacts {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(expression);
  } catch (error) {
    throw new Error(`not valid CEL: ${messageOf(error).replace(/^<input>:/, '')}`, { cause: error });
  }
  const place = (offset: number) => {
    const before = expression.slice(0, offset).split('\n');
    return `at ${before.length}:${(before.at(-1)?.length ?? 0) + 1} of the CEL`;
  };
  try {
    const nodes = parsed.expr as unknown as CelNode;
    const facts = checkCel(nodes, parsed.sourceInfo?.positions ?? {}, findingShape);
    for (const { text, offset } of facts.patterns) {
      const tried = plan(environment(), parse(`"".matches(${JSON.stringify(text)})`))({});
      if (isCelError(tried)) throw new CelProblem(`not a valid pattern: ${tried.message}`, offset);
    }
    return facts;
  } catch (error) {
    if (!(error instanceof CelProblem)) throw error;
    throw new Error(`${place(error.offset)}: ${error.message}`, { cause: error });
  }
}
