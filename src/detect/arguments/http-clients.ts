/** Other HTTP clients: lwp-*, aria2c, axel, httpie, xh, ab, text browsers. */
import {
  type ArgumentContext,
  type ArgumentParser,
  emptyInvocation,
  type Invocation,
} from '../invocation.ts';
import { fileNameOf, parsePeer, parseUrl, urlPeer } from '../peers.ts';
import {
  type CompiledGrammar,
  compileGrammar,
  hasOption,
  lastOption,
  type ReadArguments,
  readArguments,
  valuesOf,
} from './getopt.ts';
import { absolutePath, directoryPath, isSink } from './paths.ts';
import {
  addHeader,
  addInlineUpload,
  addProxy,
  addRead,
  addUpload,
  addWrite,
  markInert,
  noteUrlCredentials,
} from './support.ts';

function addUrl(invocation: Invocation, text: string): void {
  const peer = urlPeer(text, 'connect');
  if (peer) invocation.peers.push(peer);
  noteUrlCredentials(invocation, 'operand', text);
  addInlineUpload(invocation, 'operand', text);
}

function addDownload(invocation: Invocation, option: string, path: string, url: string | undefined): void {
  if (!isSink(path)) invocation.downloads.push({ option, path, ...(url === undefined ? {} : { url }) });
}

function start(
  tool: string,
  grammar: CompiledGrammar,
  words: readonly string[],
): { read: ReadArguments; invocation: Invocation } {
  const read = readArguments(grammar, words);
  const invocation = emptyInvocation(tool);
  invocation.leftover.push(...read.leftover);
  if (hasOption(read, 'help')) markInert(invocation, 'help');
  if (hasOption(read, 'version')) markInert(invocation, 'version');
  return { read, invocation };
}

const LWP_DOWNLOAD = compileGrammar({ short: 'asH', long: 'help version' });

/** `lwp-download URL [FILE]`: without a file into the working directory. */
export function parseLwpDownload(words: readonly string[], context: ArgumentContext): Invocation {
  const { read, invocation } = start('lwp-download', LWP_DOWNLOAD, words);
  const [url, file] = read.operands;
  if (url === undefined) {
    markInert(invocation, 'no_operand');
    return invocation;
  }
  addUrl(invocation, url);
  const name = file ?? fileNameOf(parseUrl(url)) ?? 'index';
  addDownload(invocation, file === undefined ? 'default' : 'operand', absolutePath(name, context.cwd), url);
  return invocation;
}

const LWP_REQUEST = compileGrammar({ short: 'aCdeEfhsSuUvxm:b:c:H:i:o:p:P::t:', long: 'help|h' });

/** lwp-request and its names GET, HEAD, POST, PUT, DELETE. */
export function parseLwpRequest(words: readonly string[], context: ArgumentContext): Invocation {
  const { read, invocation } = start('lwp-request', LWP_REQUEST, words);
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'v')) markInert(invocation, 'version');
  const name = context.invoked_as.slice(context.invoked_as.lastIndexOf('/') + 1);
  const method = (lastOption(read, 'm')?.value ?? (/^[A-Z]+$/.test(name) ? name : 'GET')).toUpperCase();
  if (method !== 'GET' && method !== 'HEAD') {
    invocation.method = method;
    invocation.uploads.push({ option: '-m', what: 'stdin' });
  }
  for (const header of valuesOf(read, 'H')) addHeader(invocation, '-H', header);
  for (const proxy of valuesOf(read, 'p')) addProxy(invocation, '-p', parsePeer(proxy, 'proxy', 'http'));
  if (hasOption(read, 'C')) invocation.credentials.push('-C');
  for (const url of read.operands) addUrl(invocation, url);
  invocation.to_stdout = true;
  if (read.operands.length === 0) markInert(invocation, 'no_operand');
  return invocation;
}

const ARIA2 = compileGrammar({
  short: 'cDhnPqvVZd:i:j:k:l:m:M:o:O:R:s:S:t:T:U:u:x:b::a:p',
  long: `dir=d out=o input-file=i torrent-file=T metalink-file=M split=s max-connection-per-server=x all-proxy= http-proxy=
    https-proxy= ftp-proxy= http-user= http-passwd= ftp-user= ftp-passwd= header= load-cookies= save-cookies=
    check-certificate? certificate= private-key= conf-path= log=l on-download-complete= on-download-start=
    on-download-error= on-bt-download-complete= enable-rpc? rpc-listen-port= rpc-listen-all? rpc-secret= dry-run?
    quiet? daemon? continue? help?h version|v max-tries=m timeout=t user-agent=U referer= allow-overwrite?
    auto-file-renaming? file-allocation= console-log-level= summary-interval= save-session= stop= bt-stop-timeout=`,
});

export function parseAria2(words: readonly string[], context: ArgumentContext): Invocation {
  const { read, invocation } = start('aria2c', ARIA2, words);
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'v') && read.operands.length === 0) markInert(invocation, 'version');
  const directory = lastOption(read, 'd')?.value;
  const base = directory === undefined ? context.cwd : absolutePath(directory, context.cwd);
  const option = lastOption(read, 'o')?.text ?? lastOption(read, 'd')?.text ?? 'default';
  for (const url of read.operands) {
    addUrl(invocation, url);
    const name = lastOption(read, 'o')?.value ?? fileNameOf(parseUrl(url));
    addDownload(
      invocation,
      option,
      name === undefined ? directoryPath(base ?? '', base) : absolutePath(name, base),
      url,
    );
  }
  for (const entry of read.options) {
    if (['i', 'T', 'M', 'conf-path'].includes(entry.id)) {
      invocation.hidden_targets.push(entry.text);
      addRead(invocation, entry.text, entry.value, context.cwd);
    }
    if (/proxy$/.test(entry.id) && entry.value)
      addProxy(invocation, entry.text, parsePeer(entry.value, 'proxy', 'http'));
    if (entry.id.startsWith('on-') && entry.value) {
      invocation.attached.push({ option: entry.text, program: entry.value, on_socket: false });
    }
    if (entry.id === 'header') addHeader(invocation, entry.text, entry.value ?? '');
    if (/passwd$|rpc-secret/.test(entry.id)) invocation.credentials.push(entry.text);
    if (entry.id === 'check-certificate' && entry.value === 'false') invocation.unchecked.push(entry.text);
  }
  if (hasOption(read, 'enable-rpc')) {
    const address = hasOption(read, 'rpc-listen-all') ? '' : '127.0.0.1';
    invocation.listen = { address, port: lastOption(read, 'rpc-listen-port')?.value ?? '6800' };
  }
  if (read.operands.length === 0 && invocation.hidden_targets.length === 0 && !invocation.listen) {
    markInert(invocation, 'no_operand');
  }
  return invocation;
}

const AXEL = compileGrammar({
  short: '46aAchkpqvVNs:n:o:H:U:T:S::m:',
  long: 'output=o num-connections=n header=H insecure|k no-proxy|N quiet|q help|h version|V search?S',
});

export function parseAxel(words: readonly string[], context: ArgumentContext): Invocation {
  const { read, invocation } = start('axel', AXEL, words);
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  if (hasOption(read, 'k')) invocation.unchecked.push('-k');
  for (const header of valuesOf(read, 'H')) addHeader(invocation, '-H', header);
  const [url] = read.operands;
  for (const text of read.operands) addUrl(invocation, text);
  const output = lastOption(read, 'o')?.value;
  if (url === undefined) markInert(invocation, 'no_operand');
  else
    addDownload(
      invocation,
      output === undefined ? 'default' : '-o',
      absolutePath(output ?? fileNameOf(parseUrl(url)) ?? 'default', context.cwd),
      url,
    );
  return invocation;
}

const HTTPIE = compileGrammar({
  short: '46bcdfFhIjmpqSvVxa:A:o:p:s:P:',
  long: `json|j form|f multipart raw= compress|x pretty= style=s output=o download|d continue|c session= session-read-only=
    auth=a auth-type=A proxy= follow|F max-redirects= timeout= verify= cert= cert-key= check-status offline default-scheme=
    body|b headers verbose|v quiet|q print=p stream|S all ignore-stdin|I debug help|h version|V ssl= ciphers= boundary=
    path-as-is chunked bearer= https resolve= interface= unix-socket= curl no-check-status proxies=`,
});

const METHOD = /^[A-Z]{3,10}$/;

/** An item of httpie: `Header:value`, `field=@file`, `field@file`, `field=value`, `field:=json`, `@file`. */
function readItem(invocation: Invocation, item: string, context: ArgumentContext): void {
  const file = /^[^=:@]*(?::?=)?@(.+)$/s.exec(item)?.[1];
  if (file !== undefined) addUpload(invocation, 'item', file.split(';', 1)[0], context.cwd);
  else if (/^[\w-]+:[^=]/.test(item)) addHeader(invocation, 'item', item);
  else addInlineUpload(invocation, 'item', item);
}

/** httpie's `http`/`https` and xh: `[METHOD] URL [ITEM…]`; `:8080/x` is this machine. */
function httpieParser(tool: string): ArgumentParser {
  return (words, context) => {
    const { read, invocation } = start(tool, HTTPIE, words);
    if (hasOption(read, 'h')) markInert(invocation, 'help');
    if (hasOption(read, 'V')) markInert(invocation, 'version');
    const operands = [...read.operands];
    const method = METHOD.test(operands[0] ?? '') && operands.length > 1 ? operands.shift() : undefined;
    const [target, ...items] = operands;
    if (target === undefined) {
      markInert(invocation, 'no_operand');
      return invocation;
    }
    const url = target.startsWith(':')
      ? `localhost${/^:\d/.test(target) ? target : target.slice(1)}`
      : target;
    addUrl(invocation, url);
    for (const item of items) readItem(invocation, item, context);
    if (method !== undefined && method !== 'GET' && method !== 'HEAD') invocation.method = method;
    else if (method === undefined && items.some((item) => /=|@/.test(item))) invocation.method = 'POST';
    const output = lastOption(read, 'o');
    if (output?.value !== undefined)
      addDownload(invocation, output.text, absolutePath(output.value, context.cwd), url);
    else if (hasOption(read, 'd'))
      addDownload(
        invocation,
        '--download',
        absolutePath(fileNameOf(parseUrl(url)) ?? 'index', context.cwd),
        url,
      );
    else invocation.to_stdout = true;
    for (const proxy of valuesOf(read, 'proxy')) {
      addProxy(
        invocation,
        '--proxy',
        parsePeer(proxy.replace(/^[a-z]+:(?=[a-z0-9]+:\/\/)/, ''), 'proxy', 'http'),
      );
    }
    if (hasOption(read, 'a', 'bearer')) invocation.credentials.push('--auth');
    if (/^(?:no|false)$/.test(lastOption(read, 'verify')?.value ?? '')) invocation.unchecked.push('--verify');
    return invocation;
  };
}

export const parseHttpie = httpieParser('httpie');
export const parseXh = httpieParser('xh');

const AB = compileGrammar({ short: 'dfhiklqrSvVwn:c:t:s:b:B:p:u:T:v:x:y:z:C:H:A:P:X:g:e:m:Z:f:' });

/** ApacheBench: `-p FILE` posts it, `-u FILE` puts it. */
export function parseAb(words: readonly string[], context: ArgumentContext): Invocation {
  const { read, invocation } = start('ab', AB, words);
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  for (const url of read.operands) addUrl(invocation, url);
  for (const option of read.options) {
    if (option.id === 'p' || option.id === 'u') {
      addUpload(invocation, option.text, option.value, context.cwd);
      invocation.method = option.id === 'p' ? 'POST' : 'PUT';
    }
    if (option.id === 'X' && option.value)
      addProxy(invocation, '-X', parsePeer(option.value, 'proxy', 'http'));
    if (option.id === 'H') addHeader(invocation, '-H', option.value ?? '');
    if (option.id === 'A' || option.id === 'P') invocation.credentials.push(option.text);
    if (option.id === 'g' || option.id === 'e') addWrite(invocation, option.text, option.value, context.cwd);
  }
  if (read.operands.length === 0) markInert(invocation, 'no_operand');
  return invocation;
}

const BROWSER = compileGrammar({
  short: 'hvVo:T:I:',
  long: `dump source dump_source dump_extra version|version help|help post_data get_data auth= cfg= useragent= width= http-proxy=
    cmd_script= accept_all_cookies nolist connect_timeout=`,
  single_dash: true,
  abbreviate: false,
});

/** lynx, links, w3m. */
export function browserParser(tool: string): ArgumentParser {
  return (words) => {
    const { read, invocation } = start(tool, BROWSER, words);
    if (words.length === 1 && hasOption(read, 'h', 'v', 'V')) markInert(invocation, 'help');
    for (const url of read.operands) addUrl(invocation, url);
    if (hasOption(read, 'dump', 'source', 'dump_source', 'dump_extra')) invocation.to_stdout = true;
    if (hasOption(read, 'post_data')) {
      invocation.method = 'POST';
      invocation.uploads.push({ option: '-post_data', what: 'stdin' });
    }
    if (read.operands.length === 0) markInert(invocation, 'no_operand');
    return invocation;
  };
}
