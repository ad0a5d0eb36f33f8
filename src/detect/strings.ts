/**
 * What a shell string says about the commands in it: which are tools, what flows into and out of them, what
 * repeats them. Syntax comes from `shell/`; this file knows what programs mean.
 */
import type { Sensor } from '../model/exec-event.ts';
import { type Resolution, resolveWords } from './program.ts';
import { decodeBase64Pipe } from './shell/decode.ts';
import { embeddedScripts } from './shell/embedded.ts';
import { parseShell } from './shell/parse.ts';
import type { ShellScript, SimpleCommand } from './shell/types.ts';
import type { Taxonomy } from './taxonomy.ts';

/** One command of a string, with what it effectively runs. */
export interface Unit {
  script: ShellScript;
  command: SimpleCommand;
  resolution: Resolution;
  /** `/dev/tcp` and `/dev/udp` paths among its redirections and those of its groups. */
  sockets: { path: string; fd: number }[];
  /** It stood encoded in the string. */
  decoded: boolean;
}

export interface StringReading {
  text: string;
  units: Unit[];
  /** Encoded text that something runs and that could not be read. */
  unreadable: string[];
  truncated: boolean;
}

const MAX_UNITS = 128;
const MAX_LEVEL = 3;

/** Reads a string once; bounded by the bounds of the parser. */
export function readString(text: string, taxonomy: Taxonomy, sensor: Sensor): StringReading {
  const reading: StringReading = { text, units: [], unreadable: [], truncated: false };
  collect(reading, parseShell(text), taxonomy, sensor, 0, false);
  return reading;
}

function collect(
  reading: StringReading,
  script: ShellScript,
  taxonomy: Taxonomy,
  sensor: Sensor,
  level: number,
  decoded: boolean,
): void {
  reading.truncated ||= script.truncated;
  for (const command of script.commands) {
    if (reading.units.length >= MAX_UNITS) {
      reading.truncated = true;
      return;
    }
    const words = command.words.map((word) => word.text);
    if (isLookup(words)) continue;
    const resolution = resolveWords(words, taxonomy, sensor);
    reading.units.push({ script, command, resolution, sockets: socketsOf(command), decoded });
    if (level >= MAX_LEVEL) continue;
    const inner = new Set(embeddedScripts(command));
    if (resolution.shell_string !== undefined) inner.add(resolution.shell_string);
    for (const text of inner) collect(reading, parseShell(text), taxonomy, sensor, level + 1, decoded);
  }
  if (level > 0) return;
  for (const found of decodeBase64Pipe(script)) {
    if (found.script) collect(reading, found.script, taxonomy, sensor, MAX_LEVEL, true);
    else if (found.text === undefined) reading.unreadable.push(found.interpreter);
  }
}

/** Asks where a command is, and runs nothing. */
function isLookup(words: readonly string[]): boolean {
  const first = words[0];
  if (first === 'which' || first === 'type' || first === 'hash' || first === 'whereis') return true;
  return first === 'command' && /^-[vV]$/.test(words[1] ?? '');
}

const SOCKET_PATH = /^\/dev\/(?:tcp|udp)\//;

function socketsOf(command: SimpleCommand): { path: string; fd: number }[] {
  const sockets: { path: string; fd: number }[] = [];
  for (const redirection of command.redirections) {
    if (SOCKET_PATH.test(redirection.target.text))
      sockets.push({ path: redirection.target.text, fd: redirection.fd });
  }
  // zsh: `ztcp host port`.
  if (command.words[0]?.text === 'ztcp') {
    const [host, port] = command.words
      .slice(1)
      .map((word) => word.text)
      .filter((word) => !word.startsWith('-'));
    if (host !== undefined) sockets.push({ path: `/dev/tcp/${host}/${port ?? ''}`, fd: -1 });
  }
  return sockets;
}

/** The unit that a child process with these arguments most likely is. */
export function matchUnit(
  reading: StringReading,
  toolId: string | undefined,
  words: readonly string[],
): Unit | undefined {
  const same = reading.units.filter((unit) => toolId === undefined || unit.resolution.tool?.id === toolId);
  return (
    same.find((unit) => fits(unit, words)) ??
    (same.length === 1 && toolId !== undefined ? same[0] : undefined)
  );
}

/** True if the written words can have become these arguments: unknown words stand for any run of words. */
function fits(unit: Unit, actual: readonly string[]): boolean {
  const offset = unit.command.words.length - unit.resolution.words.length;
  if (offset < 0) return sameWords(unit.resolution.words, actual);
  const written = unit.command.words.slice(offset);
  let at = 0;
  let open = false;
  for (const word of written) {
    if (word.has_unknown || word.glob) {
      open = true;
      if (word.quoted) at++;
      continue;
    }
    const found = open ? actual.indexOf(word.text, at) : actual[at] === word.text ? at : -1;
    if (found < 0) return false;
    at = found + 1;
    open = false;
  }
  return open || at >= actual.length;
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}
