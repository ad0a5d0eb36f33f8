/** Words of a shell string: quoting, escapes, expansions. */
import { BRACE_CLOSE, BRACE_COMMA, BRACE_OPEN, expandBraces } from './braces.ts';
import { type Inside, SHELL_LIMITS, type ShellWord } from './types.ts';

/** Where a substitution's commands are said to stand. */
export type Place = Pick<Inside, 'command' | 'place' | 'index'>;

/** The part of the parser that words need. */
export interface WordReader {
  text: string;
  at: number;
  variables: Map<string, string>;
  /** Counts work; true when the bound is reached and reading must end. */
  spend(amount: number): boolean;
  /** Parses the commands of `$( )`, `<( )`, `>( )` in place; `at` stands behind the opening parenthesis. */
  substitution(kind: Inside['kind'], place: Place): void;
  /** Parses the commands of a backtick string, escapes undone. */
  backticks(text: string, place: Place): void;
}

interface Word {
  /** Finished fields, and the one being built. */
  fields: string[];
  current: string;
  started: boolean;
  quoted: boolean;
  unknown: boolean;
  glob: boolean;
}

const BREAK = new Set([' ', '\t', '\n', ';', '&', '|', '(', ')', '<', '>', '']);

function unknownPart(word: Word, source: string): void {
  word.current += source;
  word.started = true;
  word.unknown = true;
}

function splitField(word: Word): void {
  if (word.started) word.fields.push(word.current);
  word.current = '';
  word.started = false;
}

/** A known variable's value: split at blanks unless quoted. */
function knownPart(word: Word, value: string, quoted: boolean): void {
  const size = word.current.length + value.length;
  if (size > SHELL_LIMITS.grown_chars) {
    unknownPart(word, '$…');
    return;
  }
  if (quoted) {
    word.current += value;
    word.started = true;
    return;
  }
  const pieces = value.split(/[ \t\n]/);
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) splitField(word);
    if (piece === '') continue;
    word.current += piece;
    word.started = true;
  }
}

const SIMPLE_ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
};

const CODE_ESCAPE = /x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c([\s\S])/y;

/** One escape of `$'…'` or `echo -e`; `at` stands behind the backslash. The text and where it ends. */
export function readEscape(text: string, at: number): { text: string; end: number } {
  const letter = text[at] ?? '';
  if (Object.hasOwn(SIMPLE_ESCAPES, letter)) return { text: SIMPLE_ESCAPES[letter]!, end: at + 1 };
  CODE_ESCAPE.lastIndex = at;
  const match = CODE_ESCAPE.exec(text);
  if (!match) return { text: `\\${letter}`, end: at + Math.max(1, letter.length) };
  const end = at + match[0].length;
  if (match[5] !== undefined) return { text: String.fromCharCode(match[5].charCodeAt(0) & 31), end };
  const code = match[4]
    ? Number.parseInt(match[4], 8) & 255
    : Number.parseInt((match[1] ?? match[2] ?? match[3])!, 16);
  return { text: code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD', end };
}

/** Undoes the escapes of `echo -e`, `printf` and `$'…'`. */
export function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  let result = '';
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] !== '\\') {
      result += text[index];
      continue;
    }
    const undone = readEscape(text, index + 1);
    result += undone.text;
    index = undone.end - 1;
  }
  return result;
}

function readAnsiQuote(reader: WordReader, word: Word): void {
  word.started = true;
  word.quoted = true;
  while (reader.at < reader.text.length) {
    if (reader.spend(1)) return;
    const character = reader.text[reader.at]!;
    reader.at += 1;
    if (character === "'") return;
    if (character !== '\\') {
      word.current += character;
      continue;
    }
    const undone = readEscape(reader.text, reader.at);
    word.current += undone.text;
    reader.at = undone.end;
  }
}

/** Skips `$(( … ))`; `at` stands behind the opening parentheses. */
function skipArithmetic(reader: WordReader): void {
  let depth = 2;
  while (reader.at < reader.text.length && depth > 0) {
    if (reader.spend(1)) return;
    const character = reader.text[reader.at];
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    reader.at += 1;
  }
}

/** `${…}`; `at` stands behind the brace. Substitutions in it are parsed. The content. */
function readBraced(reader: WordReader, place: Place): string {
  const start = reader.at;
  let depth = 1;
  while (reader.at < reader.text.length) {
    if (reader.spend(1)) break;
    const character = reader.text[reader.at]!;
    reader.at += 1;
    if (character === '\\') reader.at += 1;
    else if (character === '{') depth += 1;
    else if (character === '(' && reader.text[reader.at - 2] === '$') reader.substitution('command', place);
    else if (character === '}') {
      depth -= 1;
      if (depth === 0) return reader.text.slice(start, reader.at - 1);
    }
  }
  return reader.text.slice(start, reader.at);
}

function readParameter(reader: WordReader, word: Word, name: string, source: string, quoted: boolean): void {
  if (/^IFS(?:$|[%#:])/.test(name)) {
    if (quoted) knownPart(word, ' ', true);
    else splitField(word);
    // `$IFS$9`: the positional parameter only ends the name and is empty.
    const tail = /\$[0-9@*]/y;
    tail.lastIndex = reader.at;
    if (tail.test(reader.text)) reader.at += 2;
    return;
  }
  const value = reader.variables.get(name);
  if (value !== undefined) knownPart(word, value, quoted);
  else unknownPart(word, source);
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]/y;

/** Anything that starts with `$`; `at` stands on it. */
function readDollar(reader: WordReader, word: Word, place: Place, quoted: boolean): void {
  const start = reader.at;
  const source = () => reader.text.slice(start, reader.at);
  const next = reader.text[start + 1];
  reader.at += 2;
  if (next === '(') {
    if (reader.text[start + 2] === '(') {
      reader.at += 1;
      skipArithmetic(reader);
    } else reader.substitution('command', place);
    unknownPart(word, source());
    return;
  }
  if (next === '{') {
    const name = readBraced(reader, place);
    readParameter(reader, word, name, source(), quoted);
    return;
  }
  if (next === "'" && !quoted) {
    readAnsiQuote(reader, word);
    return;
  }
  if (next === '"' && !quoted) {
    readDoubleQuote(reader, word, place);
    return;
  }
  NAME.lastIndex = start + 1;
  const name = NAME.exec(reader.text)?.[0];
  if (name === undefined) {
    reader.at = start + 1;
    word.current += '$';
    word.started = true;
    return;
  }
  reader.at = start + 1 + name.length;
  // In a `-c` string positional parameters are empty; inside a word they only hide it: `c$@url`, `w$1get`.
  if (/^[1-9@*]$/.test(name) && !quoted && word.current.length < 32 && /^[A-Za-z]+$/.test(word.current))
    return;
  readParameter(reader, word, name, source(), quoted);
}

function readBackticks(reader: WordReader, word: Word, place: Place): void {
  const start = reader.at;
  let inner = '';
  reader.at += 1;
  while (reader.at < reader.text.length && reader.text[reader.at] !== '`') {
    if (reader.spend(1)) return;
    if (reader.text[reader.at] === '\\' && /[`\\$]/.test(reader.text[reader.at + 1] ?? '')) reader.at += 1;
    inner += reader.text[reader.at] ?? '';
    reader.at += 1;
  }
  reader.at += 1;
  reader.backticks(inner, place);
  unknownPart(word, reader.text.slice(start, reader.at));
}

/** `"…"`; `at` stands behind the opening quote. */
function readDoubleQuote(reader: WordReader, word: Word, place: Place): void {
  word.started = true;
  word.quoted = true;
  while (reader.at < reader.text.length) {
    if (reader.spend(1)) return;
    const character = reader.text[reader.at]!;
    if (character === '"') {
      reader.at += 1;
      return;
    }
    if (character === '$') {
      readDollar(reader, word, place, true);
      continue;
    }
    if (character === '`') {
      readBackticks(reader, word, place);
      continue;
    }
    reader.at += 1;
    if (character !== '\\') {
      word.current += character;
      continue;
    }
    const next = reader.text[reader.at] ?? '';
    reader.at += 1;
    if (next === '\n') continue;
    word.current += '$`"\\'.includes(next) ? next : `\\${next}`;
  }
}

function readPlain(word: Word, character: string): void {
  if (character === '*' || character === '?' || character === '[') word.glob = true;
  const mark =
    character === '{'
      ? BRACE_OPEN
      : character === ','
        ? BRACE_COMMA
        : character === '}'
          ? BRACE_CLOSE
          : character;
  word.current += mark;
  word.started = true;
}

/** `'…'`; `at` stands behind the opening quote. */
function readSingleQuote(reader: WordReader, word: Word): void {
  const end = reader.text.indexOf("'", reader.at);
  const stop = end < 0 ? reader.text.length : end;
  word.current += reader.text.slice(reader.at, stop);
  word.started = true;
  word.quoted = true;
  if (!reader.spend(stop - reader.at)) reader.at = stop + 1;
}

function readEscaped(reader: WordReader, word: Word): void {
  const next = reader.text[reader.at] ?? '';
  reader.at += 1;
  if (next === '\n') return;
  word.current += next;
  word.started = true;
  word.quoted = true;
}

function readPart(reader: WordReader, word: Word, place: Place, character: string): void {
  if (character === '$') readDollar(reader, word, place, false);
  else if (character === '`') readBackticks(reader, word, place);
  else {
    reader.at += 1;
    if (character === "'") readSingleQuote(reader, word);
    else if (character === '"') readDoubleQuote(reader, word, place);
    else if (character === '\\') readEscaped(reader, word);
    else readPlain(word, character);
  }
}

/** Process substitution at the start of or inside a word. */
function readProcess(reader: WordReader, word: Word, place: Place, character: string): void {
  const start = reader.at;
  reader.at += 2;
  reader.substitution(character === '<' ? 'process_in' : 'process_out', place);
  unknownPart(word, reader.text.slice(start, reader.at));
}

/**
 * Reads one word and what it expands to: none (`$IFS`), one, or several words (braces, known variables). Ends
 * before the next blank or operator.
 */
export function readWords(reader: WordReader, place: Place): ShellWord[] {
  const word: Word = { fields: [], current: '', started: false, quoted: false, unknown: false, glob: false };
  while (reader.at < reader.text.length) {
    if (reader.spend(1)) break;
    const character = reader.text[reader.at]!;
    if ((character === '<' || character === '>') && reader.text[reader.at + 1] === '(') {
      readProcess(reader, word, place, character);
      continue;
    }
    if (BREAK.has(character)) break;
    readPart(reader, word, place, character);
  }
  splitField(word);
  return word.fields
    .flatMap((field) => expandBraces(field))
    .map((text) => ({ text, quoted: word.quoted, has_unknown: word.unknown, glob: word.glob }));
}

/** The same as one word, whatever it expands to: for assignments, redirections and here-documents. */
export function readOneWord(reader: WordReader, place: Place): ShellWord {
  const words = readWords(reader, place);
  if (words.length === 1) return words[0]!;
  return {
    text: words.map((word) => word.text).join(' '),
    quoted: words.some((word) => word.quoted),
    has_unknown: words.some((word) => word.has_unknown),
    glob: words.some((word) => word.glob),
  };
}

/** Text in which only expansions count, as in a here-document with an unquoted delimiter. */
export function readExpandedText(reader: WordReader, place: Place): ShellWord {
  const word: Word = { fields: [], current: '', started: false, quoted: false, unknown: false, glob: false };
  while (reader.at < reader.text.length) {
    if (reader.spend(1)) break;
    const character = reader.text[reader.at]!;
    if (character === '$') readDollar(reader, word, place, true);
    else if (character === '`') readBackticks(reader, word, place);
    else {
      word.current += character;
      reader.at += 1;
    }
  }
  return { text: word.current, quoted: false, has_unknown: word.unknown, glob: false };
}
