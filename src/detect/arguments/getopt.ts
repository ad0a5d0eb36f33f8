/**
 * One option reader for all grammars. A grammar is data: two strings, compiled once. Reading never fails; what
 * no rule places is `leftover`, and the words after it are read as if it took no value.
 */

/** How one program reads its options. */
export interface Grammar {
  /** getopt's string: `v` flag, `o:` value (glued or next word), `h::` value only if glued, `e*` all that follows. */
  short: string;
  /**
   * Long options, separated by blanks: `name` flag, `name=` with value, `name?` value only after `=`. A letter
   * behind the sign (or behind `|` for flags) makes it the same as that short option: `output=o`, `verbose|v`.
   */
  long?: string;
  /** Options may follow operands (default). If false the first operand ends the options. */
  permute?: boolean;
  /** A single dash may open a long option too: `-connect HOST`. Short clusters are tried only after that. */
  single_dash?: boolean;
  /** Words that count as options although they start with a plus (`+short`) or are commands of their own. */
  plus?: boolean;
  /** Long options may be shortened while they are unique (default). */
  abbreviate?: boolean;
}

/** One option as it was given. */
export interface ReadOption {
  /** The short letter, or the long name where there is none; `no-NAME` for a negated long flag. */
  id: string;
  /** As written, without the value: `-o`, `--output`. */
  text: string;
  value?: string;
  /** Where the option's word stands. */
  at: number;
}

/** What a grammar makes of the words after the program. */
export interface ReadArguments {
  options: ReadOption[];
  operands: string[];
  /** Positions of the operands among the words. */
  operand_at: number[];
  leftover: string[];
}

type Takes = 'none' | 'value' | 'glued' | 'rest';

interface LongOption {
  name: string;
  id: string;
  takes: Takes;
}

/** A grammar with its lookups made once. */
export interface CompiledGrammar {
  short: Map<string, Takes>;
  long: Map<string, LongOption>;
  names: string[];
  permute: boolean;
  single_dash: boolean;
  plus: boolean;
  abbreviate: boolean;
}

function compileShort(text: string): Map<string, Takes> {
  const letters = new Map<string, Takes>();
  for (let index = 0; index < text.length; index += 1) {
    const letter = text[index]!;
    let takes: Takes = 'none';
    if (text[index + 1] === '*') takes = 'rest';
    else if (text.startsWith('::', index + 1)) takes = 'glued';
    else if (text[index + 1] === ':') takes = 'value';
    index += takes === 'none' ? 0 : takes === 'glued' ? 2 : 1;
    letters.set(letter, takes);
  }
  return letters;
}

function compileLong(text: string): Map<string, LongOption> {
  const options = new Map<string, LongOption>();
  for (const entry of text.split(/\s+/).filter((word) => word !== '')) {
    const match = /^([^=?|]+)([=?|]?)(.*)$/.exec(entry)!;
    const [, name = '', sign, alias] = match;
    const takes: Takes = sign === '=' ? 'value' : sign === '?' ? 'glued' : 'none';
    options.set(name, { name, id: alias || name, takes });
  }
  return options;
}

/** Made once per tool, at load. */
export function compileGrammar(grammar: Grammar): CompiledGrammar {
  const long = compileLong(grammar.long ?? '');
  return {
    short: compileShort(grammar.short),
    long,
    names: [...long.keys()].sort(),
    permute: grammar.permute ?? true,
    single_dash: grammar.single_dash ?? false,
    plus: grammar.plus ?? false,
    abbreviate: grammar.abbreviate ?? true,
  };
}

/** First position in the sorted names that is not below `prefix`. */
function lowerBound(names: readonly string[], prefix: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle]! < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Exact name, else the one option that all names with this prefix mean. */
function findLong(grammar: CompiledGrammar, name: string): LongOption | undefined {
  const exact = grammar.long.get(name);
  if (exact || name === '' || !grammar.abbreviate) return exact;
  let found: LongOption | undefined;
  for (let index = lowerBound(grammar.names, name); grammar.names[index]?.startsWith(name); index += 1) {
    const option = grammar.long.get(grammar.names[index]!)!;
    if (found && found.id !== option.id) return undefined;
    found = option;
  }
  return found;
}

interface Reader {
  grammar: CompiledGrammar;
  words: readonly string[];
  at: number;
  read: ReadArguments;
}

/** Reads `--name`, `--name=value`; false if the grammar has no such option. */
function readLong(reader: Reader, word: string, dashes: string): boolean {
  const equals = word.indexOf('=');
  const name = word.slice(dashes.length, equals < 0 ? undefined : equals);
  if (name.length > 64) return false;
  const at = reader.at;
  const text = dashes + name;
  const option = findLong(reader.grammar, name);
  if (!option) {
    const negated = name.startsWith('no-') ? findLong(reader.grammar, name.slice(3)) : undefined;
    if (!negated) return false;
    reader.read.options.push({ id: `no-${negated.id}`, text, at });
    return true;
  }
  if (option.takes === 'none') {
    reader.read.options.push({ id: option.id, text, at });
    return true;
  }
  if (equals >= 0) {
    reader.read.options.push({ id: option.id, text, value: word.slice(equals + 1), at });
    return true;
  }
  const next = option.takes === 'value' ? reader.words[reader.at + 1] : undefined;
  if (next !== undefined) reader.at += 1;
  reader.read.options.push({ id: option.id, text, at, ...(next === undefined ? {} : { value: next }) });
  return true;
}

/** Reads `-abc`, `-ovalue`, `-o value`: left to right, the first letter with a value eats the rest. */
function readCluster(reader: Reader, word: string): void {
  const { grammar, words, read } = reader;
  const at = reader.at;
  for (let index = 1; index < word.length; index += 1) {
    const letter = word[index]!;
    const takes = grammar.short.get(letter);
    if (takes === undefined) {
      if (read.leftover.at(-1) !== word) read.leftover.push(word);
      if (index === 1) return;
      continue;
    }
    const text = `-${letter}`;
    const rest = word.slice(index + 1);
    if (takes === 'none') {
      read.options.push({ id: letter, text, at });
      continue;
    }
    if (takes === 'rest') {
      const all = [...(rest === '' ? [] : [rest]), ...words.slice(reader.at + 1)];
      reader.at = words.length;
      read.options.push({ id: letter, text, value: all.join(' '), at });
      return;
    }
    if (rest !== '' || takes === 'glued') {
      read.options.push({ id: letter, text, at, ...(rest === '' ? {} : { value: rest }) });
      return;
    }
    const next = words[reader.at + 1];
    if (next !== undefined) reader.at += 1;
    read.options.push({ id: letter, text, at, ...(next === undefined ? {} : { value: next }) });
    return;
  }
}

function readWord(reader: Reader, word: string): void {
  const { grammar, read } = reader;
  if (word.startsWith('--')) {
    if (!readLong(reader, word, '--')) read.leftover.push(word);
    return;
  }
  if (grammar.single_dash && readLong(reader, word, '-')) return;
  readCluster(reader, word);
}

function isOption(grammar: CompiledGrammar, word: string): boolean {
  return (word.startsWith('-') && word.length > 1) || (grammar.plus && word.startsWith('+'));
}

/** Reads words (without argv[0]) by a grammar. Total, linear in the length of the words. */
export function readArguments(grammar: CompiledGrammar, words: readonly string[]): ReadArguments {
  const read: ReadArguments = { options: [], operands: [], operand_at: [], leftover: [] };
  const reader: Reader = { grammar, words, at: 0, read };
  let options = true;
  for (; reader.at < words.length; reader.at += 1) {
    const word = words[reader.at]!;
    if (options && word === '--') {
      options = false;
      continue;
    }
    if (!options || !isOption(grammar, word)) {
      read.operands.push(word);
      read.operand_at.push(reader.at);
      if (!grammar.permute) options = false;
      continue;
    }
    if (word.startsWith('+')) read.options.push({ id: word, text: word, at: reader.at });
    else readWord(reader, word);
  }
  return read;
}

/** All values of an option, in order. */
export function valuesOf(read: ReadArguments, ...ids: string[]): string[] {
  return read.options.flatMap((option) =>
    ids.includes(option.id) && option.value !== undefined ? [option.value] : [],
  );
}

/** The option that counts where it may stand only once: the last one. */
export function lastOption(read: ReadArguments, ...ids: string[]): ReadOption | undefined {
  return read.options.findLast((option) => ids.includes(option.id));
}

export function hasOption(read: ReadArguments, ...ids: string[]): boolean {
  return read.options.some((option) => ids.includes(option.id));
}
