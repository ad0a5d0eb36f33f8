/**
 * Grammars as plain data: which option does what, and what the operands are. Enough for tools whose options are
 * independent of each other; the others have a file of their own.
 */
import {
  type ArgumentContext,
  type ArgumentParser,
  emptyInvocation,
  type Invocation,
  type Peer,
} from '../invocation.ts';
import { hostPeer, parsePeer, unixPeer, urlPeer } from '../peers.ts';
import {
  compileGrammar,
  type Grammar,
  type ReadArguments,
  type ReadOption,
  readArguments,
} from './getopt.ts';
import { absolutePath } from './paths.ts';
import {
  addHeader,
  addProxy,
  addRead,
  addUpload,
  addWrite,
  isHostRange,
  isPortRange,
  markInert,
} from './support.ts';

/**
 * What an option does:
 * - `help`, `version`, `list`   nothing else happens
 * - `connect`, `resolver`, `proxy`   its value is a peer (`host`, `host:port` or URL)
 * - `port`   port of the operands' peers; a range or a list of more than two is a sweep
 * - `listen`   waits for connections at its value (port, `addr:port`), or at any address if it takes none
 * - `bind`   address to listen on
 * - `read`, `write`, `upload`, `download`   its value is a file
 * - `hidden`   targets stand in the file it names
 * - `forward`, `exec`, `exec_socket`, `secret`, `unchecked`, `header`, `sweep`, `offline`, `persistent`, `method`
 */
export type Effect =
  | 'help'
  | 'version'
  | 'list'
  | 'connect'
  | 'resolver'
  | 'proxy'
  | 'port'
  | 'listen'
  | 'bind'
  | 'read'
  | 'write'
  | 'upload'
  | 'download'
  | 'hidden'
  | 'forward'
  | 'exec'
  | 'exec_socket'
  | 'secret'
  | 'unchecked'
  | 'header'
  | 'sweep'
  | 'offline'
  | 'persistent'
  | 'method';

/** What operands are: one host and port, several hosts, URLs, something that looks like a peer, or no peers. */
export type Operands = 'host_port' | 'hosts' | 'urls' | 'guess' | 'none';

export interface ToolSpec {
  tool: string;
  grammar: Grammar;
  effects: Record<string, Effect>;
  operands: Operands;
  /** Words in front that name an action (`client`, `http`), not a peer. */
  verbs?: readonly string[];
  /** Runs without operands and options that name a peer: no `no_operand`. */
  bare?: boolean;
  /** Every run tries several hosts or ports. */
  sweeps?: boolean;
  /** Every run is a tunnel. */
  tunnels?: boolean;
  default_port?: string;
  scheme?: string;
  serves?: 'files' | 'shell';
}

interface Run {
  spec: ToolSpec;
  invocation: Invocation;
  context: ArgumentContext;
  port: string | undefined;
  bind: string | undefined;
  listen: string | undefined;
  persistent: boolean;
}

function peerOf(text: string, role: 'connect' | 'proxy' | 'resolver', scheme: string | undefined) {
  if (text.startsWith('/')) return unixPeer(text, role);
  return parsePeer(text, role, scheme);
}

type Action = (run: Run, option: ReadOption, value: string) => void;

const ACTIONS: Record<Effect, Action> = {
  help: ({ invocation }) => markInert(invocation, 'help'),
  version: ({ invocation }) => markInert(invocation, 'version'),
  list: ({ invocation }) => markInert(invocation, 'list'),
  connect: ({ invocation, spec }, _, value) => {
    for (const text of value.split(',', 32)) {
      if (text !== '') invocation.peers.push(peerOf(text, 'connect', spec.scheme));
    }
  },
  resolver: ({ invocation }, _, value) => {
    invocation.peers.push(peerOf(value, 'resolver', undefined));
  },
  proxy: ({ invocation }, option, value) =>
    addProxy(invocation, option.text, peerOf(value, 'proxy', undefined)),
  port: (run, _, value) => {
    run.port = value;
    const ports = value.split(',').length;
    if (value === '-' || isPortRange(value) || ports > 2 || value.includes('-'))
      run.invocation.sweep ??= { text: value };
  },
  listen: (run, _, value) => {
    run.listen = value;
  },
  bind: (run, _, value) => {
    run.bind = value;
  },
  read: ({ invocation, context }, option, value) => addRead(invocation, option.text, value, context.cwd),
  write: ({ invocation, context }, option, value) => addWrite(invocation, option.text, value, context.cwd),
  upload: ({ invocation, context }, option, value) => addUpload(invocation, option.text, value, context.cwd),
  download: ({ invocation, context }, option, value) => {
    if (value !== '-' && value !== '/dev/null' && value !== '') {
      invocation.downloads.push({ option: option.text, path: absolutePath(value, context.cwd) });
    }
  },
  hidden: ({ invocation, context }, option, value) => {
    invocation.hidden_targets.push(option.text);
    addRead(invocation, option.text, value, context.cwd);
  },
  forward: ({ invocation }, option, value) => {
    invocation.forwards.push({ option: option.text, text: value });
  },
  exec: ({ invocation }, option, value) => {
    invocation.attached.push({ option: option.text, program: value, on_socket: false });
  },
  exec_socket: ({ invocation }, option, value) => {
    invocation.attached.push({ option: option.text, program: value, on_socket: true });
  },
  secret: ({ invocation }, option) => {
    invocation.credentials.push(option.text);
  },
  unchecked: ({ invocation }, option) => {
    invocation.unchecked.push(option.text);
  },
  header: ({ invocation }, option, value) => addHeader(invocation, option.text, value),
  sweep: ({ invocation }, option, value) => {
    invocation.sweep ??= { text: value || option.text };
  },
  offline: ({ invocation, context }, option, value) => {
    invocation.offline = true;
    addRead(invocation, option.text, value, context.cwd);
  },
  persistent: (run) => {
    run.persistent = true;
  },
  method: ({ invocation }, _, value) => {
    const name = value.toUpperCase();
    if (name !== 'GET' && name !== 'HEAD') invocation.method = name;
  },
};

/** Reads as a peer and not as a file, a number or a keyword: a URL, an address, `host:port`, `user@host`. */
function looksLikePeer(word: string): boolean {
  if (word.length > 512 || /\s/.test(word)) return false;
  if (/^[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\//.test(word)) return !/^file:/i.test(word);
  if (/^(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?$/.test(word) || /^\[[0-9a-fA-F:.]+\](?::\d{1,5})?$/.test(word))
    return true;
  return (
    /^(?:[\w.-]{1,64}@)?[A-Za-z0-9._-]{1,255}:\d{1,5}$/.test(word) ||
    /^[\w.-]{1,64}@[A-Za-z0-9._-]{1,255}$/.test(word)
  );
}

/** A range counts as its first address; all of IPv4 is the Internet. */
function targetPeer(word: string, port: string | undefined): Peer {
  if (/:\/\//.test(word)) return parsePeer(word, 'connect');
  const peer = hostPeer(word, port, 'connect');
  if (!isHostRange(word)) return peer;
  const base = word
    .split(/[/,]/, 1)[0]!
    .replace(/-[\d.]*/g, '')
    .replaceAll('*', '0');
  const first = hostPeer(base, port, 'connect');
  return {
    ...first,
    text: peer.text,
    ...(word.startsWith('0.0.0.0/') ? { class: 'public_ip' as const } : {}),
  };
}

function readHosts(run: Run, words: readonly string[]): void {
  const { invocation, port } = run;
  for (const word of words.slice(0, 256)) {
    invocation.peers.push(targetPeer(word, port));
    if (isHostRange(word)) invocation.sweep ??= { text: word };
  }
  if (words.length > 1) invocation.sweep ??= { text: words.slice(0, 16).join(' ') };
}

function readOperands(run: Run, words: readonly string[]): void {
  const { spec, invocation } = run;
  if (spec.operands === 'hosts') readHosts(run, words);
  else if (spec.operands === 'urls') {
    for (const word of words.slice(0, 256)) {
      const peer = urlPeer(word, 'connect', spec.scheme);
      if (peer) invocation.peers.push(peer);
    }
  } else if (spec.operands === 'guess') {
    for (const word of words.filter(looksLikePeer).slice(0, 64))
      invocation.peers.push(parsePeer(word, 'connect'));
  } else if (spec.operands === 'host_port' && words[0] !== undefined) {
    const port = words[1] ?? run.port ?? spec.default_port;
    invocation.peers.push(hostPeer(words[0], port, 'connect', spec.scheme));
  }
}

function readListener(run: Run): void {
  const { invocation, spec } = run;
  if (run.listen === undefined) return;
  const value = run.listen;
  const colon = value.lastIndexOf(':');
  const address = run.bind ?? (colon > 0 ? value.slice(0, colon) : '');
  const own = colon >= 0 ? value.slice(colon + 1) : value;
  const port = own === '' ? (run.port ?? spec.default_port) : own;
  invocation.listen = {
    address,
    ...(port === undefined ? {} : { port }),
    ...(run.persistent ? { persistent: true } : {}),
  };
  invocation.peers.push(hostPeer(address, port, 'listen'));
}

function isEmpty(invocation: Invocation, read: ReadArguments): boolean {
  const { peers, hidden_targets, forwards, attached, listen } = invocation;
  if (peers.length + hidden_targets.length + forwards.length + attached.length > 0 || listen) return false;
  return read.operands.length === 0;
}

/** Help or version and nothing else; short letters of the version only where no grammar claims them. */
function onlyAsks(
  words: readonly string[],
  letters: boolean,
  verbs: boolean,
): 'help' | 'version' | undefined {
  if (words.length !== 1) return undefined;
  if (/^(?:-h|-\?|--?help)$/.test(words[0]!)) return 'help';
  if (verbs && /^(?:help|version)$/.test(words[0]!)) return words[0] as 'help' | 'version';
  if (letters && /^-[vV]$/.test(words[0]!)) return 'version';
  return /^--?version$/.test(words[0]!) ? 'version' : undefined;
}

/** A parser made of a table. */
export function specParser(spec: ToolSpec): ArgumentParser {
  const grammar = compileGrammar(spec.grammar);
  return (words, context) => {
    const read = readArguments(grammar, words);
    const invocation = emptyInvocation(spec.tool);
    invocation.leftover.push(...read.leftover);
    const run: Run = {
      spec,
      invocation,
      context,
      port: undefined,
      bind: undefined,
      listen: undefined,
      persistent: false,
    };
    for (const option of read.options) {
      const effect = Object.hasOwn(spec.effects, option.id) ? spec.effects[option.id] : undefined;
      if (effect) ACTIONS[effect](run, option, option.value ?? '');
    }
    const verbs = spec.verbs ?? [];
    const operands = read.operands.filter((word, index) => !(index < 2 && verbs.includes(word)));
    const asks = onlyAsks(words, false, spec.operands === 'guess');
    if (asks) markInert(invocation, asks);
    readOperands(run, operands);
    readListener(run);
    if (!spec.bare && isEmpty(invocation, read)) markInert(invocation, 'no_operand');
    if (invocation.inert) return invocation;
    if (spec.sweeps)
      invocation.sweep ??= {
        text: operands.slice(0, 8).join(' ') || words.slice(0, 8).join(' ').slice(0, 512),
      };
    if (spec.tunnels && invocation.forwards.length === 0) {
      invocation.forwards.push({ option: spec.tool, text: words.slice(0, 32).join(' ').slice(0, 512) });
    }
    if (spec.serves && invocation.listen) invocation.serves = spec.serves;
    return invocation;
  };
}

const GENERIC_GRAMMAR: Grammar = { short: '', long: 'help version', abbreviate: false };

/** For tools without a grammar of their own: help, version, and every word that can only be a peer. */
export function genericParser(tool: string): ArgumentParser {
  const parse = specParser({
    tool,
    grammar: GENERIC_GRAMMAR,
    effects: { help: 'help', version: 'version' },
    operands: 'guess',
    bare: true,
  });
  return (words, context) => {
    const invocation = parse(words, context);
    const asks = onlyAsks(words, true, true);
    if (asks) markInert(invocation, asks);
    for (const word of words) {
      const value = /^--?[A-Za-z][\w-]{0,64}=(.+)$/s.exec(word)?.[1];
      if (value !== undefined && looksLikePeer(value)) invocation.peers.push(parsePeer(value, 'connect'));
    }
    return invocation;
  };
}
