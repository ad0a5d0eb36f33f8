/** wget (GNU, wget2, busybox): what it fetches, sends, writes and runs. */
import { type ArgumentContext, emptyInvocation, type Invocation, type Peer } from '../invocation.ts';
import { fileNameOf, parsePeer, parseUrl, urlPeer } from '../peers.ts';
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
import { BUSYBOX_WGET_GRAMMAR, WGET_GRAMMAR } from './wget-grammar.ts';

interface State {
  invocation: Invocation;
  cwd: string | undefined;
}

type Handler = (state: State, option: ReadOption) => void;

const secret: Handler = ({ invocation }, option) => invocation.credentials.push(option.text);
const reading: Handler = ({ invocation, cwd }, option) => addRead(invocation, option.text, option.value, cwd);
const writing: Handler = ({ invocation, cwd }, option) =>
  addWrite(invocation, option.text, option.value, cwd);
const sendingFile: Handler = ({ invocation, cwd }, option) =>
  addUpload(invocation, option.text, option.value, cwd);
const sendingText: Handler = ({ invocation }, option) =>
  addInlineUpload(invocation, option.text, option.value ?? '');
const proxying: Handler = ({ invocation }, option) => {
  if (option.value) addProxy(invocation, option.text, parsePeer(option.value, 'proxy', 'http'));
};
const unchecked: Handler = ({ invocation }, option) => invocation.unchecked.push(option.text);

const HANDLERS: Record<string, Handler> = {
  'post-file': sendingFile,
  'body-file': sendingFile,
  'post-data': sendingText,
  'body-data': sendingText,
  header: ({ invocation }, option) => {
    addHeader(invocation, option.text, option.value ?? '');
    addInlineUpload(invocation, option.text, option.value ?? '');
  },
  i: ({ invocation, cwd }, option) => {
    invocation.hidden_targets.push(option.text);
    addRead(invocation, option.text, option.value, cwd);
  },
  'input-metalink': ({ invocation, cwd }, option) => {
    invocation.hidden_targets.push(option.text);
    addRead(invocation, option.text, option.value, cwd);
  },
  config: reading,
  'load-cookies': reading,
  certificate: reading,
  'private-key': reading,
  'ca-certificate': reading,
  o: writing,
  a: writing,
  'save-cookies': writing,
  'warc-file': writing,
  'rejected-log': writing,
  password: secret,
  'http-password': secret,
  'http-passwd': secret,
  'ftp-password': secret,
  'proxy-password': secret,
  'proxy-passwd': secret,
  'no-check-certificate': unchecked,
  'http-proxy': proxying,
  'https-proxy': proxying,
  'dns-servers': ({ invocation }, option) =>
    addProxy(invocation, option.text, parsePeer(option.value ?? '', 'resolver')),
  'use-askpass': ({ invocation }, option) => {
    if (option.value) {
      invocation.attached.push({ option: option.text, program: option.value, on_socket: false });
    }
  },
};

/** `.wgetrc` commands whose names are not those of the long options. */
const SETTINGS: Record<string, string> = {
  input: 'i',
  output_document: 'O',
  dir_prefix: 'P',
  logfile: 'o',
  http_proxy: 'http-proxy',
  https_proxy: 'https-proxy',
  ftp_proxy: 'http-proxy',
};

/** `-e NAME=VALUE` is an option in other words; names ignore case, dashes and underscores. */
function expandSetting(option: ReadOption): ReadOption {
  if (option.id !== 'e') return option;
  const [name = '', ...value] = (option.value ?? '').split('=');
  const key = name.trim().toLowerCase().replaceAll('-', '_');
  const id = Object.hasOwn(SETTINGS, key) ? SETTINGS[key]! : key.replaceAll('_', '-');
  const text = value.join('=').trim();
  if (id === 'check-certificate')
    return { ...option, id: text === 'off' ? 'no-check-certificate' : id, value: text };
  if ((id === 'spider' || id === 'recursive') && text !== 'on') return option;
  return { ...option, id: id === 'recursive' ? 'r' : id, value: text };
}

function readDownloads({ invocation, cwd }: State, read: ReadArguments, urls: readonly string[]): void {
  if (hasOption(read, 'spider')) {
    invocation.probe_only = true;
    return;
  }
  const output = lastOption(read, 'O');
  if (output?.value !== undefined) {
    if (isStdout(output.value)) invocation.to_stdout = true;
    if (isSink(output.value)) return;
    const path = absolutePath(output.value, cwd);
    const url = urls[0];
    invocation.downloads.push({ option: output.text, path, ...(url === undefined ? {} : { url }) });
    return;
  }
  if (hasOption(read, 'delete-after')) return;
  const prefix = lastOption(read, 'P');
  const base = prefix?.value === undefined ? cwd : absolutePath(prefix.value, cwd);
  const option = prefix?.text ?? (hasOption(read, 'r', 'm') ? '--recursive' : 'default');
  for (const url of urls) {
    const name = hasOption(read, 'r', 'm', 'x') ? undefined : (fileNameOf(parseUrl(url)) ?? 'index.html');
    const path = name === undefined ? directoryPath(base ?? '', cwd) : absolutePath(name, base);
    invocation.downloads.push({ option, path, url });
  }
  if (urls.length === 0 && invocation.hidden_targets.length > 0) {
    invocation.downloads.push({ option, path: directoryPath(base ?? '', cwd) });
  }
}

/** wget's shorthand: `host:path` without a numeric port is FTP. */
function shorthandPeer(text: string): Peer | undefined {
  const shorthand = /^([^:/@[\]]+):(?!\d+(?:\/|$)|\/)(.+)$/s.exec(text);
  const peer = shorthand
    ? urlPeer(`ftp://${shorthand[1]}/${shorthand[2]}`, 'connect')
    : urlPeer(text, 'connect');
  return peer && { ...peer, text };
}

function methodOf(read: ReadArguments): string | undefined {
  const named = lastOption(read, 'method')?.value?.toUpperCase();
  if (named !== undefined) return named === 'GET' || named === 'HEAD' ? undefined : named;
  return hasOption(read, 'post-file', 'post-data') ? 'POST' : undefined;
}

/** Reads wget's arguments; without `-O` each URL is a file in the working directory. */
export function parseWget(words: readonly string[], context: ArgumentContext): Invocation {
  const grammar = context.multi_call === 'busybox' ? BUSYBOX_WGET_GRAMMAR : WGET_GRAMMAR;
  const read = readArguments(grammar, words);
  read.options = read.options.map(expandSetting);
  const invocation = emptyInvocation('wget');
  invocation.dialect = context.multi_call ?? 'gnu';
  invocation.leftover = read.leftover;
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  const state: State = { invocation, cwd: context.cwd };
  for (const text of read.operands) {
    noteUrlCredentials(invocation, 'operand', text);
    addInlineUpload(invocation, 'operand', text);
    const peer = shorthandPeer(text);
    if (peer) invocation.peers.push(peer);
  }
  for (const option of read.options) {
    if (Object.hasOwn(HANDLERS, option.id)) HANDLERS[option.id]!(state, option);
  }
  readDownloads(state, read, read.operands);
  const method = methodOf(read);
  if (method !== undefined) invocation.method = method;
  if (read.operands.length === 0 && invocation.hidden_targets.length === 0)
    markInert(invocation, 'no_operand');
  return invocation;
}
