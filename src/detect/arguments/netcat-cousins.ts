/** Programs after netcat's model: cryptcat, sbd, pwncat, socket, websocat. */
import {
  type ArgumentContext,
  type ArgumentParser,
  emptyInvocation,
  type Invocation,
} from '../invocation.ts';
import { hostPeer, parsePeer } from '../peers.ts';
import { compileGrammar, hasOption, lastOption, readArguments } from './getopt.ts';
import { parseNetcat } from './netcat.ts';
import { absolutePath } from './paths.ts';
import { addHeader, addProxy, addUpload, markInert } from './support.ts';

/** netcat's grammar with a shared secret behind `-k`. */
export function keyedNetcatParser(tool: string): ArgumentParser {
  return (words, context) => {
    const secret = words.findIndex((word) => /^-[a-zA-Z]{0,16}k/.test(word));
    const glued = secret >= 0 && !words[secret]!.endsWith('k');
    const plain = words.filter(
      (_, index) => index !== secret && (glued || index !== secret + 1 || secret < 0),
    );
    const invocation = { ...parseNetcat(plain, { ...context, invoked_as: 'nc' }), tool };
    if (secret >= 0) invocation.credentials.push('-k');
    return invocation;
  };
}

const PWNCAT_URL = /^(?:connect|bind|ssl-connect|ssl-bind|ssh):\/\//;

/** Both programs of that name: a netcat with more, and a handler for reverse shells. */
export function parsePwncat(words: readonly string[], context: ArgumentContext): Invocation {
  const url = words.find((word) => PWNCAT_URL.test(word));
  const rest = words.filter((word) => word !== url);
  const invocation = { ...parseNetcat(rest, { ...context, invoked_as: 'nc' }), tool: 'pwncat' };
  if (url === undefined) return invocation;
  delete invocation.inert;
  const role = url.includes('bind://') ? 'listen' : 'connect';
  const peer = parsePeer(url, role);
  invocation.peers.push(peer);
  if (role === 'listen')
    invocation.listen = { address: peer.host ?? '', ...(peer.port === undefined ? {} : { port: peer.port }) };
  return invocation;
}

const SOCKET = compileGrammar({ short: 'bcflqrsvwVB:p:t:' });

/** `socket [-p PROG] HOST PORT`, `socket -s [-l] [-p PROG] PORT`. */
export function parseSocketTool(words: readonly string[], _context: ArgumentContext): Invocation {
  const read = readArguments(SOCKET, words);
  const invocation = emptyInvocation('socket');
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  const program = lastOption(read, 'p')?.value;
  if (program !== undefined) invocation.attached.push({ option: '-p', program, on_socket: true });
  const [first, second] = read.operands;
  if (first === undefined) markInert(invocation, 'no_operand');
  else if (hasOption(read, 's')) {
    const address = lastOption(read, 'B')?.value ?? '';
    invocation.listen = { address, port: first, ...(hasOption(read, 'l') ? { persistent: true } : {}) };
    invocation.peers.push(hostPeer(address, first, 'listen'));
  } else invocation.peers.push(hostPeer(first, second, 'connect'));
  return invocation;
}

const WEBSOCAT = compileGrammar({
  short: 'bEhknqstuUv1SZVBpc:H:0',
  long: `help|h version|V server-mode|s insecure|k header=H origin= protocol= exit-on-eof|E text|t binary|b one-message|1
    oneshot no-close|n unidirectional|u unidirectional-reverse|U basic-auth= socks5= socks5-destination= static-file=
    restrict-uri= ping-interval= verbose|v exec-args=`,
});

const WEBSOCAT_PROGRAM = /^(?:exec|sh-c|cmd):(.*)$/s;
const WEBSOCAT_LISTEN =
  /^(?:ws-l|ws-listen|tcp-l|tcp-listen|l-ws|listen-ws|l-tcp|listen-tcp|udp-l|udp-listen):(.+)$/s;
const WEBSOCAT_CONNECT =
  /^(?:(?:ws-c|wss-c|tcp|tcp-connect|connect-tcp|c-tcp|udp|udp-connect):|(?=wss?:\/\/))(.+)$/s;

/** One address of websocat: `ws://…`, `tcp-l:…`, `exec:…`; overlays (`log:`, `reuse:`) are taken off. */
function readWebsocat(invocation: Invocation, word: string, context: ArgumentContext): void {
  const address = word.replace(
    /^(?:autoreconnect|reuse|broadcast|log|line2msg|msg2line|ws-u|ws-upgrade|reuse-raw|asyncstdio):/,
    '',
  );
  const program = WEBSOCAT_PROGRAM.exec(address)?.[1];
  const listen = WEBSOCAT_LISTEN.exec(address)?.[1];
  const connect = WEBSOCAT_CONNECT.exec(address)?.[1];
  const file = /^(?:readfile|file):(.+)$/s.exec(address)?.[1];
  if (program !== undefined) invocation.attached.push({ option: 'exec', program, on_socket: true });
  else if (listen !== undefined) readListen(invocation, listen);
  else if (connect !== undefined) invocation.peers.push(parsePeer(connect.replace(/^\/\//, ''), 'connect'));
  else if (file !== undefined)
    addUpload(invocation, 'readfile', absolutePath(file, context.cwd), context.cwd);
}

function readListen(invocation: Invocation, text: string): void {
  const peer = parsePeer(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text, 'listen');
  invocation.peers.push({ ...peer, text });
  invocation.listen = {
    address: peer.host ?? '',
    ...(peer.port === undefined ? {} : { port: peer.port }),
    persistent: true,
  };
}

export function parseWebsocat(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(WEBSOCAT, words);
  const invocation = emptyInvocation('websocat');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  const [first, ...rest] = read.operands;
  if (first === undefined) markInert(invocation, 'no_operand');
  else if (hasOption(read, 's')) readListen(invocation, first);
  else readWebsocat(invocation, first, context);
  for (const word of rest.slice(0, 4)) readWebsocat(invocation, word, context);
  for (const option of read.options) {
    if (option.id === 'H') addHeader(invocation, option.text, option.value ?? '');
    if (option.id === 'k') invocation.unchecked.push(option.text);
    if (option.id === 'basic-auth') invocation.credentials.push(option.text);
    if (option.id === 'socks5' && option.value)
      addProxy(invocation, option.text, parsePeer(option.value, 'proxy'));
  }
  return invocation;
}
