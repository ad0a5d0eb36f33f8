/** Groups, subshells, loops, conditions, functions. */

import { openCommand, readRedirection } from './simple.ts';
import {
  closeParenthesis,
  type Flow,
  nested,
  type Parser,
  skipBlanks,
  skipLines,
  wordAhead,
} from './state.ts';
import type { Redirection, ShellLoop, ShellWord } from './types.ts';
import { readOneWord, readWords } from './words.ts';

function merge(flows: readonly Flow[]): Flow {
  return { inputs: flows.flatMap((flow) => flow.inputs), outputs: flows.flatMap((flow) => flow.outputs) };
}

function take(parser: Parser, word: string): boolean {
  skipLines(parser);
  if (wordAhead(parser) !== word) {
    parser.build.malformed = true;
    return false;
  }
  parser.at += word.length;
  return true;
}

/** Redirections behind a compound command hold for every command in it that is no substitution of its own. */
function readInherited(parser: Parser, from: number): void {
  const { build, scope } = parser;
  const shared: Redirection[] = [];
  for (;;) {
    skipBlanks(parser);
    if (parser.spend(1) || !readRedirection(parser, from, shared)) break;
  }
  if (shared.length === 0) return;
  const inherited = shared.slice(0, 16).map((entry): Redirection => ({ ...entry, inherited: true }));
  for (const command of build.commands.slice(from)) {
    if (command.inside === scope.inside && command.redirections.length < 64)
      command.redirections.push(...inherited);
  }
}

function parseBody(parser: Parser): Flow {
  let flow: Flow = { inputs: [], outputs: [] };
  nested(parser, {}, () => {
    flow = parser.list();
  });
  return flow;
}

function parseGroup(parser: Parser): Flow {
  parser.at += 1;
  const flow = parseBody(parser);
  take(parser, '}');
  return flow;
}

function parseSubshell(parser: Parser): Flow {
  parser.at += 1;
  const flow = parseBody(parser);
  closeParenthesis(parser);
  return flow;
}

function parseIf(parser: Parser): Flow {
  parser.at += 2;
  const flows = [parseBody(parser)];
  for (;;) {
    skipLines(parser);
    const word = wordAhead(parser);
    if (parser.spend(1) || (word !== 'then' && word !== 'else' && word !== 'elif')) break;
    parser.at += word.length;
    flows.push(parseBody(parser));
  }
  take(parser, 'fi');
  return merge(flows);
}

function inLoop(parser: Parser, loop: ShellLoop, condition: boolean): Flow {
  const { build, scope } = parser;
  let number = build.loops.indexOf(loop, Math.max(0, build.loops.length - 64));
  if (number < 0) number = build.loops.push(loop) - 1;
  let flow: Flow = { inputs: [], outputs: [] };
  nested(parser, { loops: [...scope.loops, number], loop_condition: condition }, () => {
    flow = parser.list();
  });
  return flow;
}

function parseDo(parser: Parser, loop: ShellLoop): Flow {
  skipLines(parser);
  if (parser.text[parser.at] === ';') parser.at += 1;
  skipLines(parser);
  if (wordAhead(parser) === '{') return parseGroup(parser);
  if (!take(parser, 'do')) return { inputs: [], outputs: [] };
  const flow = inLoop(parser, loop, false);
  take(parser, 'done');
  return flow;
}

function parseWhile(parser: Parser, kind: 'while' | 'until'): Flow {
  parser.at += kind.length;
  const loop: ShellLoop = { kind, words: [] };
  const condition = inLoop(parser, loop, true);
  return merge([condition, parseDo(parser, loop)]);
}

function parseFor(parser: Parser, word: string): Flow {
  parser.at += word.length;
  skipBlanks(parser);
  const loop: ShellLoop = { kind: 'for', words: [] };
  // A command of its own holds what the words of the loop substitute.
  const holder = openCommand(parser);
  if (parser.text.startsWith('((', parser.at)) skipArithmeticCommand(parser);
  else {
    loop.variable = readOneWord(parser, { command: holder.index, place: 'loop', index: 0 }).text;
    parser.variables.delete(loop.variable);
    skipLines(parser);
    if (wordAhead(parser) === 'in') {
      parser.at += 2;
      loop.words = readLoopWords(parser, holder.index);
    }
  }
  return parseDo(parser, loop);
}

function readLoopWords(parser: Parser, command: number): ShellWord[] {
  const words: ShellWord[] = [];
  while (parser.at < parser.text.length) {
    skipBlanks(parser);
    const character = parser.text[parser.at];
    if (character === undefined || character === ';' || character === '\n' || character === ')') break;
    if (parser.spend(1)) break;
    const before = parser.at;
    const read = readWords(parser, { command, place: 'loop', index: words.length });
    parser.build.words += read.length;
    for (const word of read) words.push(word);
    if (parser.at === before) parser.at += 1;
  }
  return words;
}

function parseCase(parser: Parser): Flow {
  parser.at += 4;
  skipBlanks(parser);
  const holder = openCommand(parser);
  readOneWord(parser, { command: holder.index, place: 'word', index: 0 });
  take(parser, 'in');
  const flows: Flow[] = [];
  while (parser.at < parser.text.length) {
    skipLines(parser);
    if (parser.spend(1) || wordAhead(parser) === 'esac') break;
    const pattern = parser.text.indexOf(')', parser.at);
    if (pattern < 0) {
      parser.at = parser.text.length;
      break;
    }
    parser.spend(pattern - parser.at);
    parser.at = pattern + 1;
    flows.push(parseBody(parser));
    skipLines(parser);
    while (parser.text[parser.at] === ';' || parser.text[parser.at] === '&') parser.at += 1;
  }
  take(parser, 'esac');
  return merge(flows);
}

/** `(( … ))` changes numbers only. */
function skipArithmeticCommand(parser: Parser): void {
  const end = parser.text.indexOf('))', parser.at);
  const stop = end < 0 ? parser.text.length : end + 2;
  parser.spend(stop - parser.at);
  parser.at = Math.max(parser.at, stop);
}

/** `[[ … ]]`: operators in it are words. */
function parseTest(parser: Parser): Flow {
  const command = openCommand(parser);
  while (parser.at < parser.text.length) {
    skipLines(parser);
    if (parser.spend(1)) break;
    const before = parser.at;
    const words = readWords(parser, { command: command.index, place: 'word', index: command.words.length });
    parser.build.words += words.length;
    for (const word of words) command.words.push(word);
    if (words.at(-1)?.text === ']]') break;
    if (parser.at === before) parser.at += 1;
  }
  return { inputs: [command.index], outputs: [command.index] };
}

const FUNCTION =
  /(?:function[ \t]{1,16}([A-Za-z_][\w.:-]{0,127})[ \t]{0,16}(?:\([ \t]{0,16}\))?|([A-Za-z_.][\w.:-]{0,127})[ \t]{0,16}\([ \t]{0,16}\))[ \t\n]{0,16}(?=[{(])/y;

/** A function's body is read where it is defined; a call of it is a plain command. */
function parseFunction(parser: Parser): Flow | undefined {
  FUNCTION.lastIndex = parser.at;
  const match = FUNCTION.exec(parser.text);
  if (!match) return undefined;
  parser.at += match[0].length;
  nested(parser, { function: match[1] ?? match[2] ?? '' }, () => {
    if (parser.text[parser.at] === '{') parseGroup(parser);
    else parseSubshell(parser);
  });
  return { inputs: [], outputs: [] };
}

function parseReserved(parser: Parser, word: string | undefined): Flow | undefined {
  switch (word) {
    case '{':
      return parseGroup(parser);
    case 'if':
      return parseIf(parser);
    case 'while':
    case 'until':
      return parseWhile(parser, word);
    case 'for':
    case 'select':
      return parseFor(parser, word);
    case 'case':
      return parseCase(parser);
    case '[[':
      return parseTest(parser);
    default:
      return undefined;
  }
}

/** `!`, `time` and `coproc` stand before a command and change nothing we look at. */
function skipPrefixes(parser: Parser): void {
  for (
    let word = wordAhead(parser);
    word === '!' || word === 'time' || word === 'coproc';
    word = wordAhead(parser)
  ) {
    parser.at += word.length;
    skipBlanks(parser);
    if (word === 'time' && parser.text.startsWith('-p ', parser.at)) parser.at += 3;
    skipBlanks(parser);
    if (parser.spend(1)) return;
  }
}

/** Reads a compound command at the current position; undefined if a simple command stands there. */
export function parseCompound(parser: Parser): Flow | undefined {
  skipPrefixes(parser);
  const from = parser.build.commands.length;
  if (parser.text.startsWith('((', parser.at) && parser.text.indexOf('))', parser.at) > 0) {
    const subshells = /^\(\(\s*[A-Za-z/._-]+\s/.test(parser.text.slice(parser.at, parser.at + 64));
    if (!subshells) {
      skipArithmeticCommand(parser);
      return { inputs: [], outputs: [] };
    }
  }
  const flow =
    parser.text[parser.at] === '('
      ? parseSubshell(parser)
      : (parseReserved(parser, wordAhead(parser)) ?? parseFunction(parser));
  if (!flow) return undefined;
  readInherited(parser, from);
  return flow;
}
