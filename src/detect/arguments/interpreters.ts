/** Where the code of an interpreter's command line stands. */
import type { ArgumentContext, ArgumentParser } from '../invocation.ts';
import { compileGrammar, type Grammar, readArguments } from './getopt.ts';
import { parseInlineCode } from './inline-code.ts';

interface Interpreter {
  language: string;
  grammar: Grammar;
  /** Options whose value is code. */
  code: string[];
  /** Options whose value is a module that is loaded. */
  modules: string[];
  /** The first operand is the program, unless one of these options names a file. */
  program_operand?: { unless: string[] };
}

const INTERPRETERS: Record<string, Interpreter> = {
  python: {
    language: 'python',
    grammar: { short: 'bBdEhiIOPqRsSuvVxc*m*W:X:', permute: false },
    code: ['c'],
    modules: ['m'],
  },
  perl: {
    language: 'perl',
    grammar: { short: 'aAcdfhnpsStTuUvVwWXe:E:F:I:M:m:i::l::0::C::D::x::', permute: false },
    code: ['e', 'E'],
    modules: ['M', 'm'],
  },
  ruby: {
    language: 'ruby',
    grammar: {
      short: 'acdhlnpsSvVwye:r:I:E:C:F:i::K::T::W::x::0::',
      long: 'enable= disable= encoding= version help verbose',
      permute: false,
    },
    code: ['e'],
    modules: ['r'],
  },
  node: {
    language: 'node',
    grammar: {
      short: 'chive:p:r:C:',
      long: 'eval=e print=p require=r import=r check|c interactive|i version|v help|h input-type= experimental-modules no-warnings max-old-space-size= inspect? trace-warnings',
      permute: false,
    },
    code: ['e', 'p'],
    modules: ['r'],
  },
  php: {
    language: 'php',
    grammar: { short: 'aCehHilmnqswvr:B:R:E:F:f:d:c:z:S:t:', long: 'run=r define=d', permute: false },
    code: ['r', 'B', 'R', 'E'],
    modules: [],
  },
  lua: {
    language: 'lua',
    grammar: { short: 'iEvWe:l:b:j:O::', permute: false },
    code: ['e'],
    modules: ['l'],
  },
  awk: {
    language: 'awk',
    grammar: {
      short: 'bcCghILMnNOPrsStVf:F:v:e:E:i:l:o::p::D::d::',
      long: 'file=f field-separator=F assign=v source=e include=i load=l exec=E posix|P traditional|c version|V help|h',
      permute: false,
    },
    code: ['e'],
    modules: ['l'],
    program_operand: { unless: ['f', 'e', 'E'] },
  },
  tcl: {
    language: 'tcl',
    grammar: { short: 'c:e:', permute: false },
    code: ['c', 'e'],
    modules: [],
  },
  java: {
    language: 'java',
    grammar: { short: 'e:f:l:q', long: 'classpath= cp= scripting? fv', single_dash: true, permute: false },
    code: ['e'],
    modules: [],
  },
  r: {
    language: 'r',
    grammar: { short: 'e:f:q', long: 'vanilla no-save no-restore slave quiet args', permute: false },
    code: ['e'],
    modules: [],
  },
  julia: {
    language: 'julia',
    grammar: { short: 'hvqie:E:L:p:t:J:', long: 'eval=e print=E load=L project?', permute: false },
    code: ['e', 'E'],
    modules: [],
  },
};

const NAMES: Record<string, string> = {
  python: 'python',
  pypy: 'python',
  perl: 'perl',
  ruby: 'ruby',
  jruby: 'ruby',
  node: 'node',
  nodejs: 'node',
  bun: 'node',
  deno: 'node',
  php: 'php',
  'php-cgi': 'php',
  lua: 'lua',
  luajit: 'lua',
  awk: 'awk',
  gawk: 'awk',
  mawk: 'awk',
  nawk: 'awk',
  tclsh: 'tcl',
  wish: 'tcl',
  expect: 'tcl',
  jrunscript: 'java',
  jjs: 'java',
  groovy: 'java',
  jshell: 'java',
  R: 'r',
  Rscript: 'r',
  julia: 'julia',
};

/** The language an interpreter's file name stands for, version suffix aside (`python3.11`); undefined for others. */
export function interpreterLanguage(name: string): string | undefined {
  const bare = name.replace(/-?[0-9.]{1,16}$/, '');
  const key = Object.hasOwn(NAMES, name) ? name : bare;
  return Object.hasOwn(NAMES, key) ? NAMES[key] : undefined;
}

export interface InlineText {
  language: string;
  /** All code given in options, joined by newlines; loaded modules stand in front as `use NAME`-like lines. */
  code: string;
  /** A module to run (`python -m NAME ARGS`), with its arguments behind. */
  module?: string;
}

/** The code in an interpreter's words (argv without argv[0]); undefined if it runs a file or standard input. */
export function inlineText(name: string, words: readonly string[]): InlineText | undefined {
  const key = interpreterLanguage(name);
  const interpreter = key === undefined ? undefined : INTERPRETERS[key];
  if (!interpreter) return undefined;
  const plain = name === 'deno' && words[0] === 'eval' ? ['-e', ...words.slice(1)] : words;
  const read = readArguments(compiled(key!, interpreter), plain);
  const pieces = read.options.filter(
    (option) => interpreter.code.includes(option.id) && option.value !== undefined,
  );
  const unless = interpreter.program_operand?.unless;
  const operand =
    unless && !read.options.some((option) => unless.includes(option.id)) ? read.operands[0] : undefined;
  const code = [
    ...pieces.map((option) => codeOf(option.value!, plain, option.at, interpreter)),
    ...(operand === undefined ? [] : [operand]),
  ];
  const module = read.options.find((option) => key === 'python' && option.id === 'm')?.value;
  if (code.length === 0)
    return module === undefined ? undefined : { language: interpreter.language, code: '', module };
  const loaded = read.options.filter(
    (option) => interpreter.modules.includes(option.id) && option.value !== undefined,
  );
  const lines = loaded.map((option) => loadLine(interpreter.language, option.value!));
  return { language: interpreter.language, code: [...lines, ...code].join('\n') };
}

/** python's `-c` ends the options: the next word is the code, what follows is its argv. */
function codeOf(value: string, words: readonly string[], at: number, interpreter: Interpreter): string {
  if (interpreter.language !== 'python') return value;
  const word = words[at] ?? '';
  const glued = word.slice(word.indexOf('c') + 1);
  return glued === '' ? (words[at + 1] ?? '') : glued;
}

function loadLine(language: string, module: string): string {
  if (language === 'perl') return `use ${module.replace(/=.*$/s, '')};`;
  if (language === 'ruby') return module === 'socket' ? 'TCPSocket' : `require '${module}'`;
  return `require('${module}')`;
}

const GRAMMARS = new Map<string, ReturnType<typeof compileGrammar>>();

function compiled(key: string, interpreter: Interpreter) {
  const known = GRAMMARS.get(key);
  if (known) return known;
  const grammar = compileGrammar(interpreter.grammar);
  GRAMMARS.set(key, grammar);
  return grammar;
}

/** A parser for `<program>-net`: reads the code out of the words and scans it. No code: an empty invocation. */
export function interpreterParser(tool: string, program: string): ArgumentParser {
  return (words: readonly string[], context: ArgumentContext) => {
    const name = context.invoked_as.slice(context.invoked_as.lastIndexOf('/') + 1);
    const found = inlineText(interpreterLanguage(name) === undefined ? program : name, words);
    const invocation = parseInlineCode(tool, found?.language ?? program, found?.code ?? '', context.cwd);
    if (!found) invocation.inert = 'no_operand';
    return invocation;
  };
}
