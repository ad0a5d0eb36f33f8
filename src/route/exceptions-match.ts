import { compileGlob } from '../lib/glob.ts';
import type { Ancestor } from '../model/exec-event.ts';
import type { Finding } from '../model/finding.ts';
import type { Field } from './fields.ts';
import { all, compileMatch, compilePattern, type Decision, type Matcher, type Pattern } from './match.ts';
import { compilePeers, peerKeys } from './peers-match.ts';
import { commandLine, type WordsTest, wordAt, wordsAre, wordsHave } from './words-match.ts';

/** What `match` of an exception may say beyond what routes match on. */
export type ExceptionMatch = Readonly<Record<string, Pattern | Readonly<Record<string, Pattern>>>>;

type Compile = (key: string, pattern: Pattern) => Matcher;

const ofProcess =
  (test: WordsTest): Matcher =>
  ({ exec }) =>
    test(exec.process);

const own: Record<string, Compile> = {
  args: (_key, pattern) => ofProcess(wordsAre(texts(pattern))),
  args_have: (_key, pattern) => ofProcess(wordsHave(texts(pattern))),
  command_line: (_key, pattern) => {
    const globs = texts(pattern).map(compileGlob);
    return ofProcess(commandLine((line) => globs.some((glob) => glob(line)), 'the command line fits'));
  },
  command_line_contains: (_key, pattern) => {
    const parts = texts(pattern);
    if (parts.includes('')) throw new Error('command_line_contains: an empty text is in every command line');
    return ofProcess(
      commandLine(
        (line) => parts.some((part) => line.includes(part)),
        `the command line has ${parts.join(' or ')}`,
      ),
    );
  },
  repository: (key, pattern) =>
    reading(key, pattern, ({ exec }) => one('the repository', exec.image?.repository)),
  digest: (key, pattern) =>
    reading(key, pattern, ({ exec }) => one('the digest', exec.image?.digest?.replace(/^.*@/, ''))),
};

for (const key of peerKeys) own[key] = compilePeers;

/** The keys that only exceptions have. */
export const exceptionKeys: readonly string[] = [...Object.keys(own), 'args_at', 'ancestors'];

/** Compiles `match` of an exception. Throws an Error that says what is wrong with which key. */
export function compileExceptionMatch(match: ExceptionMatch): Matcher {
  return all(
    Object.entries(match).map(([key, pattern]) => {
      if (key === 'ancestors') return compileAncestors(pattern);
      if (key === 'args_at') return compileArgsAt(pattern);
      const compile = Object.hasOwn(own, key) ? own[key] : undefined;
      if (compile === undefined) return compileMatch({ [key]: pattern });
      if (typeof pattern === 'object' && !Array.isArray(pattern))
        throw new Error(`${key} takes a value or a list of values`);
      return compile(key, pattern as Pattern);
    }),
  );
}

/** `{1: ping, last: "http://127.0.0.1/**"}`: the nth word after the program, or the last one. */
function compileArgsAt(pattern: ExceptionMatch[string]): Matcher {
  if (typeof pattern !== 'object' || Array.isArray(pattern))
    throw new Error('args_at needs places and words, such as {1: ping, last: "http://127.0.0.1/**"}');
  return all(
    Object.entries(pattern).map(([place, wanted]) => {
      if (place !== 'last' && !/^[1-9][0-9]?$/.test(place))
        throw new Error(
          `args_at: ${JSON.stringify(place)} is neither last nor a number from 1 (the word after the program)`,
        );
      return ofProcess(wordAt(place === 'last' ? 'last' : Number(place), texts(wanted as Pattern)));
    }),
  );
}

function texts(pattern: Pattern): string[] {
  return (Array.isArray(pattern) ? pattern : [pattern]).map(String);
}

function reading(key: string, pattern: Pattern, read: (finding: Finding) => Field): Matcher {
  const test = compilePattern(key, pattern);
  return (finding) => test(read(finding));
}

function one(name: string, value: string | undefined): Field {
  return value === undefined
    ? { known: false, why: `${name} is not known` }
    : { known: true, values: [value] };
}

/** `{1: /usr/sbin/crond, any: /opt/agent}`: path of the nth process above, nearest first, or of any of them. */
function compileAncestors(pattern: ExceptionMatch[string]): Matcher {
  if (typeof pattern !== 'object' || Array.isArray(pattern))
    throw new Error('ancestors needs places and paths, such as {1: /usr/sbin/crond} or {any: /opt/agent}');
  return all(
    Object.entries(pattern).map(([place, wanted]) => {
      const globs = texts(wanted as Pattern).map(compileGlob);
      const fits = (path: string) => globs.some((glob) => glob(path));
      if (place === 'any') return anyAncestor(fits);
      if (!/^[1-9][0-9]?$/.test(place))
        throw new Error(
          `ancestors: ${JSON.stringify(place)} is neither any nor a number from 1 (the parent)`,
        );
      return nthAncestor(Number(place), fits);
    }),
  );
}

function nthAncestor(place: number, fits: (path: string) => boolean): Matcher {
  return ({ exec }) => {
    const ancestor = exec.ancestors[place - 1];
    if (ancestor === undefined)
      return isWhole(exec.ancestors)
        ? { is: 'no', why: `there is no ancestor ${place}` }
        : { is: 'unknown', why: `ancestor ${place} is not known` };
    const decided = ancestorFits(ancestor, fits);
    if (decided === undefined) return { is: 'unknown', why: `the path of ancestor ${place} is not known` };
    const why = `ancestor ${place} is ${pathsOf(ancestor).join(', ')}`;
    return { is: decided ? 'yes' : 'no', why };
  };
}

function anyAncestor(fits: (path: string) => boolean): Matcher {
  return ({ exec }): Decision => {
    const decided = exec.ancestors.map((ancestor) => ancestorFits(ancestor, fits));
    const found = exec.ancestors[decided.indexOf(true)];
    if (found !== undefined) return { is: 'yes', why: `an ancestor is ${pathsOf(found).join(', ')}` };
    if (decided.includes(undefined) || !isWhole(exec.ancestors))
      return { is: 'unknown', why: 'not all ancestors are known' };
    return { is: 'no', why: 'no ancestor is that' };
  };
}

/** A runtime or shim is nobody's ancestor in an exception: everything in every container descends from it. */
function ancestorFits(ancestor: Ancestor, fits: (path: string) => boolean): boolean | undefined {
  if (ancestor.place === 'outside') return false;
  const paths = pathsOf(ancestor);
  if (paths.length === 0) return undefined;
  return paths.some(fits);
}

function pathsOf({ binary, exe }: Ancestor): string[] {
  return [binary, exe].filter((path) => path !== undefined);
}

/** The chain ends with the first process outside the container, or where knowledge ends. */
function isWhole(ancestors: readonly Ancestor[]): boolean {
  return ancestors.at(-1)?.place === 'outside';
}
