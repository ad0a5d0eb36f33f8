import { argumentParserFor } from './arguments/index.ts';
import type { Invocation } from './invocation.ts';
import type { Resolution } from './program.ts';
import type { Tool } from './tools/index.ts';

/** Reads a tool's arguments with its grammar. */
export function parseArguments(
  tool: Tool,
  resolution: Pick<Resolution, 'words' | 'invoked_as' | 'multi_call'>,
  cwd: string | undefined,
): Invocation {
  const parser = argumentParserFor(tool.grammar ?? tool.id);
  return parser(resolution.words, {
    invoked_as: resolution.invoked_as,
    ...(cwd === undefined ? {} : { cwd }),
    ...(resolution.multi_call === undefined ? {} : { multi_call: resolution.multi_call }),
  });
}
