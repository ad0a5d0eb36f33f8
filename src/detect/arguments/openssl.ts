/** openssl: only s_client, s_server and a few others touch the network. */
import { type ArgumentContext, emptyInvocation, type Invocation } from '../invocation.ts';
import { hostPeer, parsePeer, unixPeer, urlPeer } from '../peers.ts';
import { compileGrammar, hasOption, lastOption, readArguments } from './getopt.ts';
import { addProxy, addRead, addWrite, markInert } from './support.ts';

const S_CLIENT = compileGrammar({
  short: '46',
  long: `connect= host= port= proxy= proxy_user= proxy_pass= unix= bind= servername= noservername verify= cert= key= pass=
    CAfile= CApath= CAfile= cipher= ciphersuites= starttls= alpn= nextprotoneg= sess_out= sess_in= keylogfile= msgfile=
    psk= psk_identity= early_data= xmpphost= name= quiet ign_eof no_ign_eof crlf showcerts status brief tls1 tls1_1 tls1_2
    tls1_3 debug msg nbio reconnect verify_return_error verify_quiet help 4 6 dtls curves= sigalgs= groups= prexit
    verify_hostname= verify_ip= max_proto= min_protocol= timeout no_check_time reqcert=`,
  single_dash: true,
  abbreviate: false,
});

const S_SERVER = compileGrammar({
  short: '46WR',
  long: `accept= port= unix= cert= key= pass= dcert= dkey= CAfile= CApath= cipher= verify= Verify= www WWW HTTP quiet nocert naccept=
    psk= id_prefix= alpn= servername= cert2= key2= rev help 4 6 no_dhe dtls tls1_2 tls1_3 debug msg keylogfile= context= status_url=`,
  single_dash: true,
  abbreviate: false,
});

function readClient(invocation: Invocation, words: readonly string[], context: ArgumentContext): void {
  const read = readArguments(S_CLIENT, words);
  invocation.leftover.push(...read.leftover);
  if (hasOption(read, 'help')) markInert(invocation, 'help');
  const target = lastOption(read, 'connect')?.value ?? read.operands[0];
  const host = lastOption(read, 'host')?.value;
  const port = lastOption(read, 'port')?.value;
  const unix = lastOption(read, 'unix')?.value;
  if (unix !== undefined) invocation.peers.push(unixPeer(unix, 'connect'));
  else if (target !== undefined) invocation.peers.push(parsePeer(target, 'connect'));
  else invocation.peers.push(hostPeer(host ?? 'localhost', port ?? '4433', 'connect'));
  const proxy = lastOption(read, 'proxy');
  if (proxy?.value) addProxy(invocation, proxy.text, parsePeer(proxy.value, 'proxy'));
  if (hasOption(read, 'proxy_pass', 'pass', 'psk')) invocation.credentials.push('-pass');
  addRead(invocation, '-cert', lastOption(read, 'cert')?.value, context.cwd);
  addRead(invocation, '-key', lastOption(read, 'key')?.value, context.cwd);
  addWrite(invocation, '-keylogfile', lastOption(read, 'keylogfile')?.value, context.cwd);
}

function readServer(invocation: Invocation, words: readonly string[], context: ArgumentContext): void {
  const read = readArguments(S_SERVER, words);
  invocation.leftover.push(...read.leftover);
  if (hasOption(read, 'help')) markInert(invocation, 'help');
  const unix = lastOption(read, 'unix')?.value;
  const accept = lastOption(read, 'accept', 'port')?.value ?? '4433';
  const colon = accept.lastIndexOf(':');
  const address = colon < 0 ? '' : accept.slice(0, colon);
  const port = accept.slice(colon + 1);
  if (unix !== undefined) {
    invocation.listen = { address: unix };
    invocation.peers.push(unixPeer(unix, 'listen'));
  } else {
    invocation.listen = { address: address === '*' ? '' : address, port };
    invocation.peers.push(hostPeer(address, port, 'listen'));
  }
  if (hasOption(read, 'WWW', 'HTTP')) invocation.serves = 'files';
  addRead(invocation, '-cert', lastOption(read, 'cert')?.value, context.cwd);
  addRead(invocation, '-key', lastOption(read, 'key')?.value, context.cwd);
}

const VERBS = ['s_client', 's_server', 's_time', 'ocsp'];

/** Reads openssl's arguments; everything but its network commands is `list`. */
export function parseOpenssl(words: readonly string[], context: ArgumentContext): Invocation {
  const invocation = emptyInvocation('openssl');
  const given = VERBS.includes(words[0] ?? '') ? words[0] : undefined;
  const name = context.invoked_as.slice(context.invoked_as.lastIndexOf('/') + 1);
  const verb = given ?? (VERBS.includes(name) ? name : undefined);
  const rest = given === undefined ? words : words.slice(1);
  if (verb === 's_client' || verb === 's_time') readClient(invocation, rest, context);
  else if (verb === 's_server') readServer(invocation, rest, context);
  else if (verb === 'ocsp') {
    const at = rest.findIndex((word) => word === '-url' || word === '-host');
    const peer = at < 0 || rest[at + 1] === undefined ? undefined : urlPeer(rest[at + 1]!, 'connect');
    if (peer) invocation.peers.push(peer);
    else markInert(invocation, 'list');
  } else
    markInert(invocation, words[0] === 'version' ? 'version' : words.length === 0 ? 'no_operand' : 'list');
  return invocation;
}
