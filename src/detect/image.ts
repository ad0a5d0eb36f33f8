import { compileGlob, type Glob } from '../lib/glob.ts';
import type { Evidence } from './evidence.ts';

/** An image's name in the pieces that lists match on. */
export interface ImageName {
  /** With registry, without tag and digest: `docker.io/library/redis`. Empty when unknown. */
  full: string;
  /** Without the registry: `library/redis`. */
  path: string;
  /** The last component: `redis`. */
  last: string;
}

/** The name of the image the event's container runs. */
export function imageName(event: Pick<Evidence, 'image'>): ImageName {
  const text = event.image?.repository ?? event.image?.reference ?? '';
  const withoutDigest = text.includes('@') ? text.slice(0, text.indexOf('@')) : text;
  const slash = withoutDigest.lastIndexOf('/');
  const colon = withoutDigest.indexOf(':', slash + 1);
  const full = colon < 0 ? withoutDigest : withoutDigest.slice(0, colon);
  const first = full.indexOf('/');
  const registry = first > 0 && /[.:]|^localhost$/.test(full.slice(0, first));
  return { full, path: registry ? full.slice(first + 1) : full, last: full.slice(full.lastIndexOf('/') + 1) };
}

/** Tests an image's name. */
export type ImageMatch = (image: ImageName) => boolean;

/**
 * Compiles image patterns: one without `/` is tested on the last component (`netshoot`, `zabbix-*`), one with
 * `/` on the path without the registry (`nicolaka/*`) and on the full name.
 */
export function compileImages(patterns: readonly string[]): ImageMatch {
  const short: Glob[] = [];
  const long: Glob[] = [];
  for (const pattern of patterns) (pattern.includes('/') ? long : short).push(compileGlob(pattern));
  return (image) =>
    image.full !== '' &&
    (short.some((glob) => glob(image.last)) || long.some((glob) => glob(image.path) || glob(image.full)));
}
