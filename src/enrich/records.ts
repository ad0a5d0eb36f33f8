import { LRUCache } from 'lru-cache';
import type { Container, ImageFacts, Pod } from '../model/exec-event.ts';
import type { Facts } from './source.ts';

/** All that is known of one container: the facts of each source, and what they amount to. */
export interface ContainerRecord {
  readonly id: string;
  /** By source name. */
  readonly parts: Map<string, Facts>;
  /** Epoch milliseconds; undefined while it runs. */
  gone_at: number | undefined;
  view: View | undefined;
}

/** The facts of all sources as one. */
export interface View {
  container: Container;
  image?: ImageFacts;
  pod?: Pod;
  node?: string;
  first?: { pid?: number; argv?: string[] };
  podless: boolean;
}

export interface RecordOptions {
  max: number;
  /** How long facts outlive their container, in milliseconds. */
  gone_ms: number;
  now: () => number;
}

/** Lengths of the ids sensors give: Falco 12, Tetragon 15 and 31. Others are learned when asked for. */
const usualLengths = [12, 15, 31];
const maxLengths = 12;

/**
 * Memory of containers, by full id and by shortened ones. Bounded: the least recently used goes first.
 * A shortened id answers only while a single remembered container has it.
 */
export class Records {
  readonly #byId: LRUCache<string, ContainerRecord>;
  /** Shortened id to the full ids that begin so. */
  readonly #byPrefix = new Map<string, string[]>();
  readonly #lengths = new Set(usualLengths);
  /** Containers that went, oldest first. */
  readonly #gone = new Map<string, number>();
  /** Repository and tag to the running containers started from it. */
  readonly #byTag = new Map<string, Set<string>>();
  readonly #tagOf = new Map<string, string>();
  readonly #options: RecordOptions;

  constructor(options: RecordOptions) {
    this.#options = options;
    this.#byId = new LRUCache({ max: options.max, dispose: (_, id) => this.#forget(id) });
  }

  get size(): number {
    return this.#byId.size;
  }

  /** `undefined`: not known. */
  find(id: string): ContainerRecord | 'ambiguous' | undefined {
    this.#expire();
    if (id.length === 64) return this.#byId.get(id);
    if (!this.#lengths.has(id.length) && !this.#index(id.length)) return this.#scan(id);
    const ids = this.#byPrefix.get(id);
    if (ids === undefined) return undefined;
    return ids.length > 1 ? 'ambiguous' : this.#byId.get(ids[0]!);
  }

  /** Keeps the facts of one source. */
  learn(source: string, facts: Facts): ContainerRecord {
    this.#expire();
    let record = this.#byId.get(facts.id);
    if (record === undefined) {
      record = { id: facts.id, parts: new Map(), gone_at: undefined, view: undefined };
      this.#byId.set(facts.id, record);
      for (const length of this.#lengths) this.#addPrefix(facts.id, length);
    }
    record.parts.set(source, facts);
    record.view = undefined;
    if (record.gone_at === undefined) this.#countTag(record);
    return record;
  }

  /** The container has ended; its facts stay for the configured time. */
  end(id: string): void {
    const record = this.#byId.peek(id);
    if (record === undefined || record.gone_at !== undefined) return;
    record.gone_at = this.#options.now();
    this.#gone.set(id, record.gone_at);
    this.#uncountTag(id);
    this.#expire();
  }

  /** The container runs (again). */
  revive(id: string): void {
    const record = this.#byId.peek(id);
    if (record?.gone_at === undefined) return;
    record.gone_at = undefined;
    this.#gone.delete(id);
    this.#countTag(record);
  }

  /** Ids of running containers that `source` told of. */
  *running(source: string): Iterable<string> {
    for (const [id, record] of this.#byId.entries()) {
      if (record.gone_at === undefined && record.parts.has(source)) yield id;
    }
  }

  /** Digests other than the record's own that run under its tag, sorted. */
  otherDigests(record: ContainerRecord): string[] {
    const tag = this.#tagOf.get(record.id) ?? tagKey(viewOf(record));
    const own = viewOf(record).image;
    const ids = tag === undefined ? undefined : this.#byTag.get(tag);
    if (own === undefined || ids === undefined || ids.size < (record.gone_at === undefined ? 2 : 1))
      return [];
    const others = new Set<string>();
    for (const id of ids) {
      const other = this.#byId.peek(id);
      const image = other === undefined || other === record ? undefined : viewOf(other).image;
      const digest = image === undefined ? undefined : differingDigest(own, image);
      if (digest !== undefined) others.add(digest);
    }
    return [...others].sort();
  }

  #countTag(record: ContainerRecord): void {
    this.#uncountTag(record.id);
    const tag = tagKey(viewOf(record));
    if (tag === undefined) return;
    this.#tagOf.set(record.id, tag);
    const ids = this.#byTag.get(tag);
    if (ids === undefined) this.#byTag.set(tag, new Set([record.id]));
    else ids.add(record.id);
  }

  #uncountTag(id: string): void {
    const tag = this.#tagOf.get(id);
    if (tag === undefined) return;
    this.#tagOf.delete(id);
    const ids = this.#byTag.get(tag);
    ids?.delete(id);
    if (ids?.size === 0) this.#byTag.delete(tag);
  }

  #expire(): void {
    const limit = this.#options.now() - this.#options.gone_ms;
    for (const [id, at] of this.#gone) {
      if (at > limit) return;
      this.#byId.delete(id);
    }
  }

  #forget(id: string): void {
    this.#gone.delete(id);
    this.#uncountTag(id);
    for (const length of this.#lengths) {
      const prefix = id.slice(0, length);
      const ids = this.#byPrefix.get(prefix);
      if (ids === undefined) continue;
      const rest = ids.filter((one) => one !== id);
      if (rest.length === 0) this.#byPrefix.delete(prefix);
      else this.#byPrefix.set(prefix, rest);
    }
  }

  #addPrefix(id: string, length: number): void {
    const prefix = id.slice(0, length);
    const ids = this.#byPrefix.get(prefix);
    if (ids === undefined) this.#byPrefix.set(prefix, [id]);
    else if (!ids.includes(id)) ids.push(id);
  }

  /** Learns a new length; false if there are too many already. */
  #index(length: number): boolean {
    if (this.#lengths.size >= maxLengths) return false;
    this.#lengths.add(length);
    for (const id of this.#byId.keys()) this.#addPrefix(id, length);
    return true;
  }

  #scan(prefix: string): ContainerRecord | 'ambiguous' | undefined {
    const ids = [...this.#byId.keys()].filter((id) => id.startsWith(prefix));
    if (ids.length > 1) return 'ambiguous';
    return ids[0] === undefined ? undefined : this.#byId.get(ids[0]);
  }
}

function tagKey(view: View): string | undefined {
  const image = view.image;
  if (image?.repository === undefined) return undefined;
  if (image.tag !== undefined) return `${image.repository}:${image.tag}`;
  // Without tag and digest the name means `latest`.
  return image.mutable_tag === true ? `${image.repository}:latest` : undefined;
}

/** The other's digest if both are known in the same kind and differ. */
function differingDigest(own: ImageFacts, other: ImageFacts): string | undefined {
  const kinds = ['digest', 'config_digest'] as const;
  const kind = kinds.find((one) => own[one] !== undefined && other[one] !== undefined);
  if (kind === undefined || own[kind] === other[kind]) return undefined;
  return other.digest ?? other.config_digest;
}

/** What a record's parts amount to. Computed once for each change. */
export function viewOf(record: ContainerRecord): View {
  record.view ??= joinParts(record.id, [...record.parts.values()]);
  return record.view;
}

/**
 * Runtimes know the container and the image as they are; Kubernetes knows the pod, its volumes' kinds and
 * what the pod asked for. Where both tell, each is believed in its own field.
 */
export function joinParts(id: string, parts: readonly Facts[]): View {
  const kube = parts.find((part) => part.from === 'kubernetes');
  const runtime = parts.find((part) => part.from !== 'kubernetes');
  const ordered = [kube, runtime].filter((part) => part !== undefined);
  const container: Container = Object.assign({}, ...ordered.map((part) => part.container), { id });
  if (kube?.container.name !== undefined) container.name = kube.container.name;
  if (kube?.container.mounts && runtime?.container.mounts) {
    container.mounts = joinMounts(runtime.container.mounts, kube.container.mounts);
  }
  const image: ImageFacts = Object.assign({}, ...ordered.map((part) => part.image));
  if (kube?.image !== undefined) takeAsked(image, kube.image);
  const pod = joinPods(ordered);
  const first = Object.assign({}, ...ordered.map((part) => part.first)) as NonNullable<View['first']>;
  return {
    container,
    ...(Object.keys(image).length > 0 ? { image } : {}),
    ...(pod === undefined ? {} : { pod }),
    ...(kube?.node === undefined ? {} : { node: kube.node }),
    ...(Object.keys(first).length > 0 ? { first } : {}),
    podless: pod === undefined && parts.some((part) => part.podless === true),
  };
}

/** The reference the pod asked for, with its parts, replaces what a runtime made of it. */
function takeAsked(image: ImageFacts, asked: ImageFacts): void {
  if (asked.reference === undefined || asked.repository === undefined) return;
  for (const key of ['reference', 'registry', 'repository', 'tag', 'mutable_tag'] as const) {
    if (asked[key] === undefined) delete image[key];
    else Object.assign(image, { [key]: asked[key] });
  }
}

function joinMounts(runtime: NonNullable<Container['mounts']>, kube: NonNullable<Container['mounts']>) {
  const kinds = new Map(kube.map((mount) => [mount.destination, mount]));
  return runtime.map((mount) => ({ ...mount, ...kinds.get(mount.destination) }));
}

function joinPods(parts: readonly Facts[]): Pod | undefined {
  const pods = parts.map((part) => part.pod).filter((pod) => pod !== undefined);
  if (pods.length === 0) return undefined;
  // Kubernetes comes first and is right about everything it tells; a runtime's labels are the kubelet's copy.
  return Object.assign({}, ...pods.reverse());
}
