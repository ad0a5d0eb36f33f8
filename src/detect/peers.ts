/** Peers of a connection, parsed from the words of an argument list. */
import { type ClassifiedHost, classifyHost, isUnknownText, type PeerRole } from './hosts.ts';
import type { Peer, PeerClass } from './invocation.ts';
import { defaultPort, parseUrl, splitPort } from './urls.ts';

export { classifyHost, isUnknownText, type PeerRole } from './hosts.ts';
export { expandGlob, fileNameOf, type ParsedUrl, parseUrl, splitPort } from './urls.ts';

/** Which reading of an ambiguous text is believed: the one that must not be overlooked. */
const WORST_FIRST: readonly PeerClass[] = [
  'metadata',
  'public_ip',
  'public_name',
  'internal',
  'unknown',
  'unix',
  'any',
  'loopback',
];

function worst(readings: readonly ClassifiedHost[]): ClassifiedHost {
  return readings.reduce((worse, next) =>
    WORST_FIRST.indexOf(next.class) < WORST_FIRST.indexOf(worse.class) ? next : worse,
  );
}

/** A peer of separate host and port words. */
export function hostPeer(host: string, port: string | undefined, role: PeerRole, scheme?: string): Peer {
  const classified = classifyHost(host, role);
  return {
    text:
      port === undefined
        ? host
        : `${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${port}`,
    role,
    ...classified,
    ...(port === undefined ? {} : { port }),
    ...(scheme === undefined ? {} : { scheme }),
  };
}

/** A unix socket; `@name` is an abstract one. */
export function unixPeer(path: string, role: PeerRole): Peer {
  return { text: path, role, class: isUnknownText(path) ? 'unknown' : 'unix', path };
}

/** Not there to see: standard input, a file, a variable. */
export function unknownPeer(text: string, role: PeerRole): Peer {
  return { text, role, class: 'unknown' };
}

/** A URL; `file:` has no peer. */
export function urlPeer(text: string, role: PeerRole, fallbackScheme = 'http'): Peer | undefined {
  const url = parseUrl(text, fallbackScheme);
  if (url.scheme === 'file') return undefined;
  const classified = worst([url.host, ...url.other_hosts].map((host) => classifyHost(host, role)));
  const port = url.port ?? defaultPort(url.scheme);
  return {
    text,
    role,
    ...classified,
    scheme: url.scheme,
    ...(port === undefined ? {} : { port }),
    ...(url.path === '' ? {} : { path: url.path }),
  };
}

/**
 * One word that names a peer: a URL if it has `scheme://` or a default scheme is given, else `host[:port]`
 * (userinfo allowed). Total: a text that names nothing gives class `unknown`.
 */
export function parsePeer(text: string, role: PeerRole, defaultScheme?: string): Peer {
  if (defaultScheme !== undefined || /^[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\//.test(text)) {
    return urlPeer(text, role, defaultScheme) ?? { text, role, class: 'unknown', scheme: 'file' };
  }
  const { host, port } = splitPort(text.slice(text.lastIndexOf('@') + 1));
  const peer = hostPeer(host, port, role);
  return { ...peer, text };
}
