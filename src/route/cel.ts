import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { messageOf } from '../lib/errors.ts';
import type { Matcher } from './match.ts';

const environment = celEnv({ funcs: strings });

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
