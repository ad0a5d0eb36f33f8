import { existsSync, readFileSync } from 'node:fs';
import { loadConfig } from '../config.ts';
import { exampleEvent } from '../detect/examples.ts';
import { LannerError } from '../lib/errors.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import { imageFromReference } from '../model/image.ts';
import type { StateFacts } from '../model/intake.ts';
import { fileError } from '../sources/recording.ts';
import { keptById } from './history.ts';
import { eventOf } from './judge.ts';

/** How a command line stands for an exec. */
export interface ExecFlags {
  config?: string;
  command?: string;
  binary?: string;
  image?: string;
  parent?: string[];
  cwd?: string;
  probe?: boolean;
  exec?: boolean;
}

/** An exec to look at, and what memory knew of it where that was kept. */
export interface ExecInput {
  event: ExecEvent;
  facts: StateFacts;
}

/**
 * The exec of a command line, of a file (JSON of any form, the first line; `-` is standard input), or of a finding
 * or missed exec in the history, named by its id. Throws LannerError `usage` where there is none.
 */
export async function execInput(file: string | undefined, flags: ExecFlags): Promise<ExecInput> {
  if (flags.command !== undefined) return { event: eventFromCommand(flags.command, flags), facts: {} };
  if (file !== undefined && isKeptId(file)) return fromHistory(file, flags.config);
  return { event: eventFrom(file), facts: {} };
}

function isKeptId(text: string): boolean {
  return /^[fm]-[0-9a-f]{24}$/.test(text) && !existsSync(text);
}

async function fromHistory(id: string, config: string | undefined): Promise<ExecInput> {
  if (config === undefined)
    throw new LannerError(
      'usage',
      `${id} is in the history of a Lanner`,
      'Name its configuration with --config.',
    );
  const kept = await keptById(id, loadConfig(config));
  if (kept !== undefined) return { event: kept.exec, facts: ('facts' in kept && kept.facts) || {} };
  throw new LannerError(
    'usage',
    `there is no finding or missed exec ${id} in the history`,
    'See lanner history query, with --missed for what did not fire.',
  );
}

function eventFrom(file: string | undefined): ExecEvent {
  if (file === undefined)
    throw new LannerError(
      'usage',
      'nothing to explain',
      'Give a file with an event, - for standard input, or --command.',
    );
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  } catch (error) {
    throw fileError(file, error);
  }
  const one = wholeOrFirstLine(text);
  const { event, error } = eventOf(one, 1, undefined);
  if (event !== undefined) return event;
  throw new LannerError(
    'recording_form',
    `${file}: ${error ?? 'no exec event'}`,
    'Give the JSON of one exec event, finding or sensor message.',
  );
}

/** A finding or event may be pretty-printed over many lines; an export has one event a line. */
function wholeOrFirstLine(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return text.split('\n', 1)[0] ?? '';
  }
}

/** A command line as a person types it: quotes are understood, nothing is expanded. */
function eventFromCommand(run: string, flags: ExecFlags): ExecEvent {
  const event = exampleEvent({
    run,
    by: flags.parent ?? [],
    in_init_tree: flags.exec !== true,
    ...(flags.image !== undefined && { image: flags.image }),
    ...(flags.binary !== undefined && { exe: flags.binary }),
    ...(flags.cwd !== undefined && { cwd: flags.cwd }),
    ...(flags.probe === true && { exec_probe: true }),
  });
  // What the name of an image tells, exceptions match on.
  return flags.image === undefined ? event : { ...event, image: imageFromReference(flags.image) };
}
