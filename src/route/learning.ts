import { z } from 'zod';
import { normalizeTime, secondsOf } from '../lib/time.ts';
import { compareSeverity, type Finding, severities } from '../model/finding.ts';
import { asJudged, type Grouping, groupNoise, type NoiseGroup } from './proposals.ts';

export const learningSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'remember what a new image does at first; it is proposed (lanner exceptions proposals), never applied',
    ),
  minutes: z
    .number()
    .min(1)
    .max(10_080)
    .default(60)
    .describe("how long an image is new on this node, from its first container's start"),
  max_images: z
    .int()
    .min(1)
    .max(10_000)
    .default(500)
    .describe('images remembered; beyond, the oldest is forgotten'),
  max_pairs: z
    .int()
    .min(1)
    .max(10_000)
    .default(1000)
    .describe(
      'pairs of arguments and parent remembered, of all images together; beyond, new ones are left out',
    ),
});
export type LearningConfig = z.output<typeof learningSchema>;

/** What may become of a finding: the label of a metric. */
export const learnedOutcomes = [
  'learned',
  'window_over',
  'image_unknown',
  'image_suspect',
  'hard_indicator',
  'too_severe',
  'arguments_unknown',
  'secret_in_address',
  'place_unknown',
  'parent_unknown',
  'not_expressible',
  'too_many_groups',
] as const;
export type Learned = (typeof learnedOutcomes)[number];

/** What one image did while it was new. */
export interface LearnedImage {
  /** Digest of the image or, where that is not known, its reference. */
  image: string;
  /** What a person calls it. */
  reference?: string;
  /** RFC 3339: when it was first on this node, as far as is known. */
  first: string;
  /** Id of a finding above low, or with a hard indicator, while it was new: nothing is proposed then. */
  suspect?: string;
  groups: NoiseGroup[];
}

/** All that is remembered, as it is kept over a restart. */
export interface LearningSnapshot {
  version: 1;
  images: LearnedImage[];
}

export interface Learning {
  see(finding: Finding): Learned;
  snapshot(): LearningSnapshot;
  counts(): { images: number; pairs: number };
}

interface Image {
  reference?: string;
  first: string;
  suspect?: string;
  pairs: Grouping;
}

/**
 * Learns from findings that are told: of an image that is new on this node, pairs of arguments and parent up to
 * `low`. An image that did anything worse while it was new is learned nothing from. Pure: time is the findings'.
 */
export function openLearning(config: () => LearningConfig, before?: LearningSnapshot): Learning {
  /** In the order they were first seen. */
  const images = new Map<string, Image>();
  let pairs = 0;
  for (const { image, groups, ...known } of before?.images ?? []) {
    images.set(image, { ...known, pairs: grouping(groups) });
    pairs += groups.length;
  }

  function imageFor(key: string, finding: Finding): Image {
    const known = images.get(key);
    if (known !== undefined) return known;
    const reference = finding.exec.image?.reference;
    const suspect = hasDigest(finding) ? undefined : suspectOf(reference);
    const made = {
      ...(reference !== undefined && { reference }),
      ...(suspect !== undefined && { suspect }),
      first: firstOf(finding),
      pairs: grouping([]),
    };
    images.set(key, made);
    while (images.size > config().max_images) forget(images.keys().next().value!);
    return made;
  }

  function forget(key: string): void {
    pairs -= images.get(key)?.pairs.size ?? 0;
    images.delete(key);
  }

  /** What bears the same name is suspect too: of some events the digest may not have been known. */
  function drop(worse: Image, suspect: string): void {
    for (const image of images.values()) {
      if (image !== worse && (image.reference === undefined || image.reference !== worse.reference)) continue;
      pairs -= image.pairs.size;
      Object.assign(image, { suspect, pairs: grouping([]) });
    }
  }

  function suspectOf(reference: string | undefined): string | undefined {
    for (const image of images.values())
      if (reference !== undefined && image.reference === reference && image.suspect !== undefined)
        return image.suspect;
    return undefined;
  }

  return {
    see(told) {
      const finding = asJudged(told);
      const key = keyOf(finding);
      if (key === undefined) return 'image_unknown';
      const image = imageFor(key, finding);
      const age = secondsOf(finding.time) - secondsOf(image.first);
      if (age > config().minutes * 60) return 'window_over';
      const hard = finding.indicators.some((one) => one.hard);
      if (hard || compareSeverity(finding.severity, 'low') > 0) {
        drop(image, finding.id);
        return hard ? 'hard_indicator' : 'too_severe';
      }
      if (image.suspect !== undefined) return 'image_suspect';
      if (pairs >= config().max_pairs && !image.pairs.has(finding)) return 'too_many_groups';
      const { size } = image.pairs;
      const why = image.pairs.add(finding);
      pairs += image.pairs.size - size;
      return why ?? 'learned';
    },
    snapshot: () => ({
      version: 1,
      images: [...images].map(([image, { reference, first, suspect, pairs: learned }]) => ({
        image,
        ...(reference !== undefined && { reference }),
        first,
        ...(suspect !== undefined && { suspect }),
        groups: learned.groups(),
      })),
    }),
    counts: () => ({ images: images.size, pairs }),
  };
}

function grouping(before: readonly NoiseGroup[]): Grouping {
  return groupNoise({ max_severity: 'low', before });
}

function hasDigest({ exec: { image } }: Finding): boolean {
  return (image?.digest ?? image?.config_digest) !== undefined;
}

/** The digest of the image, else what it was asked for as. */
function keyOf({ exec: { image } }: Finding): string | undefined {
  return image?.digest ?? image?.config_digest ?? image?.reference;
}

/** When this container of the image started, else now. */
function firstOf({ time, exec: { container } }: Finding): string {
  const started = container?.started_at === undefined ? undefined : normalizeTime(container.started_at);
  return started === undefined || started > time ? time : started;
}

const text = z.string().max(100_000);
const pattern = z.union([text, z.number(), z.boolean(), z.array(z.union([text, z.number(), z.boolean()]))]);
const snapshotSchema = z.object({
  version: z.literal(1),
  images: z
    .array(
      z.object({
        image: text,
        reference: text.exactOptional(),
        first: text.refine((time) => normalizeTime(time) === time),
        suspect: text.exactOptional(),
        groups: z.array(
          z.object({
            frame: z.record(z.string(), z.union([pattern, z.record(z.string(), pattern)])),
            words: z.union([
              z.object({ args: z.array(z.array(text).min(1)) }),
              z.object({ command_line: text }),
            ]),
            tool: text,
            place: text,
            parent: text,
            count: z.number(),
            severity: z.enum(severities),
            first: text,
            last: text,
          }),
        ),
      }),
    )
    .max(10_000),
});

/** Reads a snapshot back; undefined for what is none. */
export function parseSnapshot(json: string): LearningSnapshot | undefined {
  try {
    return snapshotSchema.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
