/** Ad-hoc servers: one command that offers files or a shell to whoever connects. */
import { type ArgumentContext, emptyInvocation, type Invocation } from '../invocation.ts';
import { hostPeer } from '../peers.ts';
import {
  type CompiledGrammar,
  compileGrammar,
  hasOption,
  lastOption,
  type ReadArguments,
  readArguments,
} from './getopt.ts';
import { addRead, markInert } from './support.ts';

function serve(invocation: Invocation, address: string, port: string, what: 'files' | 'shell'): void {
  invocation.listen = { address, port, persistent: true };
  invocation.peers.push(hostPeer(address, port, 'listen'));
  invocation.serves = what;
}

/** Words behind the module's name of `python -m MODULE …`, or all if the interpreter's part was taken off. */
function behindModule(words: readonly string[], module: RegExp): readonly string[] {
  const at = words.findIndex((word) => module.test(word));
  return at < 0 ? words : words.slice(at + 1);
}

const HTTP_MODULE =
  /^(?:-m)?(?:http\.server|SimpleHTTPServer|CGIHTTPServer|RangeHTTPServer|uploadserver|SimpleHTTPSServer)$/;
const PYTHON_HTTP = compileGrammar({
  short: 'hb:d:p:',
  long: 'help|h bind=b directory=d cgi protocol=p tls-cert= tls-key= tls-password-file= theme= basic-auth= server-certificate=',
});

/** `python -m http.server [PORT] [-b ADDR] [-d DIR]`: everyone, port 8000, the working directory. */
export function parsePythonHttpServer(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(PYTHON_HTTP, behindModule(words, HTTP_MODULE));
  const invocation = emptyInvocation('python-http-server');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  serve(invocation, lastOption(read, 'b')?.value ?? '', read.operands[0] ?? '8000', 'files');
  addRead(invocation, '--directory', lastOption(read, 'd')?.value ?? context.cwd, context.cwd);
  return invocation;
}

const FTP_MODULE = /^(?:-m)?pyftpdlib$/;
const PYTHON_FTP = compileGrammar({
  short: 'hwvDi:p:n:r:d:u:P:',
  long: 'help|h write|w interface=i port=p nat-address=n range=r directory=d username=u password=P debug|D version|v',
});

/** `python -m pyftpdlib`. */
export function parsePythonFtpServer(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(PYTHON_FTP, behindModule(words, FTP_MODULE));
  const invocation = emptyInvocation('python-ftp-server');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  serve(invocation, lastOption(read, 'i')?.value ?? '', lastOption(read, 'p')?.value ?? '2121', 'files');
  addRead(invocation, '--directory', lastOption(read, 'd')?.value ?? context.cwd, context.cwd);
  if (hasOption(read, 'P')) invocation.credentials.push('--password');
  return invocation;
}

/** Splits `ADDR:PORT`, `PORT`, `[v6]:PORT`. */
function addressAndPort(text: string, fallback: string): [string, string] {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return /^\d+$/.test(text) ? ['', text] : [text, fallback];
  return [text.slice(0, colon).replace(/^\[|\]$/g, ''), text.slice(colon + 1) || fallback];
}

function addressServer(invocation: Invocation, read: ReadArguments, option: string, fallback: string): void {
  const [address, port] = addressAndPort(lastOption(read, option)?.value ?? '', fallback);
  serve(invocation, address, port, 'files');
}

const PHP = compileGrammar({
  short: 'aCehHilmnqswvS:t:c:d:f:r:B:R:F:E:z:',
  long: 'server=S docroot=t define=d',
});

/** `php -S ADDR:PORT [-t DOCROOT]`. */
export function parsePhpHttpServer(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(PHP, words);
  const invocation = emptyInvocation('php-http-server');
  if (!hasOption(read, 'S')) markInert(invocation, 'no_operand');
  else addressServer(invocation, read, 'S', '80');
  addRead(invocation, '-t', lastOption(read, 't')?.value ?? context.cwd, context.cwd);
  return invocation;
}

const HTTPD = compileGrammar({ short: 'ifvhc:p:u:r:h:e:d:m:' });

/** busybox httpd; `-e`, `-d`, `-m` only encode text. Runs CGI below its home. */
export function parseHttpd(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(HTTPD, words);
  const invocation = emptyInvocation('httpd');
  if (hasOption(read, 'e', 'd', 'm')) {
    markInert(invocation, 'list');
    return invocation;
  }
  if (words.includes('--help')) markInert(invocation, 'help');
  addressServer(invocation, read, 'p', '80');
  addRead(invocation, '-h', lastOption(read, 'h')?.value ?? context.cwd, context.cwd);
  addRead(invocation, '-c', lastOption(read, 'c')?.value, context.cwd);
  return invocation;
}

const RUBY = compileGrammar({
  short: 'p:b:r::e:h',
  long: 'port=p bind-address=b help|h do-not-reverse-lookup mime-types-file= mount-dir= document-root= max-clients=',
});

/** `ruby -run -e httpd DIR -p PORT -b ADDR`. */
export function parseRubyHttpServer(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(
    RUBY,
    words.filter((word) => word !== '--'),
  );
  const invocation = emptyInvocation('ruby-http-server');
  serve(invocation, lastOption(read, 'b')?.value ?? '', lastOption(read, 'p')?.value ?? '8080', 'files');
  addRead(invocation, 'directory', read.operands[0] ?? context.cwd, context.cwd);
  return invocation;
}

const TELNETD = compileGrammar({ short: 'FiKShl:f:p:b:w:', long: 'help' });

/** busybox telnetd: a login, or with `-l` any program, for whoever connects. */
export function parseTelnetd(words: readonly string[], _context: ArgumentContext): Invocation {
  const read = readArguments(TELNETD, words);
  const invocation = emptyInvocation('telnetd');
  if (hasOption(read, 'help')) markInert(invocation, 'help');
  serve(invocation, lastOption(read, 'b')?.value ?? '', lastOption(read, 'p')?.value ?? '23', 'shell');
  const login = lastOption(read, 'l');
  if (login?.value) invocation.attached.push({ option: '-l', program: login.value, on_socket: true });
  return invocation;
}

const DROPBEAR = compileGrammar({ short: 'aBeEFgGijkKmRsTtVvwhb:c:d:D:I:p:P:r:W:' });

/** The SSH server dropbear. */
export function parseDropbear(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(DROPBEAR, words);
  const invocation = emptyInvocation('dropbear');
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  const [address, port] = addressAndPort(lastOption(read, 'p')?.value ?? '22', '22');
  serve(invocation, address, port, 'shell');
  addRead(invocation, '-r', lastOption(read, 'r')?.value, context.cwd);
  return invocation;
}

const TCPSVD: CompiledGrammar = compileGrammar({ short: 'hEvb:c:C:i:l:t:u:x:', permute: false });

/** `tcpsvd [options] IP PORT PROG [ARGS]`, udpsvd alike: the program talks to each that connects. */
export function tcpsvdParser(tool: string) {
  return (words: readonly string[], _context: ArgumentContext): Invocation => {
    const read = readArguments(TCPSVD, words);
    const invocation = emptyInvocation(tool);
    const [address, port, ...program] = read.operands;
    if (address === undefined || port === undefined) {
      markInert(invocation, 'no_operand');
      return invocation;
    }
    invocation.listen = { address, port, persistent: true };
    invocation.peers.push(hostPeer(address, port, 'listen'));
    if (program.length > 0)
      invocation.attached.push({ option: 'PROG', program: program.join(' '), on_socket: true });
    return invocation;
  };
}
