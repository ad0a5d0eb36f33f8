/**
 * A shell string as its simple commands: what runs, joined by what, reading and writing where. Invariants: every
 * loop consumes at least one character or ends; nesting is bounded, so recursion is; work is counted by `spend`,
 * after whose refusal all loops end.
 */
import { parseCompound } from './compound.ts';
import { parseSimple } from './simple.ts';
import {
  type Build,
  closeParenthesis,
  type Flow,
  nested,
  type Parser,
  type Scope,
  skipBlanks,
  skipLines,
  wordAhead,
} from './state.ts';
import { type Inside, SHELL_LIMITS, type ShellScript, type SimpleCommand } from './types.ts';
import type { Place } from './words.ts';

const RESERVED_END = new Set(['then', 'do', 'done', 'fi', 'else', 'elif', 'esac', '}']);

function newBuild(): Build {
  return {
    commands: [],
    loops: [],
    variables: new Map(),
    words: 0,
    edges: 0,
    steps: 0,
    truncated: false,
    malformed: false,
  };
}

function newParser(text: string, build: Build, scope: Scope): Parser {
  const parser: Parser = {
    text,
    at: 0,
    build,
    scope,
    documents: [],
    variables: build.variables,
    spend(amount) {
      build.steps += amount;
      if (build.steps > SHELL_LIMITS.steps || build.words > SHELL_LIMITS.words) build.truncated = true;
      if (build.truncated) parser.at = parser.text.length;
      return build.truncated;
    },
    substitution: (kind, place) => parseSubstitution(parser, kind, place),
    backticks: (inner, place) => parseBackticks(parser, inner, place),
    list: () => parseList(parser),
    fork: (inner, below) => newParser(inner, build, below),
  };
  return parser;
}

function parseSubstitution(parser: Parser, kind: Inside['kind'], place: Place): void {
  nested(parser, { inside: { ...place, kind }, loops: [], loop_condition: false }, () => {
    parseList(parser);
    closeParenthesis(parser);
  });
}

function parseBackticks(parser: Parser, inner: string, place: Place): void {
  nested(parser, {}, () => {
    const scope: Scope = {
      depth: parser.scope.depth,
      loops: [],
      loop_condition: false,
      inside: { ...place, kind: 'command' },
    };
    const child = parser.fork(inner, scope);
    parseAll(child);
  });
}

function join(into: number[], more: readonly number[]): void {
  for (const index of more) into.push(index);
}

/** Draws the edges of `left | right`. */
function connect(parser: Parser, left: Flow, right: Flow): void {
  const { build } = parser;
  for (const from of left.outputs) {
    for (const to of right.inputs) {
      build.edges += 1;
      if (build.edges > SHELL_LIMITS.edges) {
        build.truncated = true;
        return;
      }
      build.commands[from]?.stdout_to.push(to);
      build.commands[to]?.stdin_from.push(from);
    }
  }
}

function markFirst(parser: Parser, from: number, after: SimpleCommand['after']): void {
  const first = parser.build.commands[from];
  if (first?.after === 'start') first.after = after;
}

function parsePipeline(parser: Parser): Flow {
  let flow = parseCommand(parser);
  const inputs = flow.inputs;
  for (;;) {
    skipBlanks(parser);
    const { text, at } = parser;
    if (text[at] !== '|' || text[at + 1] === '|') return { inputs, outputs: flow.outputs };
    parser.at += text[at + 1] === '&' ? 2 : 1;
    if (parser.spend(1)) return { inputs, outputs: flow.outputs };
    skipLines(parser);
    const from = parser.build.commands.length;
    const next = parseCommand(parser);
    markFirst(parser, from, '|');
    connect(parser, flow, next);
    flow = next;
  }
}

function parseCommand(parser: Parser): Flow {
  skipLines(parser);
  return parseCompound(parser) ?? parseSimple(parser);
}

type Operator = SimpleCommand['after'];

/** The operator behind a pipeline; undefined at the end of the list. */
function readOperator(parser: Parser): Operator | undefined {
  skipBlanks(parser);
  const { text, at } = parser;
  const two = text.slice(at, at + 2);
  if (two === ';;' || two === ';&') return undefined;
  if (two === '&&' || two === '||') {
    parser.at += 2;
    return two;
  }
  const one = text[at];
  if (one === ';' || one === '&') {
    parser.at += 1;
    return one;
  }
  if (one !== '\n') return undefined;
  skipLines(parser);
  return ';';
}

function markBackground(parser: Parser, from: number): void {
  for (const command of parser.build.commands.slice(from)) command.background = true;
}

/** Reads `a; b && c | d &` up to a closing word or parenthesis, which stays. */
function parseList(parser: Parser): Flow {
  const flow: Flow = { inputs: [], outputs: [] };
  let after: Operator = 'start';
  let start = parser.build.commands.length;
  while (parser.at < parser.text.length) {
    skipLines(parser);
    if (parser.spend(1)) break;
    const character = parser.text[parser.at];
    if (character === undefined || character === ')' || parser.text.startsWith(';;', parser.at)) break;
    const word = wordAhead(parser);
    if (word !== undefined && RESERVED_END.has(word)) break;
    const before = parser.at;
    const from = parser.build.commands.length;
    if (after !== '&&' && after !== '||') start = from;
    const piece = parsePipeline(parser);
    markFirst(parser, from, after);
    join(flow.inputs, piece.inputs);
    join(flow.outputs, piece.outputs);
    const operator = readOperator(parser);
    if (operator === '&') markBackground(parser, start);
    if (operator === undefined && parser.at === before) break;
    after = operator ?? ';';
  }
  return flow;
}

/** Reads a whole text; closing words and parentheses that close nothing are stepped over. */
function parseAll(parser: Parser): void {
  while (parser.at < parser.text.length) {
    const before = parser.at;
    parseList(parser);
    if (parser.at >= parser.text.length) return;
    parser.build.malformed = true;
    const word = wordAhead(parser);
    parser.at =
      Math.max(before, parser.at) + (word !== undefined && RESERVED_END.has(word) ? word.length : 1);
    if (parser.spend(1)) return;
  }
}

/** Parses a shell string. Total: any text gives commands, in bounded time and space. */
export function parseShell(text: string): ShellScript {
  const build = newBuild();
  const cut = text.length > SHELL_LIMITS.input_chars;
  const parser = newParser(cut ? text.slice(0, SHELL_LIMITS.input_chars) : text, build, {
    depth: 0,
    loops: [],
    loop_condition: false,
  });
  parseAll(parser);
  const { commands, loops, malformed, steps } = build;
  return { commands, loops, truncated: build.truncated || cut, malformed, steps };
}
