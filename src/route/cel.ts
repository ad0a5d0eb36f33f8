import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { messageOf } from '../lib/errors.ts';
import { type CelFacts, type CelNode, CelProblem, checkCel } from './cel-check.ts';
import { findingShape } from './finding-shape.ts';
import type { Matcher } from './match.ts';

const environment = celEnv({ funcs: strings });

/** A longer expression is refused before it is parsed. */
const MAX_LENGTH = 4000;

/**
 * Compiles a CEL expression over `finding`. What it cannot decide, as a field that is not there, is unknown.
 * Regular expressions are RE2: a pattern cannot make it slow. Throws an Error on what is no CEL.
 */
export function compileCel(expression: string): Matcher {
  let run: (bindings: { finding: unknown }) => unknown;
  try {
    run = plan(environment, parse(expression)) as typeof run;
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
 * words that are not exact. Throws an Error that says the line and column.
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
    return matcher(finding);
  };
}

function checked(expression: string): CelFacts {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(expression);
  } catch (error) {
    throw new Error(`not valid CEL: ${messageOf(error).replace(/^<input>:/, '')}`, { cause: error });
  }
  try {
    return checkCel(parsed.expr as unknown as CelNode, parsed.sourceInfo?.positions ?? {}, findingShape);
  } catch (error) {
    if (!(error instanceof CelProblem)) throw error;
    const before = expression.slice(0, error.offset).split('\n');
    throw new Error(`at ${before.length}:${(before.at(-1)?.length ?? 0) + 1} of the CEL: ${error.message}`, {
      cause: error,
    });
  }
}
