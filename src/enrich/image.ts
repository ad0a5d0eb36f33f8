import type { UnknownReason } from '../model/enrich.ts';
import type { ImageFacts } from '../model/exec-event.ts';
import { isMutableTag, parseReference } from '../model/image.ts';
import { onlyOne, repoDigest } from './reference.ts';

/** An image as a runtime stores it: the same whatever container runs it. */
export interface StoredImage {
  config_digest?: string;
  /** Digest of the manifest, where the runtime names the image by it and not by repository. */
  manifest_digest?: string;
  repo_tags: string[];
  repo_digests: string[];
  size_bytes?: number;
  labels?: Record<string, string>;
  created?: string;
  layers?: number;
  entrypoint?: string[];
  command?: string[];
  user?: string;
}

const maxLabels = 64;
const maxValue = 512;

/** Labels within bounds: an image of somebody else must not swell every finding. */
export function boundedLabels(labels: Record<string, unknown> | null | undefined): Record<string, string> {
  const entries = Object.entries(labels ?? {}).filter(([, value]) => typeof value === 'string');
  // Standard keys first, so that they are kept where there are too many.
  entries.sort(([a], [b]) => rank(a) - rank(b));
  return Object.fromEntries(entries.slice(0, maxLabels).map(([key, value]) => [key, cut(value as string)]));
}

function rank(key: string): number {
  return key.startsWith('org.opencontainers.image.') ? 0 : 1;
}

function cut(text: string): string {
  return text.length > maxValue ? `${text.slice(0, maxValue - 1)}…` : text;
}

/** The configuration of an image as OCI and Docker write it. */
interface OciConfig {
  created?: string;
  config?: {
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    User?: string;
    Labels?: Record<string, string> | null;
  };
  rootfs?: { diff_ids?: string[] };
}

/** The facts in an image's configuration. An empty entrypoint or command is known and says "none". */
export function configFacts(spec: OciConfig): Partial<StoredImage> {
  const config = spec.config ?? {};
  return {
    labels: boundedLabels(config.Labels),
    entrypoint: config.Entrypoint ?? [],
    command: config.Cmd ?? [],
    user: config.User ?? '',
    ...(spec.created ? { created: spec.created } : {}),
    ...(spec.rootfs?.diff_ids ? { layers: spec.rootfs.diff_ids.length } : {}),
  };
}

/** An image's facts for a container, and what could not be told of it. */
export interface ImageAnswer {
  image: ImageFacts;
  unknown: Record<string, UnknownReason>;
}

/**
 * Joins what was asked for with what is stored.
 * `asked` is the reference of the pod or the user; undefined where the runtime does not tell it: then a tag
 * is taken from the stored image only if it has a single one.
 */
export function imageFacts(asked: string | undefined, stored: StoredImage | undefined): ImageAnswer {
  const unknown: Record<string, UnknownReason> = {};
  const named = asked === undefined ? undefined : parseReference(asked);
  const byName = named?.repository !== undefined;
  const tags = stored?.repo_tags ?? [];
  if (!byName && tags.length > 1) unknown['image.tag'] = 'not_told';
  const text = byName ? asked : tags.length === 1 ? tags[0] : undefined;
  const parts = text === undefined ? {} : parseReference(text);
  const repository = parts.repository ?? onlyOne(tags.map((tag) => parseReference(tag).repository));
  const registry = parts.registry ?? onlyOne(tags.map((tag) => parseReference(tag).registry));
  const digest =
    parts.digest ?? repoDigest(stored?.repo_digests ?? [], repository) ?? stored?.manifest_digest;
  const config = stored?.config_digest ?? named?.config_digest;
  const mutable = isMutableTag(parts);
  if (stored === undefined) unknown['image.config'] = 'not_told';
  const {
    repo_tags: _tags,
    repo_digests: _digests,
    manifest_digest: _manifest,
    ...rest
  } = stored ?? {
    repo_tags: [],
    repo_digests: [],
  };
  const reference = text ?? asked;
  return {
    unknown,
    image: {
      ...(reference ? { reference } : {}),
      ...(registry ? { registry } : {}),
      ...(repository ? { repository } : {}),
      ...(parts.tag ? { tag: parts.tag } : {}),
      ...(digest ? { digest } : {}),
      ...rest,
      ...(config ? { config_digest: config } : {}),
      ...(mutable === undefined ? {} : { mutable_tag: mutable }),
    },
  };
}
