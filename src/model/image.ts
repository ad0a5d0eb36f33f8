import type { ImageFacts } from './exec-event.ts';

/**
 * The parts of an image reference as containerd and Docker read it: `nginx` is
 * `docker.io/library/nginx`, a first component without a dot, a colon or `localhost` is no registry.
 * A bare `sha256:…` is the digest of a configuration, `docker-pullable://` and other schemes are taken off.
 */
export function parseReference(text: string): ImageFacts {
  const bare = text.replace(/^[a-z][a-z0-9+.-]*:\/\//, '');
  if (bare === '') return {};
  if (/^sha256:[0-9a-f]{64}$/.test(bare)) return { config_digest: bare };
  const [named = '', digest] = splitOnce(bare, '@');
  const lastSlash = named.lastIndexOf('/');
  const colon = named.indexOf(':', lastSlash + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const first = name.split('/', 1)[0]!;
  const hasRegistry = name.includes('/') && /[.:]|^localhost$/.test(first);
  const registry = hasRegistry ? first : 'docker.io';
  const path = hasRegistry ? name.slice(first.length + 1) : name;
  const repository = `${registry}/${hasRegistry || path.includes('/') ? path : `library/${path}`}`;
  return {
    reference: bare,
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
    ...(digest === undefined && { mutable_tag: tag === undefined || tag === 'latest' }),
  };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
