/** The state of one parse, and the steps every part of the grammar takes. */
import { type Inside, SHELL_LIMITS, type ShellLoop, type SimpleCommand } from './types.ts';
import { type Place, readExpandedText, type WordReader } from './words.ts';

/** Commands of a compound that read its standard input and write its standard output. */
export interface Flow {
  inputs: number[];
  outputs: number[];
}

interface PendingDocument {
  command: number;
  redirection: number;
  delimiter: string;
  strip_tabs: boolean;
  expand: boolean;
}

/** What all texts of one parse share. */
export interface Build {
  commands: SimpleCommand[];
  loops: ShellLoop[];
  variables: Map<string, string>;
  words: number;
  edges: number;
  steps: number;
  truncated: boolean;
  malformed: boolean;
}

/** Where the parser stands in the nesting. */
export interface Scope {
  depth: number;
  loops: number[];
  loop_condition: boolean;
  inside?: Inside;
  function?: string;
}

export interface Parser extends WordReader {
  build: Build;
  scope: Scope;
  documents: PendingDocument[];
  /** Reads a list up to what closes it. */
  list(): Flow;
  /** A parser for another text of the same script: a backtick string, a here-document. */
  fork(text: string, scope: Scope): Parser;
}

const WORD_AHEAD = /(?:[a-z]+|[{}!]|\[\[)(?=[ \t\n;&|()<>]|$)/y;

/** The reserved word or lone brace at the current position, if one stands there. */
export function wordAhead(parser: Parser): string | undefined {
  WORD_AHEAD.lastIndex = parser.at;
  return WORD_AHEAD.exec(parser.text)?.[0];
}

/** Skips blanks, line continuations and comments, not newlines. */
export function skipBlanks(parser: Parser): void {
  const { text } = parser;
  while (parser.at < text.length) {
    const character = text[parser.at];
    if (character === '\\' && text[parser.at + 1] === '\n') parser.at += 2;
    else if (character === ' ' || character === '\t' || character === '\r') parser.at += 1;
    else if (character === '#' && /[\s;&|()]|^$/.test(text[parser.at - 1] ?? '')) {
      const end = text.indexOf('\n', parser.at);
      parser.at = end < 0 ? text.length : end;
    } else return;
    if (parser.spend(1)) return;
  }
}

/** Skips to the next word, over newlines; reads here-documents whose turn has come. */
export function skipLines(parser: Parser): void {
  for (skipBlanks(parser); parser.text[parser.at] === '\n'; skipBlanks(parser)) {
    parser.at += 1;
    readDocuments(parser);
  }
}

/** Bodies of here-documents stand behind the line that names them. */
function readDocuments(parser: Parser): void {
  const pending = parser.documents.splice(0);
  for (const document of pending) {
    const lines: string[] = [];
    while (parser.at < parser.text.length) {
      const newline = parser.text.indexOf('\n', parser.at);
      const end = newline < 0 ? parser.text.length : newline;
      const raw = parser.text.slice(parser.at, end);
      parser.at = Math.min(parser.text.length, end + 1);
      if (parser.spend(raw.length + 1)) return;
      const line = document.strip_tabs ? raw.replace(/^\t+/, '') : raw;
      if (line === document.delimiter) break;
      lines.push(line);
    }
    const body = lines.join('\n');
    const place: Place = { command: document.command, place: 'redirection', index: document.redirection };
    const target =
      document.expand && parser.scope.depth < SHELL_LIMITS.nesting
        ? readExpandedText(parser.fork(body, { ...parser.scope, depth: parser.scope.depth + 1 }), place)
        : { text: body, quoted: true, has_unknown: false, glob: false };
    const redirection = parser.build.commands[document.command]?.redirections[document.redirection];
    if (redirection) redirection.target = target;
  }
}

/** Runs `body` one level deeper; past the bound the rest of the text is given up. */
export function nested(parser: Parser, change: Partial<Scope>, body: () => void): void {
  if (parser.scope.depth >= SHELL_LIMITS.nesting) {
    parser.build.truncated = true;
    parser.at = parser.text.length;
    return;
  }
  const outer = parser.scope;
  parser.scope = { ...outer, ...change, depth: outer.depth + 1 };
  body();
  parser.scope = outer;
}

export function closeParenthesis(parser: Parser): void {
  skipLines(parser);
  if (parser.text[parser.at] === ')') parser.at += 1;
  else parser.build.malformed = true;
}
