/** Scripts that a shell string carries encoded: `echo B64 | base64 -d | sh` and its relatives. */
import { decodeBase64, decodeHex } from '../base64.ts';
import { parseShell } from './parse.ts';
import type { Redirection, ShellScript, SimpleCommand } from './types.ts';
import { unescapeText } from './words.ts';

export interface DecodedScript {
  /** Who runs the text: `sh`, `python3`, `eval`. */
  interpreter: string;
  /** Index of the decoding command in the script it stands in. */
  command: number;
  /** Absent if the encoded text is not in the string, or what it gives is no text (compressed, binary). */
  text?: string;
  /** The text parsed, where a shell runs it; its own encoded scripts follow in the result. */
  script?: ShellScript;
  /** 1 for what stands in the string itself. */
  depth: number;
}

const SHELL = /^(?:ba|da|a|k|mk|z|fi)?sh$/;
const OTHERS = /^(?:python[0-9.]*|perl|ruby|node|php[0-9.]*|lua[0-9.]*|tclsh)$/;

function nameOf(command: SimpleCommand, at = 0): string {
  const text = command.words[at]?.text ?? '';
  return text.slice(text.lastIndexOf('/') + 1);
}

const PREFIXES = new Set(['sudo', 'exec', 'nohup', 'setsid', 'busybox', 'command', 'env', 'time']);

/** The program behind harmless prefixes and its position among the words. */
function programOf(command: SimpleCommand): { name: string; at: number } {
  let at = 0;
  while (at < Math.min(4, command.words.length) && PREFIXES.has(nameOf(command, at))) at += 1;
  return { name: nameOf(command, at), at };
}

function isInterpreter(name: string): boolean {
  return SHELL.test(name) || OTHERS.test(name);
}

type Decoder = (text: string) => string | undefined;

/** What a command decodes its input with; undefined if it decodes nothing we know. */
function decoderOf(command: SimpleCommand): Decoder | undefined {
  const { name, at } = programOf(command);
  const flags = command.words.slice(at + 1).map((word) => word.text);
  const decodes = flags.some(
    (flag) => /^-[a-zA-Z]*[dD]/.test(flag) || ('--decode'.startsWith(flag) && flag.length > 3),
  );
  if (name === 'base64' || name === 'gbase64') return decodes ? decodeBase64 : undefined;
  if (name === 'openssl')
    return flags.some((flag) => /^(?:-a|-?base64)$/.test(flag)) && decodes ? decodeBase64 : undefined;
  if (name === 'xxd') return flags.some((flag) => /^-[a-z]*r/.test(flag)) ? decodeHex : undefined;
  return undefined;
}

/** Text that `echo` or `printf` writes, if it is all there. */
function writtenBy(command: SimpleCommand): string | undefined {
  const { name, at } = programOf(command);
  const words = command.words.slice(at + 1);
  if (words.some((word) => word.has_unknown)) return undefined;
  if (name === 'echo') {
    const first = words.findIndex((word) => !/^-[neE]+$/.test(word.text));
    const text = words
      .slice(Math.max(0, first))
      .map((word) => word.text)
      .join(' ');
    return words.slice(0, Math.max(0, first)).some((word) => word.text.includes('e'))
      ? unescapeText(text)
      : text;
  }
  if (name !== 'printf') return undefined;
  const [format, ...values] = words.map((word) => word.text);
  if (values.length === 0) return unescapeText(format ?? '');
  return unescapeText((format ?? '').replace(/%[sb]/g, () => values.shift() ?? ''));
}

function fromRedirection(redirection: Redirection): string | undefined {
  if (redirection.target.has_unknown) return undefined;
  return ['<<<', '<<', '<<-'].includes(redirection.operator) ? redirection.target.text : undefined;
}

/** What a command reads on standard input, as far as the string tells. Follows `cat` and further decoders. */
function inputOf(script: ShellScript, command: SimpleCommand, hops: number): string | undefined {
  const redirected = command.redirections.filter((entry) => entry.fd === 0).at(-1);
  if (redirected) return fromRedirection(redirected);
  const source = command.stdin_from.length === 1 ? script.commands[command.stdin_from[0]!] : undefined;
  return source && hops > 0 ? outputOf(script, source, hops - 1) : undefined;
}

function outputOf(script: ShellScript, command: SimpleCommand, hops: number): string | undefined {
  const decode = decoderOf(command);
  const { name } = programOf(command);
  if (!decode && name !== 'cat' && name !== 'rev' && name !== 'tr') return writtenBy(command);
  const input = inputOf(script, command, hops);
  if (input === undefined) return undefined;
  if (decode) return decode(input);
  if (name === 'rev')
    return input
      .split('\n')
      .map((line) => [...line].reverse().join(''))
      .join('\n');
  return name === 'cat' ? input : undefined;
}

/** The interpreter a command is, itself or through xargs. */
function interpreterOf(command: SimpleCommand): string | undefined {
  const { name } = programOf(command);
  if (isInterpreter(name)) return name;
  return name === 'xargs' && command.words.some((word) => SHELL.test(word.text)) ? 'sh' : undefined;
}

/** Who runs what this command writes: through a pipe of some commands, a substitution, a process substitution. */
function runnerOf(script: ShellScript, command: SimpleCommand): string | undefined {
  const seen = new Set<number>();
  let layer = [command];
  for (let hop = 0; hop < 5 && layer.length > 0; hop += 1) {
    const next: SimpleCommand[] = [];
    for (const index of layer.flatMap((entry) => entry.stdout_to)) {
      if (seen.has(index)) continue;
      seen.add(index);
      const reader = script.commands[index]!;
      const interpreter = interpreterOf(reader);
      if (interpreter) return interpreter;
      next.push(reader);
    }
    layer = next;
  }
  const last = command.stdout_to.length === 0 ? command : undefined;
  const holder = last?.inside && script.commands[last.inside.command];
  if (!holder || !last?.inside) return undefined;
  const { name, at } = programOf(holder);
  if (name === 'eval' || name === '.' || name === 'source') return name;
  if (last.inside.place === 'word' && last.inside.index === at) return 'sh';
  return isInterpreter(name) ? name : undefined;
}

function decodeOne(script: ShellScript, command: SimpleCommand, depth: number): DecodedScript | undefined {
  if (!decoderOf(command)) return undefined;
  const interpreter = runnerOf(script, command);
  if (interpreter === undefined) return undefined;
  // Behind the decoder something else may change the text (`| gunzip |`): then it cannot be read.
  const direct = command.stdout_to.every((index) => isRunner(script.commands[index]!));
  const text = direct ? outputOf(script, command, 4) : undefined;
  return { interpreter, command: command.index, depth, ...(text === undefined ? {} : { text }) };
}

function isRunner(command: SimpleCommand): boolean {
  const { name } = programOf(command);
  return (
    isInterpreter(name) ||
    name === 'xargs' ||
    name === 'tee' ||
    name === 'cat' ||
    decoderOf(command) !== undefined
  );
}

/**
 * Finds encoded scripts that something runs and decodes them (64 KiB, `depth` levels). A decoder whose output
 * goes through a second decoder counts once, by the last of them.
 */
export function decodeBase64Pipe(script: ShellScript, depth = 2): DecodedScript[] {
  const found: DecodedScript[] = [];
  let examined = 0;
  const visit = (current: ShellScript, level: number): void => {
    for (const command of current.commands) {
      if (found.length >= 16 || examined >= 64) return;
      if (!decoderOf(command)) continue;
      examined += 1;
      if (command.stdout_to.some((index) => decoderOf(current.commands[index]!))) continue;
      const decoded = decodeOne(current, command, level);
      if (!decoded) continue;
      found.push(decoded);
      const shell = SHELL.test(decoded.interpreter) || /^(?:eval|\.|source)$/.test(decoded.interpreter);
      if (decoded.text === undefined || !shell) continue;
      decoded.script = parseShell(decoded.text);
      if (level < depth) visit(decoded.script, level + 1);
    }
  };
  visit(script, 1);
  return found;
}
