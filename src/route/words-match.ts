import { compileGlob, compileGlobs, type Glob } from '../lib/glob.ts';
import type { Program } from '../model/exec-event.ts';
import type { Decision } from './match.ts';

/** Blanks in an argument string beyond which the ways to split it are not looked into. */
const MAX_PIECES = 64;

/**
 * Tests on the words after the program's name. Where the sensor joined them, what the words were is not known:
 * the test holds only if it holds however the string is split, and fails only if it fails however it is split.
 */
export type WordsTest = (program: Program) => Decision;

/** The words are these and no others, one pattern for each. */
export function wordsAre(patterns: readonly string[]): WordsTest {
  const globs = patterns.map(compileGlob);
  const shown = `the arguments are ${patterns.length === 0 ? 'none' : patterns.join(' ')}`;
  return (program) => {
    const { argv, argv_quality } = program;
    if (argv_quality === 'exact') {
      const words = argv.slice(1);
      const fits = words.length === globs.length && words.every((word, i) => globs[i]!(word));
      return yesOrNo(fits, shown, 'the arguments are others');
    }
    const pieces = piecesOf(program);
    if (pieces === undefined) return unknownWords(program);
    const { all, any } = splitsThatFit(pieces, globs);
    if (all) return { is: 'yes', why: shown };
    return any ? ambiguous(program) : { is: 'no', why: 'the arguments are others' };
  };
}

/** Each of these is one of the words; with `!`, none of the words. */
export function wordsHave(patterns: readonly string[]): WordsTest {
  const wanted = patterns.map((text) => ({
    text,
    not: text.startsWith('!'),
    glob: compileGlob(text.replace(/^!/, '')),
  }));
  return (program) => {
    let unknown: Decision | undefined;
    for (const { text, not, glob } of wanted) {
      const has = wordIs(program, glob);
      if (has === undefined) unknown ??= argvLacks(program) ? unknownWords(program) : ambiguous(program);
      else if (has === not)
        return { is: 'no', why: not ? `an argument is ${text.slice(1)}` : `no argument is ${text}` };
    }
    return unknown ?? { is: 'yes', why: `the arguments have ${patterns.join(', ')}` };
  };
}

/** The nth word after the program (from 1), or the last one, fits. */
export function wordAt(place: number | 'last', pattern: readonly string[]): WordsTest {
  const glob = compileGlobs(pattern);
  const shown = `argument ${place} is ${pattern.join(' or ')}`;
  return (program) => {
    if (program.argv_quality === 'exact') {
      const words = program.argv.slice(1);
      const word = place === 'last' ? words.at(-1) : words[place - 1];
      return yesOrNo(word !== undefined && glob(word), shown, `argument ${place} is another`);
    }
    const pieces = piecesOf(program);
    if (pieces === undefined) return unknownWords(program);
    const { all, any } = readingsAt(pieces, place, glob);
    if (all) return { is: 'yes', why: shown };
    return any ? ambiguous(program) : { is: 'no', why: `argument ${place} is another` };
  };
}

/** Whether each way to split has such a word at that place, and whether any has. */
function readingsAt(
  pieces: readonly string[],
  place: number | 'last',
  glob: Glob,
): { all: boolean; any: boolean } {
  const count = pieces.length;
  // All pieces may have been one word: then there is no second one.
  let all = count > 0 && (place === 'last' || place === 1);
  let any = false;
  for (let from = 0; from < count; from += 1) {
    // So many pieces before it can be so many words less one, and none only before the first.
    if (place !== 'last' && (place === 1 ? from > 0 : from < place - 1)) continue;
    for (let to = place === 'last' ? count : from + 1; to <= count; to += 1) {
      const word = suits(pieces.slice(from, to).join(' '), glob);
      any ||= word.can;
      all &&= !word.canNot;
    }
  }
  return { all, any };
}

/** The whole command line as one text: the same however it is split, and known unless it was cut. */
export function commandLine(test: (line: string) => boolean, shown: string): WordsTest {
  return (program) => {
    const line = commandLineOf(program);
    if (line === undefined) return unknownWords(program);
    return yesOrNo(test(line), shown, 'the command line is another');
  };
}

/** The program as named and its arguments, as the sensor gave them; undefined where a part was lost. */
export function commandLineOf(program: Program): string | undefined {
  const { argv, argv_quality } = program;
  if (argv_quality === 'exact') return argv.join(' ');
  if (argvLacks(program)) return undefined;
  return `${argv[0] ?? ''} ${program.arguments}`;
}

function yesOrNo(fits: boolean, yes: string, no: string): Decision {
  return fits ? { is: 'yes', why: yes } : { is: 'no', why: no };
}

function argvLacks({ argv_quality, arguments: text }: Program): boolean {
  return argv_quality === 'lost' || argv_quality === 'truncated' || text === undefined;
}

function unknownWords(program: Program): Decision {
  const how = program.argv_quality === 'truncated' ? 'cut off' : 'not reported';
  return { is: 'unknown', why: `the arguments were ${how}` };
}

function ambiguous(_program: Program): Decision {
  return {
    is: 'unknown',
    why: 'the sensor joined the arguments, and not every way to split them agrees; command_line compares them whole',
  };
}

/** Whether some word fits; undefined if that depends on how the string is split. */
function wordIs(program: Program, glob: Glob): boolean | undefined {
  if (program.argv_quality === 'exact') return program.argv.slice(1).some(glob);
  const pieces = piecesOf(program);
  if (pieces === undefined) return undefined;
  const count = pieces.length;
  let some = false;
  // without[i]: the first i pieces can be split so that no word fits.
  const without = [true];
  for (let to = 1; to <= count; to += 1) {
    without[to] = false;
    for (let from = 0; from < to; from += 1) {
      const word = suits(pieces.slice(from, to).join(' '), glob);
      if (word.can) some = true;
      if (word.canNot && without[from]) without[to] = true;
    }
  }
  if (!without[count]) return true;
  return some ? undefined : false;
}

/** Whether the string can be, and whether it can only be, split into words that fit the globs in turn. */
function splitsThatFit(pieces: readonly string[], globs: readonly Glob[]): { all: boolean; any: boolean } {
  const count = pieces.length;
  // Several pieces may have been one word: only a single piece, or none, has one reading.
  const single = count === 1 ? suits(pieces[0]!, globs[0] ?? (() => false)) : undefined;
  const all = count === 0 ? globs.length === 0 : globs.length === 1 && single?.canNot === false;
  let reach = new Set([0]);
  for (const glob of globs) {
    const next = new Set<number>();
    for (const from of reach)
      for (let to = from + 1; to <= count; to += 1)
        if (suits(pieces.slice(from, to).join(' '), glob).can) next.add(to);
    reach = next;
  }
  return { all, any: reach.has(count) };
}

/** A word in double quotes may have been quoted by the sensor, or hold the quotes. */
function suits(text: string, glob: Glob): { can: boolean; canNot: boolean } {
  const plain = glob(text);
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return { can: plain, canNot: !plain };
  const bare = glob(text.slice(1, -1));
  return { can: plain || bare, canNot: !plain || !bare };
}

function piecesOf(program: Program): string[] | undefined {
  if (argvLacks(program)) return undefined;
  const text = program.arguments ?? '';
  const pieces = text === '' ? [] : text.split(' ');
  return pieces.length > MAX_PIECES ? undefined : pieces;
}
