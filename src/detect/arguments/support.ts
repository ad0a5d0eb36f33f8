/** What several grammars need to fill an invocation. */
import type { Invocation, Peer } from '../invocation.ts';
import { isUnknownText } from '../peers.ts';
import { absolutePath, isStdout } from './paths.ts';

export function addUpload(
  invocation: Invocation,
  option: string,
  path: string | undefined,
  cwd: string | undefined,
): void {
  if (path === undefined || path === '') return;
  if (path === '-' || path === '.' || path === '/dev/stdin' || path === '/dev/fd/0') {
    invocation.uploads.push({ option, what: 'stdin' });
    return;
  }
  invocation.uploads.push({ option, what: 'file', path: absolutePath(path, cwd) });
}

/** Literal data counts as an upload only if it holds a variable or a command's output. */
export function addInlineUpload(invocation: Invocation, option: string, data: string): void {
  if (/\$[({A-Za-z_]|`/.test(data)) invocation.uploads.push({ option, what: 'inline' });
}

export function addRead(
  invocation: Invocation,
  option: string,
  path: string | undefined,
  cwd: string | undefined,
): void {
  if (path !== undefined && path !== '') {
    invocation.reads.push({ option, path: isStdout(path) ? path : absolutePath(path, cwd) });
  }
}

export function addWrite(
  invocation: Invocation,
  option: string,
  path: string | undefined,
  cwd: string | undefined,
): void {
  if (path === undefined || path === '' || isStdout(path) || path === '/dev/null') return;
  invocation.writes.push({ option, path: absolutePath(path, cwd) });
}

/** A proxy: a redirect, and a peer of its own. */
export function addProxy(invocation: Invocation, option: string, peer: Peer): void {
  invocation.redirects.push({ option, value: peer.text });
  invocation.peers.push(peer);
}

const SECRET_HEADER =
  /^\s*(?:authorization|proxy-authorization|cookie|x-api-key|api-key|x-auth-token|x-vault-token|private-token|x-aws-[a-z-]*token)\s*:/i;

export function addHeader(invocation: Invocation, option: string, line: string): void {
  invocation.headers.push(line);
  if (SECRET_HEADER.test(line)) invocation.credentials.push(option);
}

/** Userinfo with a password in a URL is a credential. */
export function noteUrlCredentials(invocation: Invocation, option: string, url: string): void {
  const scheme = url.indexOf('://');
  const rest = scheme < 0 ? url : url.slice(scheme + 3);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const at = authority.lastIndexOf('@');
  if (at > 0 && authority.slice(0, at).includes(':')) invocation.credentials.push(option);
}

/** Several ports or hosts in one operand: `1-1024`, `22,80,443`, `10.0.0.0/24`, `10.0.0.1-50`. */
export function isPortRange(text: string): boolean {
  const range = /^(\d{1,5})[-:](\d{1,5})$/.exec(text);
  if (range) return range[1] !== range[2];
  return /^\d{1,5}(?:,\d{1,5}){2,}$/.test(text);
}

export function isHostRange(text: string): boolean {
  if (text.length > 256) return false;
  if (/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(text)) return true;
  return /^[\d.*,-]+$/.test(text) && /\d/.test(text) && /[-*,]/.test(text);
}

const PROGRAM_NAMES = new Set([
  'sh',
  'bash',
  'dash',
  'ash',
  'ksh',
  'zsh',
  'fish',
  'csh',
  'tcsh',
  'mksh',
  'busybox',
  'toybox',
  'python',
  'python2',
  'python3',
  'perl',
  'ruby',
  'php',
  'node',
  'lua',
  'pwsh',
  'cmd',
  'cmd.exe',
  'powershell',
  'powershell.exe',
  'env',
  'cat',
  'id',
  'echo',
  'exec',
  'login',
  'tee',
  'nc',
  'socat',
]);

/** A shell's or interpreter's name, a path, or several words: what an option's value must be to be a command. */
export function looksLikeCommand(value: string): boolean {
  const text = value.trim();
  if (text === '') return false;
  if (/[\s;|&<>]/.test(text)) return true;
  if (text.startsWith('/') || text.startsWith('./') || text.startsWith('../') || text.startsWith('~/')) {
    return true;
  }
  return PROGRAM_NAMES.has(text) || /^python[0-9.]+$/.test(text);
}

/** Marks help or version; the first one found counts. */
export function markInert(invocation: Invocation, why: NonNullable<Invocation['inert']>): void {
  invocation.inert ??= why;
}

/** True if a name to look up only becomes known at run time. */
export function isDataDriven(text: string): boolean {
  return text === '-' || isUnknownText(text);
}
