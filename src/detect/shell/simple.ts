/** Simple commands: assignments, words and redirections. */
import { type Flow, type Parser, skipBlanks, skipLines } from './state.ts';
import type { Redirection, RedirectionOperator, ShellWord, SimpleCommand } from './types.ts';
import { type Place, readOneWord, readWords } from './words.ts';

const REDIRECTION =
  /(\d{1,4}|\{[A-Za-z_][A-Za-z0-9_]{0,63}\})?(&>>|&>|<<<|<<-|<<|<>|<&|>&|>>|>\||<(?!\()|>(?!\())/y;
const ASSIGNMENT = /([A-Za-z_][A-Za-z0-9_]{0,127})(?:\[[^\]\s]{0,64}\])?(\+?)=/y;
const END = new Set(['', '\n', ';', '&', '|', ')']);

/** Adds an empty command that stands where the parser stands. */
export function openCommand(parser: Parser): SimpleCommand {
  const { scope, build } = parser;
  const command: SimpleCommand = {
    index: build.commands.length,
    words: [],
    assignments: [],
    redirections: [],
    stdout_to: [],
    stdin_from: [],
    after: 'start',
    background: false,
    loops: scope.loops,
    loop_condition: scope.loop_condition,
    depth: scope.depth,
    ...(scope.inside ? { inside: scope.inside } : {}),
    ...(scope.function === undefined ? {} : { function: scope.function }),
  };
  build.commands.push(command);
  return command;
}

/** Reads one redirection at the current position into the command; false if none stands there. */
export function readRedirection(parser: Parser, command: number, into: Redirection[]): boolean {
  REDIRECTION.lastIndex = parser.at;
  const match = REDIRECTION.exec(parser.text);
  if (!match) return false;
  const operator = match[2] as RedirectionOperator;
  parser.at += match[0].length;
  skipBlanks(parser);
  const place: Place = { command, place: 'redirection', index: into.length };
  const entry: Redirection = {
    operator,
    fd:
      match[1] === undefined
        ? operator.startsWith('<')
          ? 0
          : 1
        : match[1].startsWith('{')
          ? -1
          : Number(match[1]),
    target: { text: '', quoted: false, has_unknown: false, glob: false },
  };
  into.push(entry);
  entry.target = readOneWord(parser, place);
  parser.build.words += 1;
  if (operator === '<<' || operator === '<<-') {
    parser.documents.push({
      command,
      redirection: into.length - 1,
      delimiter: entry.target.text,
      strip_tabs: operator === '<<-',
      expand: !entry.target.quoted,
    });
  }
  return true;
}

/** `name=(a b)`: the elements are read for their substitutions, the value stays unknown. */
function readArray(parser: Parser, place: Place): ShellWord {
  parser.at += 1;
  const texts: string[] = [];
  while (parser.at < parser.text.length && parser.text[parser.at] !== ')') {
    skipLines(parser);
    if (parser.spend(1)) break;
    const before = parser.at;
    for (const word of readWords(parser, place)) texts.push(word.text);
    if (parser.at === before && parser.text[parser.at] !== ')') parser.at += 1;
  }
  parser.at += 1;
  return { text: texts.join(' '), quoted: false, has_unknown: true, glob: false };
}

function readAssignment(parser: Parser, command: SimpleCommand): boolean {
  ASSIGNMENT.lastIndex = parser.at;
  const match = ASSIGNMENT.exec(parser.text);
  if (!match) return false;
  parser.at += match[0].length;
  const place: Place = { command: command.index, place: 'assignment', index: command.assignments.length };
  const value = parser.text[parser.at] === '(' ? readArray(parser, place) : readOneWord(parser, place);
  command.assignments.push({ name: match[1]!, value });
  parser.build.words += 1;
  const known = !value.has_unknown && match[2] === '' && !match[0].includes('[');
  if (known) parser.variables.set(match[1]!, value.text);
  else parser.variables.delete(match[1]!);
  return true;
}

/** `export A=b`, `local A=b`, `declare -x A=b` set variables too. */
const DECLARING = new Set(['export', 'local', 'declare', 'typeset', 'readonly']);

function noteDeclared(parser: Parser, command: SimpleCommand, words: readonly ShellWord[]): void {
  if (!DECLARING.has(command.words[0]?.text ?? '') || command.words.length < 2) return;
  for (const word of words) {
    const equals = word.text.indexOf('=');
    if (equals <= 0 || word.has_unknown) continue;
    parser.variables.set(word.text.slice(0, equals), word.text.slice(equals + 1));
  }
}

/** Reads one simple command; always consumes something unless it stands at an operator. */
export function parseSimple(parser: Parser): Flow {
  const command = openCommand(parser);
  while (parser.at < parser.text.length) {
    skipBlanks(parser);
    if (parser.spend(1)) break;
    const character = parser.text[parser.at] ?? '';
    if (character === '&' && parser.text[parser.at + 1] === '>') {
      readRedirection(parser, command.index, command.redirections);
      continue;
    }
    if (END.has(character)) break;
    if (readRedirection(parser, command.index, command.redirections)) continue;
    if (character === '(') {
      parser.build.malformed = true;
      parser.at += 1;
      continue;
    }
    if (command.words.length === 0 && readAssignment(parser, command)) continue;
    const words = readWords(parser, { command: command.index, place: 'word', index: command.words.length });
    parser.build.words += words.length;
    for (const word of words) command.words.push(word);
    noteDeclared(parser, command, words);
  }
  const own = [command.index];
  return { inputs: own, outputs: [...own] };
}
