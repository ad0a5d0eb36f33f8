import { readFileSync } from 'node:fs';
import { type Config, loadConfig } from '../config.ts';
import { askControl } from '../http/control.ts';
import { LannerError } from '../lib/errors.ts';
import { type ExceptionConfig, exceptionSchema } from '../route/exceptions-schema.ts';
import { type LearnedImage, type LearningSnapshot, parseSnapshot } from '../route/learning.ts';
import { matchOf, type NoiseGroup, nameOf } from '../route/proposals.ts';
import { learningFile } from '../service/learning.ts';
import { controlSocket, stateDirectory } from '../service/places.ts';
import { fileError } from '../sources/recording.ts';
import { exitCodes } from './exit-codes.ts';
import { type Paint, paintFor, printable } from './terminal.ts';
import { applyTo } from './tune.ts';

export interface ProposalFlags {
  config: string;
  apply?: string;
  owner?: string;
  expiresDays: string;
  json: boolean;
}

/** An exception that would hide what an image did while it was new. */
export interface LearnedProposal {
  exception: ExceptionConfig;
  image: string;
  /** How often it happened while the image was new. */
  count: number;
}

/**
 * `lanner exceptions proposals`: what new images did at first, as exceptions to look at; `--apply` writes them to
 * a file. Nothing is applied by itself. Throws LannerError `usage` where learning is off or a flag makes no sense.
 */
export async function exceptionProposals(
  flags: ProposalFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const days = Number(flags.expiresDays);
  if (!Number.isInteger(days) || days < 1)
    throw usage(`--expires-days ${flags.expiresDays}: a whole number from 1`);
  const config = loadConfig(flags.config);
  const snapshot = await snapshotOf(config);
  const present = new Set(config.exceptions.map(({ name }) => name));
  const expires = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const proposals = proposalsOf(snapshot, {
    expires,
    minutes: config.learning.minutes,
    ...(flags.owner !== undefined && { owner: flags.owner }),
  }).filter(({ exception }) => !present.has(exception.name));
  const suspects = snapshot.images.filter(({ suspect }) => suspect !== undefined);
  if (flags.apply !== undefined && proposals.length > 0)
    applyTo(
      flags.apply,
      proposals.map(({ exception }) => exception),
    );
  if (flags.json)
    write(
      `${JSON.stringify({ proposals, suspects: suspects.map(({ image, reference, suspect }) => ({ image, reference, finding: suspect })) })}\n`,
    );
  else write(render(proposals, suspects, flags.apply, paintFor(process.stdout, process.env)));
  return exitCodes.ok.code;
}

/** The proposals of a snapshot, those of an image together. What two images did alike is proposed once. */
export function proposalsOf(
  { images }: LearningSnapshot,
  { expires, owner, minutes }: { expires: string; owner?: string; minutes: number },
): LearnedProposal[] {
  const byName = new Map<string, LearnedProposal>();
  for (const { image, reference, first, groups } of images)
    for (const group of groups) {
      const exception = exceptionSchema.parse({
        name: nameOf(group, 'learned'),
        match: matchOf(group),
        reason: `${reasonOf(group)} of ${nameOfImage({ image, reference })}, new on this node ${first.slice(0, 16)}Z; proposed after its first ${minutes} minutes, to be confirmed`,
        ...(owner !== undefined && { owner }),
        expires,
        mode: 'hide',
      });
      if (!byName.has(exception.name)) byName.set(exception.name, { exception, image, count: group.count });
    }
  return [...byName.values()];
}

/** `shop/web:1.4.2 (sha256:…)`. */
function nameOfImage({ image, reference }: { image: string; reference?: string | undefined }): string {
  const digest = image.replace(/^.*@/, '').slice(0, 19);
  return reference === undefined || reference === image ? image : `${reference} (${digest})`;
}

function reasonOf({ tool, parent, count }: NoiseGroup): string {
  return `${tool} by ${parent} ran ${count} ${count === 1 ? 'time' : 'times'} in the first container`;
}

async function snapshotOf(config: Config): Promise<LearningSnapshot> {
  if (!config.learning.enabled)
    throw usage('nothing is learned: learning.enabled of the configuration is false');
  if (!config.durable)
    throw new LannerError('usage', 'nothing is kept to ask for: durable is false', 'Set durable: true.');
  const running = await askControl(controlSocket(stateDirectory(config)), 'learning');
  if (running !== undefined) return running.value as LearningSnapshot;
  const file = learningFile(config);
  try {
    const snapshot = parseSnapshot(readFileSync(file, 'utf8'));
    if (snapshot !== undefined) return snapshot;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { version: 1, images: [] };
    throw fileError(file, error);
  }
  throw fileError(file, new Error('it is damaged'));
}

function render(
  proposals: readonly LearnedProposal[],
  suspects: readonly LearnedImage[],
  applied: string | undefined,
  paint: Paint,
): string {
  const shown = proposals.map(({ exception: { name, match, reason, expires } }) =>
    [
      paint('bold', name),
      `  ${paint('dim', printable(reason, 300))}; expires ${expires}`,
      ...Object.entries(match ?? {}).map(
        ([key, value]) => `    ${key}: ${printable(JSON.stringify(value), 160)}`,
      ),
    ].join('\n'),
  );
  const left = suspects.map(
    ({ suspect, ...one }) =>
      `${printable(nameOfImage(one), 160)}: nothing is proposed, since it did worse while it was new (${suspect})\n`,
  );
  const head =
    shown.length === 0 ? 'no new image did anything that could be proposed\n' : `${shown.join('\n')}\n`;
  return `${head}${left.join('')}${applied === undefined || shown.length === 0 ? '' : `written to ${applied}\n`}`;
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, 'See lanner exceptions proposals --help.');
}
