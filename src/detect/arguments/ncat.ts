/** ncat, Nmap's netcat. */
import { type ArgumentContext, emptyInvocation, type Invocation } from '../invocation.ts';
import { hostPeer, parsePeer, unixPeer } from '../peers.ts';
import { compileGrammar, hasOption, lastOption, type ReadArguments, readArguments } from './getopt.ts';
import { addProxy, addRead, addWrite, isHostRange, isPortRange, markInert } from './support.ts';

const GRAMMAR = compileGrammar({
  short: '46UChlnktuvzc:e:g:G:i:m:p:d:o:x:s:w:',
  long: `4|4 6|6 unixsock|U vsock crlf|C g=g G=G exec=e sh-exec=c lua-exec= lua-exec-internal= max-conns=m
    help|h delay=d listen|l output=o hex-dump=x append-output idle-timeout=i keep-alive|k keep-open|k
    recv-only source-port=p source=s send-only no-shutdown broker chat talk|chat allow= allowfile= deny=
    denyfile= proxy= proxy-type= proxy-auth= proxy-dns= nsock-engine= test udp|u sctp version verbose|v
    wait=w telnet|t nodns|n zero|z ssl ssl-cert= ssl-key= ssl-verify ssl-trustfile= ssl-ciphers=
    ssl-servername= ssl-alpn= debug?`,
});

/** The port both ends use where none is named. */
const DEFAULT_PORT = '31337';

const PROGRAMS: Record<string, string> = {
  e: '--exec',
  c: '--sh-exec',
  'lua-exec': '--lua-exec',
  'lua-exec-internal': '--lua-exec-internal',
};

function readListener(invocation: Invocation, read: ReadArguments): void {
  const [first, second] = read.operands;
  const unix = hasOption(read, 'U');
  const onlyPort = second === undefined && /^\d{1,5}$/.test(first ?? '');
  const address = unix ? (first ?? '') : onlyPort ? '' : (first ?? '');
  const port = second ?? (onlyPort ? first : undefined) ?? lastOption(read, 'p')?.value ?? DEFAULT_PORT;
  const persistent = hasOption(read, 'k', 'broker', 'chat') ? { persistent: true } : {};
  invocation.listen = unix ? { address, ...persistent } : { address, port, ...persistent };
  invocation.peers.push(unix ? unixPeer(address, 'listen') : hostPeer(address, port, 'listen'));
}

function readTarget(invocation: Invocation, read: ReadArguments): void {
  const [host, port, ...more] = read.operands;
  if (host === undefined) return;
  if (hasOption(read, 'U')) invocation.peers.push(unixPeer(host, 'connect'));
  else invocation.peers.push(hostPeer(host, port ?? DEFAULT_PORT, 'connect'));
  invocation.leftover.push(...more);
  if (port !== undefined && isPortRange(port)) invocation.sweep = { text: port };
  else if (isHostRange(host)) invocation.sweep = { text: host };
}

/** Reads ncat's arguments. */
export function parseNcat(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(GRAMMAR, words);
  const invocation = emptyInvocation('ncat');
  invocation.leftover.push(...read.leftover);
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'version')) markInert(invocation, 'version');
  for (const option of read.options) {
    if (Object.hasOwn(PROGRAMS, option.id) && option.value !== undefined) {
      invocation.attached.push({ option: option.text, program: option.value, on_socket: true });
    }
    if (option.id === 'o' || option.id === 'x') addWrite(invocation, option.text, option.value, context.cwd);
    if (option.id === 'ssl-cert' || option.id === 'ssl-key') {
      addRead(invocation, option.text, option.value, context.cwd);
    }
  }
  if (hasOption(read, 'l', 'broker', 'chat')) readListener(invocation, read);
  else readTarget(invocation, read);
  const proxy = lastOption(read, 'proxy');
  if (proxy?.value) {
    const scheme = lastOption(read, 'proxy-type')?.value ?? 'http';
    addProxy(invocation, proxy.text, { ...parsePeer(proxy.value, 'proxy'), scheme });
  }
  if (hasOption(read, 'proxy-auth')) invocation.credentials.push('--proxy-auth');
  if (hasOption(read, 'z')) invocation.probe_only = true;
  if (invocation.peers.length === 0) markInert(invocation, 'no_operand');
  return invocation;
}
