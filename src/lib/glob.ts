/**
 * Globs without backtracking: time is bounded by pattern length times text length, whatever the pattern.
 * `*` stands for any run within one path component, `**` for any run, `?` for one character that is no `/`,
 * `[0-9]` for one character of a class. Everything else stands for itself.
 */
export type Glob = (text: string) => boolean;

type Token =
  | { kind: 'char'; code: number }
  | { kind: 'any_char' }
  | { kind: 'class'; ranges: [number, number][]; negated: boolean }
  | { kind: 'star' }
  | { kind: 'globstar' };

const SLASH = 0x2f;

/** Compiles one pattern. Never throws: an unfinished `[` stands for itself. */
export function compileGlob(pattern: string): Glob {
  return simpleGlob(pattern) ?? general(pattern);
}

/** The shapes that nearly all patterns have, as plain string tests. */
function simpleGlob(pattern: string): Glob | undefined {
  if (!/[*?[]/.test(pattern)) return (text) => text === pattern;
  const shape = /^(\*\*\/|\*)?([^*?[]+)(\*\*|\/\*\*|\*)?$/.exec(pattern);
  if (!shape) return undefined;
  const [, before = '', body = '', after = ''] = shape;
  const inside = after === '/**' ? `${body}/` : body;
  const rest = (text: string, at: number) => after !== '*' || text.indexOf('/', at) < 0;
  if (before === '') {
    if (after === '') return (text) => text === body;
    return (text) => text.startsWith(inside) && rest(text, inside.length);
  }
  if (before === '**/') {
    if (after === '/**' || after === '**') return (text) => text.includes(`/${inside}`);
    return after === '' ? (text) => text.endsWith(`/${body}`) : undefined;
  }
  if (after === '')
    return (text) => text.endsWith(body) && !text.slice(0, text.length - body.length).includes('/');
  return after === '*' && !body.includes('/')
    ? (text) => !text.includes('/') && text.includes(body)
    : undefined;
}

function general(pattern: string): Glob {
  const tokens = tokenize(pattern);
  const prefix = literalPrefix(tokens);
  return (text) => text.startsWith(prefix) && run(tokens, text);
}

/** One glob that matches what any of the patterns matches. */
export function compileGlobs(patterns: readonly string[]): Glob {
  const globs = patterns.map(compileGlob);
  return (text) => globs.some((glob) => glob(text));
}

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === '*') {
      if (pattern[i + 1] !== '*') tokens.push({ kind: 'star' });
      else {
        tokens.push({ kind: 'globstar' });
        while (pattern[i + 1] === '*') i++;
      }
    } else if (char === '?') tokens.push({ kind: 'any_char' });
    else {
      const end = char === '[' ? pattern.indexOf(']', i + 2) : -1;
      if (end < 0) tokens.push({ kind: 'char', code: char.charCodeAt(0) });
      else {
        tokens.push(classToken(pattern.slice(i + 1, end)));
        i = end;
      }
    }
  }
  return tokens;
}

function classToken(body: string): Token {
  const negated = body[0] === '!' || body[0] === '^';
  const text = negated ? body.slice(1) : body;
  const ranges: [number, number][] = [];
  for (let i = 0; i < text.length; i++) {
    const from = text.charCodeAt(i);
    if (text[i + 1] === '-' && i + 2 < text.length) {
      ranges.push([from, text.charCodeAt(i + 2)]);
      i += 2;
    } else ranges.push([from, from]);
  }
  return { kind: 'class', ranges, negated };
}

function literalPrefix(tokens: readonly Token[]): string {
  let prefix = '';
  for (const token of tokens) {
    if (token.kind !== 'char') break;
    prefix += String.fromCharCode(token.code);
  }
  return prefix;
}

/** Simulates the pattern as a set of positions: each character visits each token at most once. */
function run(tokens: readonly Token[], text: string): boolean {
  let active = new Uint8Array(tokens.length + 1);
  let next = new Uint8Array(tokens.length + 1);
  active[0] = 1;
  skipRuns(tokens, active);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    next.fill(0);
    let any = false;
    for (let t = 0; t < tokens.length; t++) {
      if (active[t] === 0) continue;
      const to = step(tokens[t]!, t, code);
      if (to < 0) continue;
      next[to] = 1;
      any = true;
    }
    if (!any) return false;
    skipRuns(tokens, next);
    [active, next] = [next, active];
  }
  return active[tokens.length] === 1;
}

function step(token: Token, at: number, code: number): number {
  switch (token.kind) {
    case 'char':
      return token.code === code ? at + 1 : -1;
    case 'any_char':
      return code === SLASH ? -1 : at + 1;
    case 'star':
      return code === SLASH ? -1 : at;
    case 'globstar':
      return at;
    case 'class': {
      const inside = token.ranges.some(([from, to]) => code >= from && code <= to);
      return inside !== token.negated && code !== SLASH ? at + 1 : -1;
    }
  }
}

/** A run may be empty: its successor is active as soon as it is. */
function skipRuns(tokens: readonly Token[], active: Uint8Array): void {
  for (let t = 0; t < tokens.length; t++) {
    const kind = tokens[t]!.kind;
    if (active[t] === 1 && (kind === 'star' || kind === 'globstar')) active[t + 1] = 1;
  }
}
