/** netcat in its dialects. */
import { type ArgumentContext, emptyInvocation, type Invocation } from '../invocation.ts';
import { hostPeer, parsePeer, unixPeer } from '../peers.ts';
import { hasOption, lastOption, type ReadArguments, readArguments } from './getopt.ts';
import { NETCAT_TRAITS, type NetcatDialect, type NetcatTraits, netcatDialect } from './netcat-dialects.ts';
import {
  addProxy,
  addRead,
  addWrite,
  isHostRange,
  isPortRange,
  looksLikeCommand,
  markInert,
} from './support.ts';

interface State {
  invocation: Invocation;
  context: ArgumentContext;
  dialect: NetcatDialect;
  traits: NetcatTraits;
  read: ReadArguments;
  operands: string[];
}

/** In dialects where `-c` may be a flag, a command behind it belongs to it; `-cv` and `-c HOST` do not. */
function claimCommands(words: readonly string[], traits: NetcatTraits): string[] {
  if (traits.maybe_exec.length === 0) return [...words];
  const claimed: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    const cluster = /^-[46abCdDEFhkKlnNrStUuvzZ]*c(.*)$/s.exec(word);
    const next = words[index + 1];
    if (!cluster) claimed.push(word);
    else if (cluster[1] !== '' && looksLikeCommand(cluster[1]!)) {
      claimed.push(word.slice(0, -cluster[1]!.length - 1), `--sh-exec=${cluster[1]}`);
    } else if (cluster[1] === '' && next !== undefined && looksLikeCommand(next)) {
      if (word.length > 2) claimed.push(word.slice(0, -1));
      claimed.push(`--sh-exec=${next}`);
      index += 1;
    } else claimed.push(word);
  }
  return claimed.filter((word) => word !== '-');
}

interface Reading {
  read: ReadArguments;
  /** What stands behind `-e PROG` and belongs to it. */
  tail: string[];
}

/** With an unknown dialect a `-e` behind host and port may be busybox's, which takes all that follows. */
function readWords(words: readonly string[], dialect: NetcatDialect, traits: NetcatTraits): Reading {
  const claimed = claimCommands(words, traits);
  const read = readArguments(traits.grammar, claimed);
  if (dialect !== 'union') return { read, tail: [] };
  const exec = read.options.find((option) => option.id === 'e' && option.value !== undefined);
  if (!exec || read.operand_at.filter((at) => at < exec.at).length < 2) return { read, tail: [] };
  const end = exec.at + (claimed[exec.at]!.endsWith('e') && claimed[exec.at + 1] === exec.value ? 2 : 1);
  const behind = claimed.length - end;
  const tail = behind > 0 ? words.slice(words.length - behind) : [];
  return { read: readArguments(traits.grammar, claimed.slice(0, end)), tail };
}

function readAttached(state: State, tail: readonly string[]): void {
  const { invocation, traits, read, dialect } = state;
  for (const option of read.options) {
    if (!traits.exec.includes(option.id) || option.value === undefined) continue;
    const program = option.id === 'e' ? [option.value, ...tail].join(' ') : option.value;
    const text = option.id === 'sh-exec' && dialect === 'union' ? '-c' : option.text;
    invocation.attached.push({ option: text, program, on_socket: true });
  }
}

function isPort(word: string | undefined): boolean {
  return word !== undefined && (/^\d{1,5}$/.test(word) || isPortRange(word));
}

function listens({ read, traits }: State): boolean {
  return hasOption(read, 'l') || (traits.big_l_listens && hasOption(read, 'L'));
}

/** toybox: what follows a listener's options is the command each connection gets. */
function readOperandCommand(state: State): void {
  const { invocation, dialect, operands } = state;
  if (!state.traits.operands_command || operands.length === 0) return;
  const certain = dialect === 'toybox' && !isPort(operands[0]);
  const behind = operands.findIndex(
    (word, index) => (index > 0 || hasOption(state.read, 'p')) && looksLikeCommand(word),
  );
  const start = certain ? 0 : behind;
  if (start < 0) return;
  invocation.attached.push({ option: 'COMMAND', program: operands.slice(start).join(' '), on_socket: true });
  state.operands = operands.slice(0, start);
}

function readListener(state: State): void {
  const { invocation, read, traits } = state;
  readOperandCommand(state);
  const { operands } = state;
  const ownPort = lastOption(read, 'p')?.value;
  const source = lastOption(read, 's')?.value;
  const [first, second] = operands;
  const persistent = hasOption(read, 'k') || (traits.big_l_listens && hasOption(read, 'L'));
  const twice = read.options.filter((option) => option.id === 'l').length > 1;
  let address = source ?? '';
  let port = ownPort;
  if (port === undefined && second === undefined && isPort(first)) port = first;
  else if (port === undefined) {
    address = source ?? first ?? '';
    port = second;
  }
  if (hasOption(read, 'U')) {
    invocation.peers.push(unixPeer(first ?? '', 'listen'));
    invocation.listen = { address: first ?? '' };
  } else {
    invocation.peers.push(hostPeer(address, port, 'listen'));
    invocation.listen = { address, ...(port === undefined ? {} : { port }) };
  }
  if (persistent || (twice && state.dialect !== 'openbsd')) invocation.listen.persistent = true;
}

function readTarget(state: State): void {
  const { invocation, read, operands } = state;
  const [host, ...rest] = operands;
  if (host === undefined) return;
  if (hasOption(read, 'U')) {
    invocation.peers.push(unixPeer(host, 'connect'));
    return;
  }
  const ports = rest.filter((word) => isPort(word));
  const others = rest.filter((word, index) => !isPort(word) && index > 0);
  invocation.leftover.push(...others);
  const port = rest[0];
  invocation.peers.push(hostPeer(host, port, 'connect'));
  const range = ports.find((word) => isPortRange(word));
  if (range !== undefined) invocation.sweep = { text: range };
  else if (ports.length > 2) invocation.sweep = { text: ports.slice(0, 32).join(' ') };
  else if (isHostRange(host)) invocation.sweep = { text: host };
}

function readOthers(state: State): void {
  const { invocation, read, traits, context } = state;
  const proxy = traits.proxy ? lastOption(read, 'x') : undefined;
  if (proxy?.value !== undefined) {
    const type = lastOption(read, 'X')?.value ?? '5';
    const scheme = type === 'connect' ? 'http' : `socks${type}`;
    addProxy(invocation, proxy.text, { ...parsePeer(proxy.value, 'proxy'), scheme });
    if (hasOption(read, 'P')) invocation.credentials.push('-P');
  }
  const tunnel = lastOption(read, 'L');
  if (tunnel?.value !== undefined && !traits.big_l_listens) {
    invocation.forwards.push({ option: tunnel.text, text: tunnel.value });
    invocation.peers.push(parsePeer(tunnel.value, 'connect'));
  }
  addWrite(invocation, '-o', lastOption(read, 'o')?.value, context.cwd);
  addRead(
    invocation,
    '-f',
    state.dialect === 'toybox' ? lastOption(read, 'f')?.value : undefined,
    context.cwd,
  );
  if (hasOption(read, 'z')) invocation.probe_only = true;
}

/** GNU's `-L HOST:PORT` among readers that take `-L` for toybox's flag. */
function claimTunnel(words: readonly string[], dialect: NetcatDialect): { words: string[]; tunnel?: string } {
  if (dialect !== 'union') return { words: [...words] };
  const at = words.findIndex(
    (word, index) => /^-[a-zA-Z]*L$/.test(word) && /^[^\s:/]+:\d{1,5}$/.test(words[index + 1] ?? ''),
  );
  if (at < 0) return { words: [...words] };
  return { words: words.filter((_, index) => index !== at + 1), tunnel: words[at + 1]! };
}

/** Reads netcat's arguments in the dialect its name tells, else in the union of all. */
export function parseNetcat(words: readonly string[], context: ArgumentContext): Invocation {
  const dialect = netcatDialect(context);
  const traits = NETCAT_TRAITS[dialect];
  const { words: untunnelled, tunnel } = claimTunnel(words, dialect);
  const { read, tail } = readWords(untunnelled, dialect, traits);
  const invocation = emptyInvocation('netcat');
  invocation.dialect = dialect;
  const state: State = { invocation, context, dialect, traits, read, operands: read.operands };
  if (words.some((word) => word === '--help') || hasOption(read, 'h')) markInert(invocation, 'help');
  const version = lastOption(read, 'V');
  if (words.includes('--version') || (version && version.value === undefined && words.length === 1)) {
    markInert(invocation, 'version');
  }
  invocation.leftover.push(...read.leftover);
  if (tunnel !== undefined) {
    invocation.forwards.push({ option: '-L', text: tunnel });
    invocation.peers.push(parsePeer(tunnel, 'connect'));
  }
  readAttached(state, tail);
  if (listens(state)) readListener(state);
  else readTarget(state);
  readOthers(state);
  const nothing = invocation.peers.length === 0 && invocation.attached.length === 0;
  if (nothing && !invocation.listen) markInert(invocation, 'no_operand');
  return invocation;
}
