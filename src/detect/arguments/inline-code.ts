/**
 * What code does that stands in an argument (`python -c`, `perl -e`, `php -r`, …), found by scanning for the
 * language's own words: no interpreter is run. Bounded: 64 KiB of text, one level of encoded text.
 */
import { DECODED_LIMIT_CHARS, decodeBase64, decodeHex } from '../base64.ts';
import { emptyInvocation, type InlineCode, type Invocation, type Peer } from '../invocation.ts';
import { hostPeer, unknownPeer, urlPeer } from '../peers.ts';
import * as patterns from './inline-patterns.ts';
import { absolutePath } from './paths.ts';

interface Scan {
  text: string;
  raw: boolean;
  fetch: boolean;
  invocation: Invocation;
  cwd: string | undefined;
}

function any(list: readonly RegExp[], text: string): boolean {
  return list.some((pattern) => pattern.test(text));
}

/** `\x2f` and `\u002f` undone, so that escaped names are seen. */
function unescapeCode(text: string): string {
  if (!/\\[xu][0-9a-fA-F]{2}/.test(text)) return text;
  return text.replace(/\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})/g, (_, short?: string, long?: string) =>
    String.fromCharCode(Number.parseInt((short ?? long)!, 16)),
  );
}

function addPeer(invocation: Invocation, peer: Peer): void {
  if (invocation.peers.length >= 64) return;
  const known = invocation.peers.some(
    (other) => other.host === peer.host && other.port === peer.port && other.role === peer.role,
  );
  if (!known) invocation.peers.push(peer);
}

const URL_TEXT = /\b(?:https?|ftps?|wss?|tcp|udp|tls|ssl|gopher|ldap|socks5h?):\/\/[^\s'"`<>)\\,;]{1,2048}/gi;
const HOST_THEN_PORT =
  /["'`]([A-Za-z0-9_.:-]{1,255})["'`]\s{0,4}(?:,|=>)\s{0,4}(?:int\(|htons\(|port\s{0,4}[=:>]{1,2}\s{0,4})?["'`]?(\d{1,5})\b/g;
const PORT_THEN_HOST = /[(,\s](\d{1,5})\s{0,4},\s{0,4}["'`]([A-Za-z0-9_.:-]{1,255})["'`]/g;
const HOST_PORT_TEXT = /["'`]([A-Za-z0-9_.-]{1,255}):(\d{1,5})["'`]/g;
const NAMED_HOST =
  /\b(?:r?host(?:name)?|i|ip|addr(?:ess)?|server|target|PeerAddr|PeerHost|HOST|c2)\s{0,4}(?:=>|=|:)\s{0,4}["'`]([A-Za-z0-9_.:-]{1,255})["'`]/gi;
const NAMED_PORT = /\b(?:r?port|p|PeerPort|RPORT)\s{0,4}(?:=>|=|:)\s{0,4}["'`]?(\d{1,5})\b/i;
const INET_PATH = /\/inet[46]?\/(?:tcp|udp)\/(\w{1,16})\/([^/\s"']{1,255})\/(\w{1,16})/g;
const DEV_PATH = /\/dev\/(?:tcp|udp)\/([^/\s"'>&]{1,255})\/(\w{1,16})/g;
const TCL_SOCKET = /(?:^|[\s[{;])socket\s{1,4}(?:-async\s{1,4})?([A-Za-z0-9.:_-]{1,255})\s{1,4}(\d{1,5})/g;
const BIND_BEFORE = /\b(?:bind|listen|create_server|Server|LocalAddr|LocalPort|socket_bind)\W{0,16}$/i;

/** Whether the text in front of a host says that it is one to listen on. */
function roleAt(text: string, at: number): 'connect' | 'listen' {
  return BIND_BEFORE.test(text.slice(Math.max(0, at - 32), at)) ? 'listen' : 'connect';
}

/** Words that stand before a number and are no host: protocols, modes, encodings, methods. */
const NO_HOST = /^(?:tcp|udp|inet|utf-?8|ascii|[rwax]b?\+?|sh|bash|GET|POST|PUT|HEAD)$/i;

function isHostLike(text: string): boolean {
  if (NO_HOST.test(text)) return false;
  return /[.:]/.test(text) || /^[a-z][a-z0-9-]{1,62}$/i.test(text);
}

function findUrls({ text, invocation }: Scan): void {
  for (const match of text.matchAll(URL_TEXT)) {
    const peer = urlPeer(match[0], roleAt(text, match.index));
    if (peer) addPeer(invocation, peer);
    if (invocation.peers.length >= 64) return;
  }
}

function findSockets({ text, invocation }: Scan): void {
  const add = (host: string, port: string | undefined, at: number) => {
    if (isHostLike(host)) addPeer(invocation, hostPeer(host, port, roleAt(text, at)));
  };
  for (const match of text.matchAll(HOST_THEN_PORT)) add(match[1]!, match[2], match.index);
  for (const match of text.matchAll(HOST_PORT_TEXT)) add(match[1]!, match[2], match.index);
  for (const match of text.matchAll(PORT_THEN_HOST)) add(match[2]!, match[1], match.index);
  for (const match of text.matchAll(TCL_SOCKET)) add(match[1]!, match[2], match.index);
  for (const match of text.matchAll(DEV_PATH)) addPeer(invocation, hostPeer(match[1]!, match[2], 'connect'));
  for (const match of text.matchAll(INET_PATH)) {
    const listening = match[2] === '0' && match[3] === '0';
    addPeer(
      invocation,
      hostPeer(listening ? '' : match[2]!, listening ? match[1] : match[3], listening ? 'listen' : 'connect'),
    );
  }
  if (invocation.peers.length > 0) return;
  const port = NAMED_PORT.exec(text)?.[1];
  for (const match of text.matchAll(NAMED_HOST)) add(match[1]!, port, match.index);
}

const EMPTY_BIND = /\b(?:bind|listen)\s{0,4}\(\s{0,4}\(?\s{0,4}(?:["']{2}\s{0,4},\s{0,4})?(\d{1,5})/;
const LISTEN_PORT =
  /\bLocalPort\s{0,4}=>\s{0,4}["']?(\d{1,5})|\b(?:TCPServer|ServerSocket)(?:\.new|\.open)?\s{0,4}\(?\s{0,4}["']?(\d{1,5})|-server\s{1,4}\S{1,64}\s{1,4}(\d{1,5})/;

function findListener({ text, invocation }: Scan): void {
  const peer = invocation.peers.find((entry) => entry.role === 'listen');
  const match = EMPTY_BIND.exec(text) ?? LISTEN_PORT.exec(text);
  const port = peer?.port ?? match?.slice(1).find((part) => part !== undefined);
  invocation.listen = { address: peer?.host ?? '', ...(port === undefined ? {} : { port }) };
  if (!peer) addPeer(invocation, hostPeer('', port, 'listen'));
}

const READ_FILE =
  /\b(?:open|file_get_contents|fopen|readfile|File\.(?:read|open|binread)|readFileSync|readFile|io\.open|slurp|read_text)\s{0,4}\(\s{0,4}["'`](\/[^"'`\n]{1,512})["'`]\s{0,4}(?:,\s{0,4}["'`]r|\))/g;
const WRITE_FILE =
  /\b(?:open|fopen|File\.(?:open|write|binwrite)|writeFileSync|writeFile|createWriteStream|file_put_contents|io\.open)\s{0,4}\(\s{0,4}["'`](\/[^"'`\n]{1,512})["'`]\s{0,4},?\s{0,4}(["'`][wax])?/g;
const RETRIEVE =
  /\b(?:urlretrieve|copy|getstore|download\.file|mirror)\s{0,4}\(\s{0,4}["'`]([^"'`\n]{1,1024})["'`]\s{0,4},\s{0,4}["'`]([^"'`\n]{1,512})["'`]/g;

function findFiles({ text, invocation, cwd, fetch }: Scan, code: InlineCode): void {
  for (const match of text.matchAll(RETRIEVE)) {
    invocation.downloads.push({ option: 'code', path: absolutePath(match[2]!, cwd), url: match[1]! });
  }
  for (const match of text.matchAll(WRITE_FILE)) {
    const writing = match[2] !== undefined || /write|put_contents|createWrite/i.test(match[0]);
    if (!writing) continue;
    const path = absolutePath(match[1]!, cwd);
    if (fetch) invocation.downloads.push({ option: 'code', path });
    else invocation.writes.push({ option: 'code', path });
  }
  for (const match of text.matchAll(READ_FILE)) {
    const path = absolutePath(match[1]!, cwd);
    invocation.reads.push({ option: 'code', path });
    if (code.uploads && !invocation.serves) invocation.uploads.push({ option: 'code', what: 'file', path });
  }
  if (code.uploads && invocation.uploads.length === 0) {
    invocation.uploads.push({ option: 'code', what: 'inline' });
  }
}

const COMMAND_TEXT =
  /\b(?:os\.system|os\.popen|os\.execute|io\.popen|IO\.popen|getoutput|subprocess\.\w{1,16}|system|shell_exec|passthru|popen|exec|execSync|exec_command|spawn)\s{0,4}\(?\s{0,4}\[?\s{0,4}(?:"([^"\n]{1,2048})"|'([^'\n]{1,2048})'|`([^`\n]{1,2048})`)/g;
const BACKTICK_TEXT = /(?:^|[=;\s(])`([^`\n]{2,2048})`/g;
const WORD_LIST = /\[\s{0,4}((?:["'][^"'\n]{0,512}["']\s{0,4}(?:,\s{0,4})?){2,32})\]/g;

function findCommands(text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(COMMAND_TEXT)) found.push((match[1] ?? match[2] ?? match[3])!);
  for (const match of text.matchAll(BACKTICK_TEXT)) found.push(match[1]!);
  for (const match of text.matchAll(WORD_LIST)) {
    const words = [...match[1]!.matchAll(/["']([^"'\n]{0,512})["']/g)].map((word) => word[1]!);
    if (/^-[a-z]{0,4}c$/.test(words[1] ?? '') && words[2] !== undefined) found.push(words[2]);
  }
  return found.slice(0, 32);
}

const LITERAL = /["'`]([A-Za-z0-9+/=_-]{16,65536})["'`]/g;

/** Encoded string literals that give text. */
function decodeLiterals(text: string): string[] {
  if (!patterns.DECODES.test(text)) return [];
  const decoded: string[] = [];
  let room = DECODED_LIMIT_CHARS;
  for (const match of text.matchAll(LITERAL)) {
    const literal = match[1]!;
    const plain = (/^[0-9a-fA-F]+$/.test(literal) ? decodeHex(literal) : undefined) ?? decodeBase64(literal);
    if (plain === undefined || plain.length > room) continue;
    room -= plain.length;
    decoded.push(plain);
    if (decoded.length >= 16) break;
  }
  return decoded;
}

function judge(text: string, code: InlineCode): { raw: boolean; fetch: boolean } {
  const raw = any(patterns.RAW_SOCKET, text);
  const fetch = any(patterns.FETCH, text);
  code.opens_socket ||= raw || fetch;
  code.serves ||= code.opens_socket && any(patterns.SERVE, text);
  code.runs_program ||=
    any(patterns.RUN_PROGRAM, text) || (code.language !== 'python' && patterns.RUN_EXEC.test(text));
  const wired = any(patterns.WIRING, text);
  code.attaches_shell ||=
    raw &&
    code.runs_program &&
    (wired || /\$_(?:GET|POST|REQUEST)/.test(text)) &&
    (patterns.SHELL_NAME.test(text) || wired);
  code.downloads ||= fetch;
  const runsText = patterns.RUN_TEXT.test(text);
  code.executes_download ||=
    fetch &&
    (runsText ||
      (code.runs_program &&
        /\burlretrieve\b|["'][wa]b?["']|\bcreateWriteStream\b|put_contents|\bgetstore\b|\bFile\.write\b|\bdownload\.file\b/.test(
          text,
        )));
  const takes =
    patterns.ENVIRONMENT.test(text) || patterns.CAPTURES.test(text) || text.search(READ_FILE) >= 0;
  code.uploads ||= code.opens_socket && !code.attaches_shell && takes && patterns.SEND.test(text);
  return { raw, fetch };
}

/**
 * Scans code for what it does with the network. `tool` names the result (`python-net`); `language` is what the
 * code is written in, for the record. Total, linear in the length of the code.
 */
export function parseInlineCode(tool: string, language: string, source: string, cwd?: string): Invocation {
  const invocation = emptyInvocation(tool);
  const bounded = source.slice(0, DECODED_LIMIT_CHARS);
  const decoded = decodeLiterals(bounded);
  const text = unescapeCode([bounded, ...decoded].join('\n'));
  const code: InlineCode = {
    language,
    opens_socket: false,
    attaches_shell: false,
    downloads: false,
    executes_download: false,
    serves: false,
    uploads: false,
    decoded: decoded.length > 0,
    obscured: false,
    runs_program: false,
    commands: findCommands(text),
  };
  invocation.code = code;
  const { raw, fetch } = judge(text, code);
  code.obscured = patterns.RUN_TEXT.test(bounded) && patterns.DECODES.test(bounded) && decoded.length === 0;
  if (!code.opens_socket) return invocation;
  const scan: Scan = { text, raw, fetch, invocation, cwd };
  findUrls(scan);
  findSockets(scan);
  if (code.serves) findListener(scan);
  if (invocation.peers.length === 0) addPeer(invocation, unknownPeer('code', 'connect'));
  if (code.serves && /HTTP(?:Server|RequestHandler)|http\.server|WEBrick/.test(text))
    invocation.serves = 'files';
  if (code.attaches_shell) {
    const program =
      /["'`]((?:\/[\w./-]{1,64}\/)?(?:ba|da|z|k|a)?sh(?:\s[^"'`\n]{0,128})?)["'`]/.exec(text)?.[1] ?? 'shell';
    invocation.attached.push({ option: 'code', program, on_socket: true });
    if (code.serves) invocation.serves = 'shell';
  }
  findFiles(scan, code);
  return invocation;
}
