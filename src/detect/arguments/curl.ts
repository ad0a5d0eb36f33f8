/** curl (and curlie): what it fetches, sends and writes, and where to. */
import { type ArgumentContext, emptyInvocation, type Invocation } from '../invocation.ts';
import {
  expandGlob,
  fileNameOf,
  hostPeer,
  parsePeer,
  parseUrl,
  splitPort,
  unixPeer,
  unknownPeer,
  urlPeer,
} from '../peers.ts';
import { CURL_GRAMMAR } from './curl-grammar.ts';
import { hasOption, lastOption, type ReadArguments, type ReadOption, readArguments } from './getopt.ts';
import { absolutePath, directoryPath, isSink, isStdout } from './paths.ts';
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

interface State {
  invocation: Invocation;
  cwd: string | undefined;
  read: ReadArguments;
}

const PROXY_SCHEMES: Record<string, string> = {
  x: 'http',
  preproxy: 'socks5',
  'proxy1.0': 'http',
  socks4: 'socks4',
  socks4a: 'socks4a',
  socks5: 'socks5',
  'socks5-hostname': 'socks5h',
};

const CREDENTIALS = new Set([
  'u',
  'U',
  'oauth2-bearer',
  'pass',
  'proxy-pass',
  'tlspassword',
  'proxy-tlspassword',
]);
const FILES_READ = new Set([
  'cacert',
  'capath',
  'crlfile',
  'E',
  'key',
  'netrc-file',
  'proxy-cert',
  'proxy-key',
  'pubkey',
]);
const FILES_WRITTEN = new Set([
  'c',
  'D',
  'etag-save',
  'hsts',
  'libcurl',
  'stderr',
  'trace',
  'trace-ascii',
  'alt-svc',
]);

/** `-d`, `--data-binary`, `--json`: a file only behind a leading `@`. */
function readData({ invocation, cwd }: State, option: ReadOption): void {
  const value = option.value ?? '';
  if (value.startsWith('@')) addUpload(invocation, option.text, value.slice(1), cwd);
  else addInlineUpload(invocation, option.text, value);
}

/** `--data-urlencode`, `--variable`: `@FILE` or `name@FILE`, while a `=` before the `@` makes it literal. */
function readNamedData({ invocation, cwd }: State, option: ReadOption): void {
  const value = option.value ?? '';
  const sign = value.search(/[=@]/);
  if (sign >= 0 && value[sign] === '@') addUpload(invocation, option.text, value.slice(sign + 1), cwd);
  else addInlineUpload(invocation, option.text, value);
}

/** `-F name=@a,b;type=x` or `name=<file`. */
function readForm({ invocation, cwd }: State, option: ReadOption): void {
  const value = option.value ?? '';
  const equals = value.indexOf('=');
  const content = value.slice(equals + 1);
  if (equals < 0 || !/^[@<]/.test(content)) {
    addInlineUpload(invocation, option.text, value);
    return;
  }
  const files = content.slice(1).split(';', 1)[0]!;
  for (const file of content.startsWith('@') ? files.split(',', 64) : [files]) {
    addUpload(invocation, option.text, file.replace(/^"|"$/g, ''), cwd);
  }
}

/** `[+]host:port:addr[,addr]`. */
function readResolve({ invocation }: State, option: ReadOption): void {
  const value = option.value ?? '';
  invocation.redirects.push({ option: option.text, value });
  const match = /^[+-]?(?:\[[^\]]*\]|[^:]*):([^:]*):(.+)$/.exec(value);
  for (const address of match?.[2]?.split(',', 16) ?? []) {
    invocation.peers.push(hostPeer(address, match?.[1] || undefined, 'connect'));
  }
}

/** `host1:port1:host2:port2`, any part may be empty. */
function readConnectTo({ invocation }: State, option: ReadOption): void {
  const value = option.value ?? '';
  invocation.redirects.push({ option: option.text, value });
  const match = /^(?:\[[^\]]*\]|[^:]*):[^:]*:(.*)$/.exec(value);
  if (!match) return;
  const { host, port } = splitPort(match[1]!);
  if (host !== '') invocation.peers.push(hostPeer(host, port, 'connect'));
}

function readProxy({ invocation }: State, option: ReadOption): void {
  const value = option.value ?? '';
  if (value === '') return;
  noteUrlCredentials(invocation, option.text, value);
  addProxy(invocation, option.text, parsePeer(value, 'proxy', PROXY_SCHEMES[option.id]));
}

function readHeader({ invocation, cwd }: State, option: ReadOption): void {
  const value = option.value ?? '';
  if (value.startsWith('@')) addRead(invocation, option.text, value.slice(1), cwd);
  else {
    addHeader(invocation, option.text, value);
    addInlineUpload(invocation, option.text, value);
  }
}

function readCookie({ invocation, cwd }: State, option: ReadOption): void {
  const value = option.value ?? '';
  if (value !== '' && !value.includes('=')) addRead(invocation, option.text, value, cwd);
  else if (value !== '') invocation.credentials.push(option.text);
}

type Handler = (state: State, option: ReadOption) => void;

const HANDLERS: Record<string, Handler> = {
  d: readData,
  'data-ascii': readData,
  'data-binary': readData,
  json: readData,
  'data-raw': ({ invocation }, option) => addInlineUpload(invocation, option.text, option.value ?? ''),
  'form-string': ({ invocation }, option) => addInlineUpload(invocation, option.text, option.value ?? ''),
  'data-urlencode': readNamedData,
  'url-query': readNamedData,
  variable: readNamedData,
  F: readForm,
  T: ({ invocation, cwd }, option) => {
    for (const file of expandGlob(option.value ?? '', 32).urls) addUpload(invocation, option.text, file, cwd);
  },
  H: readHeader,
  'proxy-header': readHeader,
  b: readCookie,
  K: ({ invocation, cwd }, option) => {
    invocation.hidden_targets.push(option.text);
    addRead(invocation, option.text, option.value, cwd);
  },
  resolve: readResolve,
  'connect-to': readConnectTo,
  x: readProxy,
  preproxy: readProxy,
  'proxy1.0': readProxy,
  socks4: readProxy,
  socks4a: readProxy,
  socks5: readProxy,
  'socks5-hostname': readProxy,
  'doh-url': ({ invocation }, option) =>
    addProxy(invocation, option.text, { ...parsePeer(option.value ?? '', 'resolver', 'https') }),
  'dns-servers': ({ invocation }, option) => {
    for (const server of (option.value ?? '').split(',', 16)) {
      addProxy(invocation, option.text, parsePeer(server, 'resolver'));
    }
  },
  k: ({ invocation }, option) => invocation.unchecked.push(option.text),
  'proxy-insecure': ({ invocation }, option) => invocation.unchecked.push(option.text),
  'doh-insecure': ({ invocation }, option) => invocation.unchecked.push(option.text),
};

function readOption(state: State, option: ReadOption): void {
  const { invocation, cwd } = state;
  if (Object.hasOwn(HANDLERS, option.id)) HANDLERS[option.id]!(state, option);
  if (CREDENTIALS.has(option.id)) invocation.credentials.push(option.text);
  if (FILES_READ.has(option.id)) addRead(invocation, option.text, option.value, cwd);
  if (FILES_WRITTEN.has(option.id)) addWrite(invocation, option.text, option.value, cwd);
}

/** URLs in the order curl meets them. */
function urlsOf(read: ReadArguments): { text: string; option: string }[] {
  const named = read.options.flatMap((option) =>
    (option.id === 'url' || option.id === 'expand-url') && option.value !== undefined
      ? [{ text: option.value, option: option.text, at: option.at }]
      : [],
  );
  const operands = read.operands.map((text, index) => ({
    text,
    option: 'operand',
    at: read.operand_at[index]!,
  }));
  return [...named, ...operands].sort((left, right) => left.at - right.at);
}

/** Which output belongs to which URL: the n-th `-o`/`-O` to the n-th URL; what is left goes to stdout. */
function readOutputs({ invocation, cwd, read }: State, urls: readonly string[]): void {
  const outputs = read.options.filter(
    (option) => option.id === 'o' || option.id === 'O' || option.id === 'out-null',
  );
  const directory = lastOption(read, 'output-dir')?.value;
  const base = directory === undefined ? cwd : absolutePath(directory, cwd);
  const all = hasOption(read, 'remote-name-all');
  const remote = (option: string, text: string | undefined) => {
    const name = text === undefined ? undefined : fileNameOf(parseUrl(text));
    const path = name === undefined ? directoryPath(base ?? '', cwd) : absolutePath(name, base);
    invocation.downloads.push({ option, path, ...(text === undefined ? {} : { url: text }) });
  };
  for (const [index, text] of urls.entries()) {
    const output = outputs[index];
    if (output?.id === 'out-null') continue;
    if (output?.id === 'O' || (!output && all)) remote(output?.text ?? '--remote-name-all', text);
    else if (output?.value === undefined || isStdout(output.value)) invocation.to_stdout = true;
    else if (!isSink(output.value)) {
      invocation.downloads.push({ option: output.text, path: absolutePath(output.value, base), url: text });
    }
  }
  for (const output of outputs.slice(urls.length)) {
    if (output.id === 'O') {
      if (urls.length === 0) remote(output.text, undefined);
    } else if (output.value !== undefined && !isSink(output.value)) {
      invocation.downloads.push({ option: output.text, path: absolutePath(output.value, base) });
    }
  }
}

function methodOf(read: ReadArguments): string | undefined {
  const named = lastOption(read, 'X')?.value?.toUpperCase();
  if (named !== undefined) return named === 'GET' || named === 'HEAD' ? undefined : named;
  if (hasOption(read, 'T')) return 'PUT';
  if (hasOption(read, 'G')) return undefined;
  const posting = [
    'd',
    'data-ascii',
    'data-binary',
    'data-raw',
    'data-urlencode',
    'json',
    'F',
    'form-string',
  ];
  return hasOption(read, ...posting) ? 'POST' : undefined;
}

/** More URLs than this are not looked at one by one; then one unknown peer stands for the rest. */
const MAX_URLS = 1024;

function readTargets(state: State): string[] {
  const { invocation, read, cwd } = state;
  const globbing = !hasOption(read, 'g');
  const scheme = lastOption(read, 'proto-default')?.value ?? 'http';
  const socket = lastOption(read, 'unix-socket', 'abstract-unix-socket');
  const urls: string[] = [];
  for (const { text, option } of urlsOf(read)) {
    if (urls.length >= MAX_URLS) {
      invocation.peers.push(unknownPeer('…', 'connect'));
      break;
    }
    const { urls: expanded, varies_host } = globbing
      ? expandGlob(text)
      : { urls: [text], varies_host: false };
    if (varies_host && !socket) invocation.sweep ??= { text };
    for (const url of expanded) {
      urls.push(url);
      noteUrlCredentials(invocation, option, url);
      addInlineUpload(invocation, option, url);
      const peer = urlPeer(url, 'connect', scheme);
      if (!peer) addRead(invocation, option, parseUrl(url).path, cwd);
      else if (!socket) invocation.peers.push(peer);
    }
  }
  if (socket?.value !== undefined) {
    const path = socket.id === 'unix-socket' ? absolutePath(socket.value, cwd) : `@${socket.value}`;
    const first = urls[0] === undefined ? '' : parseUrl(urls[0], scheme).path;
    invocation.peers.push({ ...unixPeer(path, 'connect'), ...(first === '' ? {} : { request_path: first }) });
  }
  return urls;
}

/** Reads curl's arguments. A unix socket replaces the URLs' hosts as peer. */
export function parseCurl(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(CURL_GRAMMAR, words);
  const invocation = emptyInvocation('curl');
  invocation.leftover = read.leftover;
  const state: State = { invocation, cwd: context.cwd, read };
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  if (hasOption(read, 'h', 'M')) markInert(invocation, 'help');
  const urls = readTargets(state);
  for (const option of read.options) readOption(state, option);
  readOutputs(state, urls);
  const method = methodOf(read);
  if (method !== undefined) invocation.method = method;
  if (hasOption(read, 'I')) invocation.probe_only = true;
  if (urls.length === 0 && invocation.hidden_targets.length === 0) markInert(invocation, 'no_operand');
  return invocation;
}
