import type { ArgvQuality, Program } from '../../model/exec-event.ts';

/** What Falco tells of a program, whichever process of the message it is. Absent parts are unknown. */
export interface ToldProgram {
  /** argv[0]: `proc.exe`, `proc.pexe`, `proc.aexe[n]`. */
  exe?: string | undefined;
  exepath?: string | undefined;
  /** comm. */
  name?: string | undefined;
  /** The arguments joined by spaces, without argv[0]. */
  args?: string | undefined;
  /** argv[0] and the arguments. */
  exeline?: string | undefined;
  /** comm and the arguments. */
  cmdline?: string | undefined;
  /** Number of arguments without argv[0]. */
  nargs?: string | undefined;
  /** Bytes of all arguments together, without the spaces between them. */
  lenargs?: string | undefined;
  cwd?: string | undefined;
  pid?: string | undefined;
  uid?: string | undefined;
  user?: string | undefined;
  /** The command line was cut by ourselves. */
  cut?: true | undefined;
}

/** Falco keeps argv in 4096 bytes: argv[0], the arguments, and a NUL behind each. */
const ARGV_BYTES = 4095;
const shell = /(?:^|\/)-?(?:ba|da|a|k|mk|z|pdk|rb)?sh$/;

/** A program as the model has it. */
export function programOf(told: ToldProgram): Program {
  const file = fileOf(told.exepath);
  const name = told.name ?? told.exeline?.split(' ', 1)[0] ?? told.cmdline?.split(' ', 1)[0];
  const first = told.exe ?? name ?? file ?? '';
  const text = argumentText(told);
  const { words, quality } = argvOf(told, text, first);
  const script = scriptOf(told, words);
  return {
    ...(script !== undefined && { binary: script.path }),
    ...(file !== undefined && { exe: file }),
    ...(told.name !== undefined && { comm: told.name }),
    argv: script === undefined ? [first, ...words] : [script.path, ...words.slice(script.at + 1)],
    argv_quality: quality,
    // The kernel replaces a script's argv[0] by the interpreter, so what execve was given is lost.
    argv0_known: told.exe !== undefined && script === undefined,
    ...(quality !== 'exact' && text !== undefined && { arguments: rest(text, words, script) }),
    ...(told.cwd !== undefined && { cwd: cwdOf(told.cwd) }),
    ...numberAs('pid', told.pid),
    ...numberAs('uid', told.uid),
    ...(told.user !== undefined && { user: told.user }),
  };
}

/**
 * A script started by its `#!` line: comm is the script's name, the file the kernel mapped is the interpreter,
 * and the script stands in the arguments behind at most one option. Undefined if it is none.
 */
function scriptOf(told: ToldProgram, words: string[]): { path: string; at: number } | undefined {
  if (told.name === undefined || told.exepath === undefined) return undefined;
  if (sameName(told.exepath, told.name) || (told.exe !== undefined && sameName(told.exe, told.name)))
    return undefined;
  const at = words[0]?.startsWith('-') || sameName(told.exe ?? told.exepath, 'env') ? 1 : 0;
  const word = words[at];
  if (word === undefined || !sameName(word, told.name)) return undefined;
  if (word.startsWith('/')) return { path: word, at };
  if (told.cwd === undefined || !word.includes('/')) return undefined;
  return { path: joined(told.cwd, word), at };
}

/** The arguments as Falco joined them, for a script those behind the script's own path. */
function rest(text: string, words: string[], script: { at: number } | undefined): string {
  if (script === undefined) return text;
  const word = words[script.at] ?? '';
  return text.slice(text.indexOf(word) + word.length + 1);
}

/** True if `name`, a comm of at most 15 bytes, is what the kernel would take from `path`. */
function sameName(path: string, name: string): boolean {
  const base = path.slice(path.lastIndexOf('/') + 1);
  return (
    base === name ||
    (Buffer.byteLength(name) === 15 && Buffer.from(base).subarray(0, 15).equals(Buffer.from(name)))
  );
}

function joined(cwd: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${cwd}/${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The arguments as one string; undefined if Falco did not tell them. */
function argumentText(told: ToldProgram): string | undefined {
  if (told.args !== undefined) return told.args;
  return (
    // Falco writes a space behind argv[0] even if no argument follows.
    after(told.exeline, told.exe) ??
    after(told.cmdline, told.name) ??
    afterFirstWord(told.exeline ?? told.cmdline)
  );
}

function after(line: string | undefined, first: string | undefined): string | undefined {
  if (line === undefined || first === undefined || !line.startsWith(first)) return undefined;
  if (line.length === first.length) return '';
  return line[first.length] === ' ' ? line.slice(first.length + 1) : undefined;
}

function afterFirstWord(line: string | undefined): string | undefined {
  if (line === undefined) return undefined;
  const space = line.indexOf(' ');
  return space < 0 ? '' : line.slice(space + 1);
}

function argvOf(
  told: ToldProgram,
  text: string | undefined,
  first: string,
): { words: string[]; quality: ArgvQuality } {
  if (text === undefined) return { words: [], quality: 'lost' };
  const words = text === '' ? [] : text.split(' ');
  if (isTruncated(told, text)) return { words: readWords(text, words, first, told), quality: 'truncated' };
  // n arguments joined by single spaces give n words only if none of them holds a space.
  const nargs = count(told.nargs);
  if (words.length <= 1 || words.length === nargs) return { words, quality: 'exact' };
  if (nargs === 1) return { words: [text], quality: 'exact' };
  return { words: readWords(text, words, first, told), quality: 'split' };
}

function isTruncated(told: ToldProgram, text: string): boolean {
  if (told.cut === true) return true;
  const bytes = Buffer.byteLength(text);
  const nargs = count(told.nargs);
  const lenargs = count(told.lenargs);
  if (nargs !== undefined && lenargs !== undefined && nargs > 0 && bytes < lenargs + nargs - 1) return true;
  const first = told.exe ?? told.exepath ?? '';
  return bytes + 1 + Math.max(Buffer.byteLength(first), Buffer.byteLength(told.name ?? '')) >= ARGV_BYTES;
}

/** The likeliest words: what a shell is to run stays in one piece, empty words are the spaces inside one. */
function readWords(text: string, words: string[], first: string, told: ToldProgram): string[] {
  const runsShell = shell.test(first) || shell.test(told.exepath ?? '') || shell.test(told.name ?? '');
  const option = words[0] ?? '';
  if (runsShell && /^-[a-zA-Z]*c$/.test(option)) return [option, text.slice(option.length + 1)];
  return words.filter((word) => word !== '');
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** `exepath` without the mark the kernel puts behind a file that is gone. */
export function fileOf(exepath: string | undefined): string | undefined {
  return exepath?.replace(/ \(deleted\)$/, '');
}

/** Falco ends a directory with a slash. */
function cwdOf(cwd: string): string {
  return cwd.length > 1 ? cwd.replace(/\/+$/, '') || '/' : cwd;
}

function numberAs<K extends 'pid' | 'uid'>(key: K, text: string | undefined): Partial<Record<K, number>> {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return {};
  return { [key]: Number(text) } as Partial<Record<K, number>>;
}
