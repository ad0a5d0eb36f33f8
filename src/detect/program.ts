/**
 * Which program effectively runs: behind symbolic links, multi-call programs, loaders, wrappers, interpreters
 * and shells. Recursive with a bound; every step is told.
 */
import type { Sensor } from '../model/exec-event.ts';
import type { EvidenceProcess } from './evidence.ts';
import { interpreterTool } from './interpreter-forms.ts';
import {
  baseName,
  interpreterId,
  isDescriptorPath,
  isLoader,
  isMemfdPath,
  isSelfExe,
  multiCallKind,
  shellName,
} from './names.ts';
import { joinedFrom, scriptOperand, shellStringIndex } from './reading.ts';
import type { Taxonomy } from './taxonomy.ts';
import type { Tool } from './tools/index.ts';
import { unwrap, wrapperNamed } from './wrappers.ts';

export const MAX_DEPTH = 8;

/** A file that this exec runs: the process's own, one behind a wrapper or loader, a script. */
export interface ExecutedFile {
  path: string;
  role: 'program' | 'wrapped' | 'script';
}

export interface Resolution {
  tool?: Tool;
  /** The name it was finally started by. */
  invoked_as: string;
  /** Its arguments. */
  words: readonly string[];
  multi_call?: 'busybox' | 'toybox';
  files: ExecutedFile[];
  /** The string of `sh -c`, when that is what finally runs. */
  shell_string?: string;
  shell?: string;
  /** Names or arguments come from elsewhere (xargs, parallel). */
  data_driven?: boolean;
  /** The wrapper that sends connections through a proxy. */
  proxied_by?: string;
  /** Wrappers that enter another namespace or root. */
  enters?: string;
  /** The tool was recognised by its options only. */
  by_vocabulary?: boolean;
  /** The tool's name stands only in argv[0]. */
  by_argv0?: boolean;
  /** For `explain`. */
  steps: string[];
}

/** What resolving needs beside the words. */
export interface ResolveContext {
  taxonomy: Taxonomy;
  sensor: Sensor;
  /** Undefined for commands of a shell string. */
  process: EvidenceProcess | undefined;
}

interface State {
  context: ResolveContext;
  files: ExecutedFile[];
  steps: string[];
  data_driven: boolean;
  proxied_by: string | undefined;
  enters: string | undefined;
  root: string;
  /** Outermost proxying wrapper, the tool if nothing better is found. */
  fallback: Partial<Resolution> | undefined;
}

/** Resolves a process. */
export function resolveProcess(process: EvidenceProcess, taxonomy: Taxonomy, sensor: Sensor): Resolution {
  const state = newState({ taxonomy, sensor, process });
  addOwnFiles(state, process);
  const words = process.argv.slice(1);
  const names = candidateNames(process);
  const multi = names.files.map(multiCallKind).find((kind) => kind !== undefined);
  if (multi !== undefined) return finish(state, multiCall(state, multi, names, words));
  for (const name of names.files) {
    const resolved = resolveName(state, name, words, 0, { ownName: true });
    if (resolved) return finish(state, resolved);
  }
  const first = names.argv0;
  if (first !== undefined && oddFile(process)) {
    const byArgv0 = resolveName(state, first, words, 0, { ownName: true });
    if (byArgv0) {
      state.steps.push(`argv[0] is ${first}; the file has no name of its own`);
      return finish(state, { ...byArgv0, by_argv0: true });
    }
  }
  return finish(state, undefined, names.files[0] ?? first ?? '', words);
}

/** Resolves the words of one command, as a shell string or a wrapper holds them. */
export function resolveWords(words: readonly string[], taxonomy: Taxonomy, sensor: Sensor): Resolution {
  const state = newState({ taxonomy, sensor, process: undefined });
  return finish(state, resolveCommand(state, words, 0), baseName(words[0] ?? ''), words.slice(1));
}

function newState(context: ResolveContext): State {
  return {
    context,
    files: [],
    steps: [],
    data_driven: false,
    proxied_by: undefined,
    enters: undefined,
    root: '',
    fallback: undefined,
  };
}

function finish(
  state: State,
  resolved: Partial<Resolution> | undefined,
  name = '',
  words: readonly string[] = [],
): Resolution {
  const telling = resolved?.tool !== undefined || resolved?.shell_string !== undefined;
  const found = telling ? resolved : (state.fallback ?? resolved);
  return {
    invoked_as: name,
    words,
    ...found,
    files: state.files,
    steps: state.steps,
    ...(state.data_driven ? { data_driven: true } : {}),
    ...(state.proxied_by === undefined || found?.tool?.id === 'proxychains'
      ? {}
      : { proxied_by: state.proxied_by }),
    ...(state.enters === undefined ? {} : { enters: state.enters }),
  };
}

interface Names {
  /** Of the file, as known by path and kernel; most telling first. */
  files: string[];
  argv0: string | undefined;
}

function candidateNames(process: EvidenceProcess): Names {
  const files: string[] = [];
  const add = (path: string | undefined) => {
    if (path === undefined || path === '' || isDescriptorPath(path) || isSelfExe(path) || isMemfdPath(path))
      return;
    const name = baseName(path);
    if (name !== '' && !files.includes(name)) files.push(name);
  };
  add(process.exe);
  add(process.binary);
  // comm is the file's name at exec, cut at 15 bytes; through a descriptor or a re-exec it is none.
  const byDescriptor = [process.binary, process.exe].some(
    (path) => path !== undefined && (isDescriptorPath(path) || isMemfdPath(path)),
  );
  if (process.comm !== undefined && process.comm !== 'exe' && !byDescriptor) add(process.comm);
  if (files.length === 0 && !process.argv0_known && process.binary === undefined) add(process.argv[0]);
  const first = process.argv0_known ? process.argv[0] : undefined;
  return { files, argv0: first === undefined || first === '' ? undefined : baseName(first) };
}

/** True if the file's own name says nothing: memory, descriptor, deleted, or it started itself again. */
function oddFile(process: EvidenceProcess): boolean {
  const paths = [process.binary, process.exe].filter((path) => path !== undefined);
  if (paths.length === 0) return true;
  if (process.file?.memfd || process.file?.unlinked || process.file?.deleted || process.file?.upper_layer)
    return true;
  return paths.some(
    (path) =>
      isDescriptorPath(path) ||
      isMemfdPath(path) ||
      isSelfExe(path) ||
      path.endsWith(' (deleted)') ||
      /^\/(?:tmp|var\/tmp|dev|run|var\/run|mnt|media|scratch|work)\//.test(path) ||
      path.includes('/.'),
  );
}

function addOwnFiles(state: State, process: EvidenceProcess): void {
  for (const path of [process.binary, process.exe]) {
    if (path === undefined || path === '' || isSelfExe(path)) continue;
    if (!state.files.some((file) => file.path === path)) state.files.push({ path, role: 'program' });
  }
  if (state.files.length === 0 && process.argv[0]?.startsWith('/')) {
    state.files.push({ path: process.argv[0], role: 'program' });
  }
}

function multiCall(
  state: State,
  kind: 'busybox' | 'toybox',
  names: Names,
  words: readonly string[],
): Partial<Resolution> | undefined {
  const invoked = [...names.files, names.argv0].find(
    (name) => name !== undefined && multiCallKind(name) === undefined,
  );
  if (invoked !== undefined && (names.files.includes(invoked) || state.context.process?.argv0_known)) {
    state.steps.push(`${kind} started as ${invoked}`);
    const applet = resolveApplet(state, kind, invoked, words, 0);
    if (applet !== undefined || names.files.includes(invoked)) return applet;
  }
  return appletOperand(state, kind, words, 0);
}

function appletOperand(
  state: State,
  kind: 'busybox' | 'toybox',
  words: readonly string[],
  depth: number,
): Partial<Resolution> | undefined {
  const at = words.findIndex((word) => !word.startsWith('-'));
  const name = words[at];
  if (at !== 0 || name === undefined || depth >= MAX_DEPTH) return undefined;
  state.steps.push(`${kind} applet ${name}`);
  return resolveApplet(state, kind, baseName(name), words.slice(1), depth + 1);
}

function resolveApplet(
  state: State,
  kind: 'busybox' | 'toybox',
  name: string,
  words: readonly string[],
  depth: number,
): Partial<Resolution> | undefined {
  const tool = state.context.taxonomy.byApplet.get(name);
  if (tool && operandAgrees(tool, words)) return { tool, invoked_as: name, words, multi_call: kind };
  const nested = multiCallKind(name);
  if (nested !== undefined) return appletOperand(state, nested, words, depth);
  const resolved = resolveName(state, name, words, depth, {});
  return resolved && { multi_call: kind, ...resolved };
}

/** Resolves a command line: the first word is a path or a name. */
function resolveCommand(
  state: State,
  words: readonly string[],
  depth: number,
): Partial<Resolution> | undefined {
  const first = words[0];
  if (first === undefined || depth > MAX_DEPTH) return undefined;
  if (depth > 0 && (first.includes('/') || state.root !== '')) {
    state.files.push({ path: state.root + first, role: 'wrapped' });
  } else if (depth === 0 && first.includes('/')) {
    state.files.push({ path: first, role: 'program' });
  }
  const name = baseName(first);
  const kind = multiCallKind(name);
  if (kind !== undefined) return appletOperand(state, kind, words.slice(1), depth);
  // Unknown names keep their words: their options may tell what they are.
  return resolveName(state, name, words.slice(1), depth, {}) ?? { invoked_as: name, words: words.slice(1) };
}

function resolveName(
  state: State,
  name: string,
  words: readonly string[],
  depth: number,
  options: { ownName?: boolean },
): Partial<Resolution> | undefined {
  if (isLoader(name)) return loaded(state, words, depth);
  const wrapper = wrapperNamed(name);
  if (wrapper) return wrapped(state, name, words, depth);
  const tool = state.context.taxonomy.byName.get(name);
  if (tool) return namedTool(state, tool, name, words, options.ownName ?? false);
  if (shellName(name) !== undefined) return shell(state, name, words, depth);
  const language = interpreterId(name);
  if (language !== undefined) return interpreter(state, language, name, words, depth);
  return undefined;
}

/** For scripts with `#!` the arguments begin with the interpreter's options and the script's own path. */
function withoutScriptPath(state: State, words: readonly string[]): readonly string[] {
  const process = state.context.process;
  const paths = [process?.binary, process?.comm].filter((path) => path !== undefined && path !== '');
  const limit = Math.min(4, words.length);
  for (let i = 0; i < limit; i++) {
    const word = words[i]!;
    if (word.includes('/') && paths.some((path) => path === word || baseName(word).slice(0, 15) === path)) {
      return words.slice(i + 1);
    }
  }
  return words;
}

function namedTool(
  state: State,
  tool: Tool,
  name: string,
  words: readonly string[],
  own: boolean,
): Partial<Resolution> | undefined {
  const rest = own ? withoutScriptPath(state, words) : words;
  if (!operandAgrees(tool, rest)) {
    state.steps.push(`${name} without a network subcommand`);
    return undefined;
  }
  if (own && isOtherProgram(state.context.process)) return undefined;
  state.steps.push(`${name} is ${tool.id}`);
  return { tool, invoked_as: name, words: rest };
}

/** Helpers of package managers and git that bear a tool's name. */
function isOtherProgram(process: EvidenceProcess | undefined): boolean {
  return [process?.binary, process?.exe].some(
    (path) =>
      path !== undefined &&
      /^\/usr\/(?:lib|libexec|share)\/(?:apt\/methods|git-core|cups|munin|nagios-none)\//.test(path),
  );
}

function operandAgrees(tool: Tool, words: readonly string[]): boolean {
  if (tool.first_operand === undefined) return true;
  const operand = words.find((word) => !word.startsWith('-'));
  return operand !== undefined && tool.first_operand.includes(operand);
}

const LOADER_VALUES = new Set([
  '--library-path',
  '--preload',
  '--argv0',
  '--audit',
  '--inhibit-rpath',
  '--glibc-hwcaps-prepend',
  '--glibc-hwcaps-mask',
]);

function loaded(state: State, words: readonly string[], depth: number): Partial<Resolution> | undefined {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (/^--(?:list|verify|help|version|list-tunables|list-diagnostics)/.test(word)) return undefined;
    if (LOADER_VALUES.has(word)) i++;
    else if (word === '--') continue;
    else if (!word.startsWith('-')) {
      state.steps.push(`the loader runs ${word}`);
      return resolveCommand(state, words.slice(i), depth + 1);
    }
  }
  return undefined;
}

function wrapped(
  state: State,
  name: string,
  words: readonly string[],
  depth: number,
): Partial<Resolution> | undefined {
  const wrapper = wrapperNamed(name)!;
  const inner = unwrap(wrapper, words);
  const tool = state.context.taxonomy.byName.get(name);
  if (tool && state.fallback === undefined) {
    state.fallback = { tool, invoked_as: name, words };
  }
  if (inner === undefined || depth >= MAX_DEPTH) return undefined;
  if (wrapper.proxies) state.proxied_by = name;
  if (name === 'nsenter' || name === 'chroot' || name === 'unshare') state.enters = name;
  state.steps.push(`${name} wraps the rest`);
  if (inner.kind === 'shell_string') {
    const process = state.context.process;
    const text =
      depth === 0 && process && name !== 'watch'
        ? joinedFrom(words, inner.index, process, state.context.sensor)
        : inner.text;
    return { shell_string: text, shell: 'sh', invoked_as: name, words };
  }
  if (inner.data_driven) state.data_driven = true;
  if (inner.new_root !== undefined && inner.new_root !== '/') state.root = inner.new_root.replace(/\/$/, '');
  return resolveCommand(state, inner.words, depth + 1);
}

function shell(
  state: State,
  name: string,
  words: readonly string[],
  depth: number,
): Partial<Resolution> | undefined {
  const at = shellStringIndex(words);
  if (at >= 0) {
    const process = state.context.process ?? { argv_quality: 'exact' as const };
    const text = joinedFrom(words, at, process, state.context.sensor);
    state.steps.push(`${name} runs a string`);
    return { shell_string: text, shell: name, invoked_as: name, words };
  }
  const operand = scriptOperand(name, words);
  if (operand === undefined) return undefined;
  state.files.push({ path: operand.path, role: 'script' });
  state.steps.push(`${name} runs the script ${operand.path}`);
  return scriptTool(state, operand.path, operand.rest, depth);
}

/** A script whose name is a tool's: `python3 /usr/bin/dnsrecon`. */
function scriptTool(
  state: State,
  path: string,
  rest: readonly string[],
  depth: number,
): Partial<Resolution> | undefined {
  if (depth >= MAX_DEPTH) return undefined;
  const name = baseName(path);
  const tool =
    state.context.taxonomy.byName.get(name) ??
    state.context.taxonomy.byName.get(name.replace(/\.(?:py|pl|rb|sh|js)$/, ''));
  if (!tool || !operandAgrees(tool, rest)) return undefined;
  state.steps.push(`the script ${name} is ${tool.id}`);
  return { tool, invoked_as: name, words: rest };
}

function interpreter(
  state: State,
  language: string,
  name: string,
  words: readonly string[],
  depth: number,
): Partial<Resolution> | undefined {
  const form = interpreterTool(language, words, state.context.taxonomy);
  if (form) {
    state.steps.push(`${name} runs ${form.what}`);
    return { tool: form.tool, invoked_as: name, words: form.words };
  }
  const operand = scriptOperand(name, words);
  if (operand !== undefined) {
    state.files.push({ path: operand.path, role: 'script' });
    state.steps.push(`${name} runs the script ${operand.path}`);
    return scriptTool(state, operand.path, operand.rest, depth);
  }
  const tool = state.context.taxonomy.byId.get(language);
  return tool && { tool, invoked_as: name, words: joinCode(state, words) };
}

/** Puts inline code together again that a sensor's joining tore apart. */
function joinCode(state: State, words: readonly string[]): readonly string[] {
  const process = state.context.process;
  if (!process || process.argv_quality === 'exact') return words;
  const at = words.findIndex((word) =>
    /^-[A-Za-z0-9]*[ceErRpn]$|^--(?:eval|print)$|^-(?:pe|command)$/.test(word),
  );
  if (at < 0 || at + 1 >= words.length) {
    return state.context.sensor === 'falco' && words.length > 0 && !words[0]!.startsWith('-')
      ? [words.join(' ')]
      : words;
  }
  return [...words.slice(0, at + 1), joinedFrom(words, at + 1, process, state.context.sensor)];
}
