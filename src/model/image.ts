import type { ImageFacts } from './exec-event.ts';

/** The parts of an image reference. Absent parts are not in the text. */
export interface ImageReference {
  registry?: string;
  /** With the registry. */
  repository?: string;
  tag?: string;
  digest?: string;
  /** The text was nothing but the digest of a configuration (an image id). */
  config_digest?: string;
}

const digestForm = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/**
 * Takes a reference apart as container tools do: `nginx` is `docker.io/library/nginx`. Kubernetes' prefixes
 * (`docker-pullable://`, `docker://`) are dropped. Empty for what is no reference.
 */
export function parseReference(text: string): ImageReference {
  const bare = text.replace(/^docker(?:-pullable)?:\/\//, '');
  if (/^[0-9a-f]{64}$/.test(bare)) return { config_digest: `sha256:${bare}` };
  if (digestForm.test(bare)) return { config_digest: bare };

  const [named = '', digest] = splitOnce(bare, bare.indexOf('@'));
  const slash = named.lastIndexOf('/');
  const [path = '', tag] = splitOnce(named, named.indexOf(':', slash + 1));
  if (path === '' || /\s/.test(path)) return {};

  const first = path.slice(0, Math.max(path.indexOf('/'), 0));
  const hasRegistry = first === 'localhost' || /[.:]/.test(first);
  const registry = hasRegistry ? first : 'docker.io';
  const within = hasRegistry ? path.slice(first.length + 1) : path;
  const full = registry === 'docker.io' && !within.includes('/') ? `library/${within}` : within;
  return {
    registry,
    repository: `${registry}/${full}`,
    ...(tag ? { tag } : {}),
    ...(digest && digestForm.test(digest) ? { digest } : {}),
  };
}

function splitOnce(text: string, at: number): [string, string?] {
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** The name may mean another image tomorrow: no digest, and the tag is `latest` or left out. */
export function isMutableTag(reference: ImageReference): boolean | undefined {
  if (reference.repository === undefined) return undefined;
  if (reference.digest !== undefined) return false;
  return reference.tag === undefined || reference.tag === 'latest';
}

/** The facts that a reference alone tells; empty for what is no reference. */
export function imageFromReference(text: string): ImageFacts {
  const parts = parseReference(text);
  if (parts.repository === undefined) return parts;
  return {
    reference: text.replace(/^docker(?:-pullable)?:\/\//, ''),
    ...parts,
    ...(parts.digest === undefined && { mutable_tag: isMutableTag(parts) === true }),
  };
}
