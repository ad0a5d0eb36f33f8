/** Reads a process's arguments as far as a shell or interpreter is concerned. */
import type { Sensor } from '../model/exec-event.ts';
import type { EvidenceProgram } from './evidence.ts';
import { baseName, interpreterId, shellName } from './names.ts';

/** Options of interpreters that take the next word, so that it is no script. */
const VALUE_LETTERS: Readonly<Record<string, string>> = {
  python: 'WXQ',
  perl: 'IxF',
  ruby: 'rICEFK',
  php: 'dczt',
  lua: 'l',
  gawk: 'FvE',
  tclsh: '',
  jrunscript: 'lJ',
  julia: 'JHLpt',
};
/** Options of interpreters whose value is code or a module: there is no script then. */
const CODE_LETTERS: Readonly<Record<string, string>> = {
  python: 'cm',
  perl: 'eE',
  ruby: 'e',
  node: 'ep',
  php: 'rBRES',
  lua: 'e',
  gawk: '',
  jrunscript: 'e',
  julia: 'eE',
  powershell: 'ce',
};
const NODE_VALUE_OPTIONS = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
  '--env-file',
  '--input-type',
]);

/** Where the `-c` string of a shell stands in `words` (arguments without argv[0]); -1 if there is none. */
export function shellStringIndex(words: readonly string[]): number {
  for (let i = 0; i < words.length && i < 32; i++) {
    const word = words[i]!;
    if (word === '--') return -1;
    if (
      word === '-o' ||
      word === '+o' ||
      word === '-O' ||
      word === '+O' ||
      word === '--rcfile' ||
      word === '--init-file'
    ) {
      i++;
      continue;
    }
    if (word.startsWith('--')) {
      if (word === '--command') return i + 1 < words.length ? i + 1 : -1;
      continue;
    }
    if (!/^[-+]/.test(word) || word.length < 2) return -1;
    if (word.startsWith('-') && word.includes('c')) {
      let at = i + 1;
      while (at < words.length && /^[-+][A-Za-z]+$/.test(words[at]!))
        at += words[at] === '-o' || words[at] === '+o' ? 2 : 1;
      if (words[at] === '--') at++;
      return at < words.length ? at : -1;
    }
    // `sh -xeo pipefail -c …`: the option's name is the next word.
    if (/^[-+][A-Za-z]*[oO]$/.test(word)) i++;
  }
  return -1;
}

/**
 * The text that starts at word `index`, as it stood before the sensor joined the words: Falco quotes nothing,
 * so all the rest belongs to it; Tetragon puts words with blanks in quotes and escapes nothing in them.
 */
export function joinedFrom(
  words: readonly string[],
  index: number,
  program: Pick<EvidenceProgram, 'argv_quality' | 'arguments'>,
  sensor: Sensor,
): string {
  const word = words[index] ?? '';
  if (program.argv_quality === 'exact') return word;
  if (sensor === 'falco') return words.slice(index).join(' ');
  const text = program.arguments;
  if (text === undefined) return word;
  const option = words[index - 1];
  const at = option === undefined ? -1 : text.indexOf(`${option} "`);
  if (at < 0) return word;
  const start = at + option!.length + 2;
  const end = text.lastIndexOf('"');
  return end > start ? text.slice(start, end) : text.slice(start);
}

/** The string a shell was started with (`sh -c STRING`); undefined for scripts and interactive shells. */
export function shellStringOf(program: EvidenceProgram, sensor: Sensor): string | undefined {
  const isShell = [program.binary, program.exe, program.comm, program.argv[0]].some(
    (name) => name !== undefined && shellName(baseName(name)) !== undefined,
  );
  if (!isShell) return undefined;
  const words = program.argv.slice(1);
  // A multi-call program under its own name: `busybox sh -c …`.
  if (words[0] !== undefined && shellName(words[0]) !== undefined) words.shift();
  const at = shellStringIndex(words);
  return at < 0 ? undefined : joinedFrom(words, at, program, sensor);
}

/**
 * The script that a program runs: the file itself when it is one (`#!`), or the first operand of an
 * interpreter or shell, or the jar of java.
 */
export function scriptOf(program: EvidenceProgram): string | undefined {
  const { binary, exe, argv } = program;
  if (binary !== undefined && exe !== undefined && binary !== exe && isInterpreterFile(exe)) {
    if (!isInterpreterFile(binary)) return binary;
  }
  if (
    program.comm !== undefined &&
    exe !== undefined &&
    isInterpreterFile(exe) &&
    !isInterpreterFile(program.comm)
  ) {
    const named = argv.slice(1, 6).find((word) => baseName(word).slice(0, 15) === program.comm);
    if (named !== undefined) return named;
  }
  const name = baseName(binary ?? exe ?? argv[0] ?? '');
  const words = argv.slice(1);
  if (words[0] !== undefined && /busybox|toybox/.test(name) && shellName(words[0]) !== undefined)
    words.shift();
  const known = isInterpreterFile(name) ? name : baseName(argv[0] ?? '');
  if (name === 'java' || known === 'java') return jarOf(words);
  return scriptOperand(known, words)?.path;
}

function isInterpreterFile(path: string): boolean {
  const name = baseName(path);
  return (
    shellName(name) !== undefined || interpreterId(name) !== undefined || /^(?:busybox|toybox)/.test(name)
  );
}

function jarOf(words: readonly string[]): string | undefined {
  const at = words.indexOf('-jar');
  return at >= 0 ? words[at + 1] : undefined;
}

/** The first operand of a shell or interpreter, and the words behind it. */
export function scriptOperand(
  name: string,
  words: readonly string[],
): { path: string; rest: readonly string[] } | undefined {
  const shell = shellName(name);
  if (shell !== undefined) {
    if (shellStringIndex(words) >= 0) return undefined;
    return firstOperand(
      words,
      (word) =>
        word === '-o' ||
        word === '+o' ||
        word === '-O' ||
        /^[-+][a-z]*o$/.test(word) ||
        word === '--rcfile' ||
        word === '--init-file',
    );
  }
  const language = interpreterId(name);
  if (language === undefined) return undefined;
  return interpreterScript(language, words);
}

function interpreterScript(
  language: string,
  words: readonly string[],
): { path: string; rest: readonly string[] } | undefined {
  if (language === 'gawk') {
    const at = words.findIndex((word) => word === '-f' || word === '--file');
    const path = words[at + 1];
    return at >= 0 && path !== undefined ? { path, rest: words.slice(at + 2) } : undefined;
  }
  if (language === 'go') {
    const path = words[0] === 'run' ? words.slice(1).find((word) => !word.startsWith('-')) : undefined;
    return path === undefined ? undefined : { path, rest: words.slice(words.indexOf(path) + 1) };
  }
  if (language === 'php') {
    const at = words.findIndex((word) => word === '-f' || word === '-F');
    const path = words[at + 1];
    if (at >= 0 && path !== undefined) return { path, rest: words.slice(at + 2) };
  }
  const code = CODE_LETTERS[language] ?? '';
  if (words.slice(0, 16).some((word) => takesCode(language, code, word))) return undefined;
  const first = words[0];
  if (language === 'node' && (first === 'run' || first === 'eval' || first === 'x')) {
    return first === 'run' ? firstOperand(words.slice(1), (word) => NODE_VALUE_OPTIONS.has(word)) : undefined;
  }
  const values = VALUE_LETTERS[language] ?? '';
  return firstOperand(
    words,
    (word) => NODE_VALUE_OPTIONS.has(word) || (/^-[A-Za-z]$/.test(word) && values.includes(word[1]!)),
  );
}

function takesCode(language: string, letters: string, word: string): boolean {
  if (language === 'node') return /^(?:-e|-p|-pe|--eval|--print)(?:=|$)/.test(word);
  if (language === 'powershell') return /^-(?:c|command|e|ec|enc|encodedcommand)$/i.test(word);
  if (!/^-[A-Za-z0-9]/.test(word) || letters === '') return false;
  const values = VALUE_LETTERS[language] ?? '';
  for (const letter of word.slice(1)) {
    if (letters.includes(letter)) return true;
    if (values.includes(letter) || letter === 'M' || letter === 'm') return false;
  }
  return false;
}

function firstOperand(
  words: readonly string[],
  takesValue: (word: string) => boolean,
): { path: string; rest: readonly string[] } | undefined {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') {
      const path = words[i + 1];
      return path === undefined ? undefined : { path, rest: words.slice(i + 2) };
    }
    if (/^[-+]./.test(word)) {
      if (takesValue(word)) i++;
      continue;
    }
    if (word === '' || word === '-') return undefined;
    return { path: word, rest: words.slice(i + 1) };
  }
  return undefined;
}
