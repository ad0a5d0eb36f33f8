/** socat's address grammar: `TYPE:param:param,option=value,…`, `READ!!WRITE`, quotes and brackets. */

export interface SocatAddress {
  /** Upper case, aliases resolved: `TCP-LISTEN`, `EXEC`. */
  type: string;
  /** Parameters with quotes taken off; an EXEC's command keeps its colons. */
  parameters: string[];
  /** Options in lower case; without a value the empty string. */
  options: Map<string, string>;
  text: string;
}

export type SocatKind =
  | 'program'
  | 'connect'
  | 'listen'
  | 'unix_connect'
  | 'unix_listen'
  | 'proxy'
  | 'file'
  | 'other';

const PROGRAMS = ['EXEC', 'SYSTEM', 'SHELL'];
const TRANSPORTS = ['TCP', 'UDP', 'SCTP', 'DCCP', 'UDPLITE', 'OPENSSL', 'DTLS', 'VSOCK', 'IP', 'SOCKET'];
const UNIX_CONNECT = [
  'UNIX',
  'UNIX-CONNECT',
  'UNIX-CLIENT',
  'UNIX-SENDTO',
  'ABSTRACT',
  'ABSTRACT-CONNECT',
  'ABSTRACT-CLIENT',
  'ABSTRACT-SENDTO',
  'LOCAL',
];
const UNIX_LISTEN = [
  'UNIX-LISTEN',
  'UNIX-RECVFROM',
  'UNIX-RECV',
  'ABSTRACT-LISTEN',
  'ABSTRACT-RECVFROM',
  'ABSTRACT-RECV',
];
const PROXIES = [
  'PROXY',
  'PROXY-CONNECT',
  'SOCKS',
  'SOCKS4',
  'SOCKS4A',
  'SOCKS5',
  'SOCKS5-CONNECT',
  'SOCKS5-LISTEN',
];
const FILES = ['OPEN', 'CREATE', 'CREAT', 'GOPEN', 'FILE', 'PIPE', 'FIFO'];

/** What an address of this type does. */
export function socatKind(type: string): SocatKind {
  if (PROGRAMS.includes(type)) return 'program';
  if (UNIX_CONNECT.includes(type)) return 'unix_connect';
  if (UNIX_LISTEN.includes(type)) return 'unix_listen';
  if (PROXIES.includes(type)) return 'proxy';
  if (FILES.includes(type)) return 'file';
  const [transport = '', ...mode] = type.split('-');
  const base = transport.replace(/[46]$/, '');
  if (!TRANSPORTS.includes(base)) return 'other';
  const verb = mode.join('-');
  if (['LISTEN', 'RECVFROM', 'RECV', 'SERVER'].includes(verb)) return 'listen';
  return ['', 'CONNECT', 'SENDTO', 'DATAGRAM', 'CLIENT'].includes(verb) ? 'connect' : 'other';
}

/** `TCP4-L` → `TCP4-LISTEN`, `SSL` → `OPENSSL`, `UNIX-CLIENT` stays. */
function canonicalType(text: string): string {
  const upper = text.toUpperCase();
  const ssl = upper.replace(/^SSL/, 'OPENSSL').replace(/^LOCAL(?=-|$)/, 'UNIX');
  return ssl.replace(/-L$/, '-LISTEN');
}

/** Splits on `separator` outside quotes and brackets; a backslash keeps the next character. Unquotes parts. */
function splitOutside(text: string, separator: string, unquote: boolean): string[] {
  const parts: string[] = [];
  let part = '';
  let quote = '';
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]!;
    if (character === '\\' && index + 1 < text.length) {
      part += unquote ? text[index + 1]! : character + text[index + 1]!;
      index += 1;
      continue;
    }
    if (quote !== '') {
      if (character === quote) quote = '';
      if (character !== quote && (quote !== '' || !unquote)) part += character;
      else if (!unquote) part += character;
      continue;
    }
    if (character === '"' || character === "'") {
      quote = character;
      if (!unquote) part += character;
      continue;
    }
    if ('[({'.includes(character)) depth += 1;
    if ('])}'.includes(character) && depth > 0) depth -= 1;
    if (character === separator && depth === 0) {
      parts.push(part);
      part = '';
      continue;
    }
    part += character;
  }
  parts.push(part);
  return parts;
}

function parseOptions(parts: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (name !== '') options.set(name, equals < 0 ? '' : part.slice(equals + 1).replace(/^["']|["']$/g, ''));
  }
  return options;
}

function parseSingle(text: string): SocatAddress {
  const [head = '', ...rest] = splitOutside(text, ',', false);
  const options = parseOptions(rest);
  const make = (type: string, parameters: string[]): SocatAddress => ({ type, parameters, options, text });
  if (head === '-' || head === '') return make('STDIO', []);
  if (/^\d+$/.test(head)) return make('FD', [head]);
  const colon = head.indexOf(':');
  const name = colon < 0 ? head : head.slice(0, colon);
  if (name.includes('/') || name.includes('.')) return make('GOPEN', [head]);
  const type = canonicalType(name);
  if (colon < 0) return make(type, []);
  const body = head.slice(colon + 1);
  if (PROGRAMS.includes(type)) return make(type, [splitOutside(body, '\0', true).join('')]);
  return make(type, splitOutside(body, ':', true));
}

/** One or, with `!!`, two addresses of one word. Total. */
export function parseSocatAddress(text: string): SocatAddress[] {
  const dual = text.indexOf('!!');
  if (dual <= 0) return [parseSingle(text)];
  return [parseSingle(text.slice(0, dual)), parseSingle(text.slice(dual + 2))];
}
