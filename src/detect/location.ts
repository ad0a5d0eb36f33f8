/** Where files lie, and what that says. */
import { compileGlobs, type Glob } from '../lib/glob.ts';
import type { DetectConfig } from './config.ts';
import type { EvidenceMount } from './evidence.ts';
import { compileImages, type ImageMatch, type ImageName } from './image.ts';
import {
  expectedPlaces,
  mountRoots,
  ordinaryHidden,
  programRoots,
  uploadRoots,
  volumeRoots,
  webRoots,
  worldWritable,
} from './lists/locations.ts';
import { isDescriptorPath, isMemfdPath, isSelfExe } from './names.ts';

/**
 * `memfd` in memory only · `descriptor` executed through a descriptor · `deleted` no link left ·
 * `world_writable` /tmp and its like · `web_root` served to the web · `upload` where uploads land · `volume` on
 * a writable volume · `mount` below /mnt, /media · `hidden` in a dot directory · `unusual` outside the
 * directories where images keep programs.
 */
export type LocationClass =
  | 'memfd'
  | 'descriptor'
  | 'deleted'
  | 'world_writable'
  | 'web_root'
  | 'upload'
  | 'volume'
  | 'mount'
  | 'hidden'
  | 'unusual';

/** In words, for `why`. */
export const locationWords: Readonly<Record<LocationClass, string>> = {
  memfd: 'memory only (memfd)',
  descriptor: 'an open descriptor instead of a path',
  deleted: 'a deleted file',
  world_writable: 'a directory everyone may write to',
  web_root: 'a directory served to the web',
  upload: 'a directory where uploads land',
  volume: 'a writable volume',
  mount: 'a mount point outside the image',
  hidden: 'a hidden directory',
  unusual: 'a directory where images keep no programs',
};

export interface Location {
  /** Normalized. */
  path: string;
  /** Strongest first; empty: an ordinary place. */
  classes: readonly LocationClass[];
  /** Why this suspicious-looking place is normal here; `classes` is empty then, unless hard facts say otherwise. */
  expected?: string;
}

/** What the answer depends on beside the path. */
export interface Surroundings {
  image: ImageName;
  mounts: readonly EvidenceMount[] | undefined;
  /** True if a process of that name stands above, or is the process itself. */
  hasAncestor(name: string): boolean;
  /** The arguments of java processes above, joined. */
  javaArguments: string;
}

export type Locate = (path: string, surroundings: Surroundings, deleted?: boolean) => Location;

/** Makes `//`, `.` and `..` disappear; a relative path is joined to `cwd`, or stays as it is without one. */
export function normalizePath(path: string, cwd?: string): string {
  const rooted = path.startsWith('/') ? path : cwd?.startsWith('/') ? `${cwd}/${path}` : path;
  if (!/\/\.{0,2}(?:\/|$)|^\.{1,2}(?:\/|$)/.test(rooted)) return rooted;
  const parts: string[] = [];
  for (const part of rooted.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return rooted.startsWith('/') ? `/${parts.join('/')}` : parts.join('/');
}

/** True if a component hides itself: a leading dot, dots only, or a trailing blank. */
export function isHidden(path: string): boolean {
  if (!path.includes('/.') && !path.includes(' ')) return false;
  for (const part of path.split('/')) {
    if (/^\s|\s$/.test(part)) return true;
    if (!part.startsWith('.') || part === '.' || part === '..') continue;
    // ConfigMap and Secret volumes: `..data`, `..2026_01_02_…`.
    if (/^\.\.(?:data|\d{4}_)/.test(part)) continue;
    if (!ordinaryHidden.has(part)) return true;
  }
  return false;
}

interface Compiled {
  world: Glob;
  web: Glob;
  upload: Glob;
  volume: Glob;
  mount: Glob;
  program: Glob;
  own: { paths: Glob; class: DetectConfig['locations'][number]['class']; image: ImageMatch | undefined }[];
  expected: {
    paths: Glob;
    image: ImageMatch;
    ancestors: readonly string[];
    java: RegExp | undefined;
    what: string;
  }[];
}

const compiledLists: Omit<Compiled, 'own'> = {
  world: compileGlobs(worldWritable),
  web: compileGlobs(webRoots),
  upload: compileGlobs(uploadRoots),
  volume: compileGlobs(volumeRoots),
  mount: compileGlobs(mountRoots),
  program: compileGlobs(programRoots),
  expected: expectedPlaces.map((place) => ({
    paths: compileGlobs(place.paths),
    image: compileImages(place.images ?? []),
    ancestors: place.ancestors ?? [],
    java: place.java,
    what: place.what,
  })),
};

/** The location test with the operator's own places on top. */
export function buildLocate(config: DetectConfig['locations']): Locate {
  const compiled: Compiled = {
    ...compiledLists,
    own: config.map((entry) => ({
      paths: compileGlobs(entry.paths),
      class: entry.class,
      image: entry.images.length > 0 ? compileImages(entry.images) : undefined,
    })),
  };
  const shapes = rememberedShapes(compiled);
  return (path, surroundings, deleted) => locate(compiled, shapes, path, surroundings, deleted ?? false);
}

/** What a path says by itself. */
interface Shape {
  mount: boolean;
  world: boolean;
  upload: boolean;
  web: boolean;
  volume: boolean;
  program: boolean;
  hidden: boolean;
  /** Places that may be expected there. */
  expected: Compiled['expected'];
}

const REMEMBERED = 1024;
const REMEMBERED_LENGTH = 256;

/** Few programs run most processes: their paths are matched once. */
function rememberedShapes(compiled: Compiled): (path: string) => Shape {
  const shapes = new Map<string, Shape>();
  return (path) => {
    const known = shapes.get(path);
    if (known !== undefined) return known;
    const shape: Shape = {
      mount: compiled.mount(path),
      world: compiled.world(path),
      upload: compiled.upload(path),
      web: compiled.web(path),
      volume: compiled.volume(path),
      program: compiled.program(path),
      hidden: isHidden(path),
      expected: compiled.expected.filter((place) => place.paths(path)),
    };
    if (path.length > REMEMBERED_LENGTH) return shape;
    if (shapes.size >= REMEMBERED) shapes.clear();
    shapes.set(path, shape);
    return shape;
  };
}

function locate(
  compiled: Compiled,
  shapes: (path: string) => Shape,
  raw: string,
  surroundings: Surroundings,
  deleted: boolean,
): Location {
  const marked = raw.endsWith(' (deleted)');
  const path = normalizePath(marked ? raw.slice(0, -10) : raw);
  if (isMemfdPath(path)) return { path, classes: ['memfd'] };
  if (isSelfExe(path)) return { path, classes: [] };
  if (isDescriptorPath(path)) return { path, classes: ['descriptor'] };
  if (!path.startsWith('/')) return { path, classes: deleted || marked ? ['deleted'] : [] };

  const own = compiled.own.find((entry) => (entry.image?.(surroundings.image) ?? true) && entry.paths(path));
  const shape = shapes(path);
  const classes = own ? ownClasses(own.class) : builtInClasses(shape, path, surroundings.mounts);
  if (own?.class === 'expected') return { path, classes: [], expected: 'configured as expected' };
  if (classes.length > 0 && !deleted && !marked) {
    const what = expectedReason(shape, path, surroundings);
    if (what !== undefined) return { path, classes: [], expected: what };
  }
  if (deleted || marked) return { path, classes: ['deleted', ...classes] };
  return { path, classes };
}

function ownClasses(name: DetectConfig['locations'][number]['class']): LocationClass[] {
  return name === 'expected' ? [] : [name];
}

function builtInClasses(
  shape: Shape,
  path: string,
  mounts: readonly EvidenceMount[] | undefined,
): LocationClass[] {
  const classes: LocationClass[] = [];
  const mount = mounts && mountOf(path, mounts);
  if (shape.mount) {
    if (!mount?.read_only) classes.push('mount');
  } else if (shape.world) {
    if (!mount?.read_only) classes.push('world_writable');
  }
  if (shape.upload) classes.push('upload');
  else if (shape.web) classes.push('web_root');
  if (classes.length === 0 && isVolume(shape, mounts, mount)) classes.push('volume');
  if (shape.hidden) classes.push('hidden');
  if (classes.length === 0 && !shape.program) classes.push('unusual');
  return classes;
}

/** Mounts that every container has, or that hold what the operator put there. */
const ORDINARY_MOUNTS = /^(?:configMap|secret|projected|downwardAPI|image|csi-secret)$/i;

function isVolume(
  shape: Shape,
  mounts: readonly EvidenceMount[] | undefined,
  mount: EvidenceMount | undefined,
): boolean {
  if (mounts === undefined) return shape.volume;
  return mount !== undefined && !mount.read_only && !ORDINARY_MOUNTS.test(mount.type);
}

function mountOf(path: string, mounts: readonly EvidenceMount[]): EvidenceMount | undefined {
  let best: EvidenceMount | undefined;
  for (const mount of mounts) {
    const at = mount.destination.endsWith('/') ? mount.destination : `${mount.destination}/`;
    if (mount.destination === '/' || !(path.startsWith(at) || path === mount.destination)) continue;
    if (best === undefined || mount.destination.length > best.destination.length) best = mount;
  }
  return best;
}

function expectedReason(shape: Shape, path: string, surroundings: Surroundings): string | undefined {
  for (const place of shape.expected) {
    const nothingToAgree = place.ancestors.length === 0 && place.java === undefined;
    if (nothingToAgree && path.startsWith('/run/')) return place.what;
    if (place.image(surroundings.image)) return place.what;
    if (place.ancestors.some((name) => surroundings.hasAncestor(name))) return place.what;
    if (place.java?.test(surroundings.javaArguments)) return place.what;
  }
  return undefined;
}
