/** URLs as curl and wget read them, which is not how browsers do: any word can be one. */

export interface ParsedUrl {
  /** Lower case; the default where the text has none. */
  scheme: string;
  /** True if the scheme stands in the text. */
  explicit_scheme: boolean;
  /** Without brackets and userinfo, otherwise as written; empty for `file:`. */
  host: string;
  /** Other hosts that another reading of the same text gives (two `@`, a backslash); empty nearly always. */
  other_hosts: string[];
  port?: string;
  userinfo?: string;
  /** Path, query and fragment, starting with `/`, `?` or `#`; empty if there is none. */
  path: string;
}

const DEFAULT_PORTS: Record<string, string> = {
  http: '80',
  https: '443',
  ws: '80',
  wss: '443',
  ftp: '21',
  ftps: '990',
  tftp: '69',
  telnet: '23',
  gopher: '70',
  dict: '2628',
  ldap: '389',
  ldaps: '636',
  ssh: '22',
  scp: '22',
  sftp: '22',
  smb: '445',
  mqtt: '1883',
  rtsp: '554',
};

/** The port a scheme implies, if it is a known one. */
export function defaultPort(scheme: string): string | undefined {
  return Object.hasOwn(DEFAULT_PORTS, scheme) ? DEFAULT_PORTS[scheme] : undefined;
}

/** curl's guess from the first label of a word without a scheme. */
function guessScheme(rest: string, fallback: string): string {
  const label = /^(ftp|dict|ldap|imap|smtp|pop3)\./i.exec(rest);
  return label ? label[1]!.toLowerCase() : fallback;
}

/** Host and port of `host`, `host:port`, `[v6]`, `[v6]:port`; a bare IPv6 address keeps its colons. */
export function splitPort(text: string): { host: string; port?: string } {
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    if (close < 0) return { host: text.slice(1) };
    const after = text.slice(close + 1);
    const host = text.slice(1, close);
    return after.startsWith(':') && after.length > 1 ? { host, port: after.slice(1) } : { host };
  }
  const colon = text.lastIndexOf(':');
  if (colon < 0) return { host: text };
  const port = text.slice(colon + 1);
  if (text.indexOf(':') !== colon && /^[0-9a-fA-F:.%]*$/.test(text)) return { host: text };
  return port === '' ? { host: text.slice(0, colon) } : { host: text.slice(0, colon), port };
}

function afterAt(authority: string, at: number): string {
  return at < 0 ? authority : authority.slice(at + 1);
}

/**
 * Splits a URL. Without `scheme://` the whole text is `host[:port][/path]`. Everything before the last `@` of
 * the authority is userinfo; where other tools would find another host, it is in `other_hosts`. Total, linear.
 */
export function parseUrl(text: string, fallbackScheme = 'http'): ParsedUrl {
  const cleaned = text.replace(/^[\s\x00-\x20]+/, '');
  const match = /^([A-Za-z][A-Za-z0-9+.-]{0,30}):\/{1,3}/.exec(cleaned);
  const explicit = match?.[1]?.toLowerCase();
  const rest = match ? cleaned.slice(match[0].length) : cleaned.replace(/^\/\//, '');
  const scheme = explicit ?? guessScheme(rest, fallbackScheme);
  if (scheme === 'file') {
    const path = cleaned.slice(cleaned.indexOf(':') + 1).replace(/^\/\/(?=\/)/, '');
    return { scheme, explicit_scheme: true, host: '', other_hosts: [], path };
  }
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const path = end < 0 ? '' : rest.slice(end);
  const lastAt = authority.lastIndexOf('@');
  const { host, port } = splitPort(afterAt(authority, lastAt));
  const shorter = authority.slice(0, Math.max(0, authority.search(/[\\;]|$/)));
  const others = [
    splitPort(afterAt(authority, authority.indexOf('@'))).host,
    splitPort(afterAt(shorter, shorter.lastIndexOf('@'))).host,
  ].filter((other) => other !== '' && other !== host);
  return {
    scheme,
    explicit_scheme: explicit !== undefined,
    host,
    other_hosts: [...new Set(others)],
    path,
    ...(port === undefined ? {} : { port }),
    ...(lastAt < 0 ? {} : { userinfo: authority.slice(0, lastAt) }),
  };
}

/** A file name a URL's path ends with, as `curl -O` and `wget` choose it; undefined for none. */
export function fileNameOf(url: ParsedUrl): string | undefined {
  const path = url.path.replace(/[?#].*$/s, '');
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === '' ? undefined : name;
}

interface Glob {
  start: number;
  end: number;
  choices: string[];
}

function rangeChoices(inner: string): string[] | undefined {
  const numbers = /^(\d{1,9})-(\d{1,9})(?::(\d{1,9}))?$/.exec(inner);
  if (numbers) {
    const [from, to, step] = [Number(numbers[1]), Number(numbers[2]), Math.max(1, Number(numbers[3] ?? 1))];
    const choices: string[] = [];
    const width = numbers[1]!.startsWith('0') ? numbers[1]!.length : 0;
    for (let value = from; value <= to && choices.length < 16; value += step) {
      choices.push(String(value).padStart(width, '0'));
    }
    return choices.length > 0 ? choices : undefined;
  }
  const letters = /^([a-zA-Z])-([a-zA-Z])(?::\d{1,9})?$/.exec(inner);
  if (!letters) return undefined;
  const [from, to] = [letters[1]!.charCodeAt(0), letters[2]!.charCodeAt(0)];
  const choices: string[] = [];
  for (let code = from; code <= to && choices.length < 16; code += 1) choices.push(String.fromCharCode(code));
  return choices.length > 0 ? choices : undefined;
}

function nextGlob(text: string, from: number): Glob | undefined {
  for (let start = from; start < text.length; start += 1) {
    const open = text[start];
    if (open === '\\') start += 1;
    if (open !== '{' && open !== '[') continue;
    const end = text.indexOf(open === '{' ? '}' : ']', start);
    if (end < 0) return undefined;
    const inner = text.slice(start + 1, end);
    const choices = open === '{' ? inner.split(',', 32) : rangeChoices(inner);
    if (choices && (open === '[' || inner !== '')) return { start, end, choices };
    start = end;
  }
  return undefined;
}

/**
 * curl's `{a,b}` and `[1-9]`, at most `limit` results (the first ones). `varies_host` tells whether host or port
 * vary, which makes it a sweep.
 */
export function expandGlob(text: string, limit = 64): { urls: string[]; varies_host: boolean } {
  if (!/[{[]/.test(text) || text.length > 8192) return { urls: [text], varies_host: false };
  let urls = [''];
  let position = 0;
  let varies = false;
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]{0,30}:\/{1,3}/.exec(text)?.[0].length ?? 0;
  const slash = text.slice(scheme).search(/[/?#]/);
  const hostEnd = slash < 0 ? text.length : scheme + slash;
  for (let found = nextGlob(text, 0); found; found = nextGlob(text, position)) {
    const { start, end, choices } = found;
    const before = text.slice(position, start);
    if (start < hostEnd && choices.length > 1) varies = true;
    urls = urls.flatMap((url) => choices.map((choice) => url + before + choice)).slice(0, limit);
    position = end + 1;
  }
  const tail = text.slice(position);
  return { urls: urls.map((url) => url + tail), varies_host: varies };
}
