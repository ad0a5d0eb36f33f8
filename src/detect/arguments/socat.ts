/** socat: two addresses, each a program, a connection, a listener or a file. */
import { type ArgumentContext, emptyInvocation, type Invocation } from '../invocation.ts';
import { hostPeer, unixPeer } from '../peers.ts';
import { absolutePath } from './paths.ts';
import { parseSocatAddress, type SocatAddress, type SocatKind, socatKind } from './socat-address.ts';
import { addProxy, addRead, addUpload, addWrite, isPortRange, markInert } from './support.ts';

interface Placed extends SocatAddress {
  kind: SocatKind;
  /** 0 for the left word, 1 for the right one. */
  side: number;
}

interface Words {
  addresses: string[];
  /** `-u`, `-U`: data flows one way only. */
  direction: 'both' | 'right' | 'left';
  help: boolean;
  version: boolean;
}

const NEXT_WORD = new Set(['-L', '-W', '-r', '-R', '-S']);
const GLUED_OR_NUMBER = /^-(?:[btT]|l[fpym])$/;

/** Options end at the first word that is no option; a bare `-` is an address. */
function splitWords(words: readonly string[]): Words {
  const found: Words = { addresses: [], direction: 'both', help: false, version: false };
  let index = 0;
  for (; index < words.length; index += 1) {
    const word = words[index]!;
    if (!word.startsWith('-') || word === '-' || /^-[,:!]/.test(word)) break;
    if (/^-(?:h{1,3}|\?{1,3}|-help)$/.test(word)) found.help = true;
    else if (word === '-V' || word === '--version') found.version = true;
    else if (word === '-u') found.direction = 'right';
    else if (word === '-U') found.direction = 'left';
    else if (NEXT_WORD.has(word)) index += 1;
    else if (GLUED_OR_NUMBER.test(word)) {
      const next = words[index + 1];
      const named = /^-l[fp]$/.test(word)
        ? next !== undefined && !next.includes(':')
        : /^[\d.]+$/.test(next ?? '');
      if (named && words.length - index > 3) index += 1;
    }
  }
  found.addresses = words.slice(index);
  return found;
}

function readProgram(invocation: Invocation, address: Placed, networked: boolean): void {
  const program = address.parameters[0] ?? '';
  invocation.attached.push({ option: address.type, program, on_socket: networked });
}

function readListener(invocation: Invocation, address: Placed): void {
  const port = address.parameters.at(-1);
  const bind = address.options.get('bind') ?? '';
  const host = bind.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  invocation.peers.push(hostPeer(host, port, 'listen', address.type.toLowerCase()));
  invocation.listen ??= {
    address: host,
    ...(port === undefined ? {} : { port }),
    ...(address.options.has('fork') ? { persistent: true } : {}),
  };
}

function readConnection(invocation: Invocation, address: Placed): void {
  const [host = '', port] = address.parameters;
  invocation.peers.push(hostPeer(host, port, 'connect', address.type.toLowerCase()));
  if (port !== undefined && isPortRange(port)) invocation.sweep = { text: port };
  if (address.options.get('verify') === '0') invocation.unchecked.push('verify=0');
}

/** `PROXY:proxy:host:port`, `SOCKS4A:server:host:port`, `SOCKS5:server:port:host:port`. */
function readProxy(invocation: Invocation, address: Placed): void {
  const [server = '', ...rest] = address.parameters;
  const port =
    address.options.get('proxyport') ?? address.options.get('socksport') ?? address.options.get('pf');
  const own = rest.length >= 3 ? rest[0] : port;
  const target = rest.slice(-2);
  const scheme = address.type.startsWith('SOCKS')
    ? address.type.toLowerCase().replace('-connect', '')
    : 'http';
  addProxy(invocation, address.type, hostPeer(server, own, 'proxy', scheme));
  invocation.peers.push(hostPeer(target[0] ?? '', target[1], 'connect'));
  if (address.options.has('proxyauth')) invocation.credentials.push('proxyauth');
}

function readFile(invocation: Invocation, address: Placed, words: Words, context: ArgumentContext): void {
  const path = address.parameters.join(':');
  if (path === '' || path.startsWith('/dev/tty') || path.startsWith('/dev/pts')) return;
  const reads = words.direction === 'both' || (words.direction === 'right') === (address.side === 0);
  const writes =
    words.direction === 'both' ? address.options.has('creat') || /^CREATE?$/.test(address.type) : !reads;
  if (writes) addWrite(invocation, address.type, path, context.cwd);
  else if (words.direction === 'both') addRead(invocation, address.type, path, context.cwd);
  else addUpload(invocation, address.type, path, context.cwd);
}

const NETWORK: readonly SocatKind[] = ['connect', 'listen', 'proxy'];

function readAddress(
  invocation: Invocation,
  address: Placed,
  all: Placed[],
  words: Words,
  context: ArgumentContext,
) {
  const path = () => absolutePath(address.parameters.join(':'), context.cwd);
  switch (address.kind) {
    case 'program':
      return readProgram(
        invocation,
        address,
        all.some((other) => NETWORK.includes(other.kind) || other.kind.startsWith('unix')),
      );
    case 'listen':
      return readListener(invocation, address);
    case 'connect':
      return readConnection(invocation, address);
    case 'proxy':
      return readProxy(invocation, address);
    case 'unix_connect':
      return void invocation.peers.push(
        unixPeer(address.type.startsWith('ABSTRACT') ? `@${address.parameters[0] ?? ''}` : path(), 'connect'),
      );
    case 'unix_listen':
      invocation.peers.push(unixPeer(path(), 'listen'));
      invocation.listen ??= { address: path(), ...(address.options.has('fork') ? { persistent: true } : {}) };
      return;
    case 'file':
      return readFile(invocation, address, words, context);
    default:
      if (/^(?:TUN|INTERFACE)$/.test(address.type))
        invocation.forwards.push({ option: address.type, text: address.text });
  }
}

/** A listener on one side and a connection on the other is a port forward. */
function noteForward(invocation: Invocation, all: readonly Placed[]): void {
  const listener = all.find((address) => address.kind === 'listen' || address.kind === 'unix_listen');
  const target = all.find(
    (address) => address.kind === 'connect' || address.kind === 'proxy' || address.kind === 'unix_connect',
  );
  if (listener && target) {
    invocation.forwards.push({ option: listener.type, text: `${listener.text} ${target.text}` });
  }
}

/** A word with a slash and no type may be a socket or a file: a socket if it looks like one. */
function placeAddress(address: SocatAddress, side: number): Placed {
  const kind = socatKind(address.type);
  const socket = address.type === 'GOPEN' && /\.sock(?:et)?$/.test(address.parameters[0] ?? '');
  return { ...address, side, kind: socket ? 'unix_connect' : kind };
}

/** Reads socat's arguments. */
export function parseSocat(words: readonly string[], context: ArgumentContext): Invocation {
  const split = splitWords(words);
  const invocation = emptyInvocation('socat');
  if (split.version) markInert(invocation, 'version');
  if (split.help) markInert(invocation, 'help');
  if (split.addresses.length === 0) markInert(invocation, 'no_operand');
  invocation.leftover.push(...split.addresses.slice(2, 64));
  const all = split.addresses
    .slice(0, 2)
    .flatMap((word, side) => parseSocatAddress(word).map((address) => placeAddress(address, side)));
  for (const address of all) readAddress(invocation, address, all, split, context);
  noteForward(invocation, all);
  return invocation;
}
