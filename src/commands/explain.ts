import { existsSync, readFileSync } from 'node:fs';
import { type Config, loadConfig } from '../config.ts';
import { exampleEvent } from '../detect/examples.ts';
import { createDetector, redactEvent, redactText } from '../detect/index.ts';
import { LannerError } from '../lib/errors.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { Verdict } from '../model/finding.ts';
import { imageFromReference } from '../model/image.ts';
import type { NoteEntry } from '../model/intake.ts';
import { makeFinding } from '../model/make-finding.ts';
import { findingId } from '../pipeline.ts';
import { compileExceptions, type ExceptionStep } from '../route/exceptions.ts';
import { fileError } from '../sources/recording.ts';
import { configOrDefaults } from './defaults.ts';
import { exitCodes } from './exit-codes.ts';
import { keptById } from './history.ts';
import { eventOf } from './judge.ts';
import { type Paint, paintFor, printable } from './terminal.ts';

export interface ExplainFlags {
  config?: string;
  json?: boolean;
  command?: string;
  binary?: string;
  image?: string;
  parent?: string[];
  cwd?: string;
  probe?: boolean;
  exec?: boolean;
}

/**
 * Every step of one judgement: of an event in a file (JSON of any form, the first line), of a command line, or
 * of a finding in the history, named by its id: there as the configuration judges it now, without what memory
 * knew then. Throws LannerError `usage` where there is nothing to explain.
 */
export async function explain(file: string | undefined, flags: ExplainFlags): Promise<number> {
  const event =
    flags.command !== undefined
      ? eventFromCommand(flags.command, flags)
      : file !== undefined && isFindingId(file)
        ? await eventFromHistory(file, flags.config)
        : eventFrom(file);
  const config = configOrDefaults(flags.config);
  const detector = createDetector(config.detect);
  const notes: NoteEntry[] = [];
  const verdict = detector.judge(event, {}, (note) => notes.push(note));
  if (verdict.severity !== 'none') notes.push(...exceptionNotes(config, event, verdict));
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify({ event: redactEvent(event), notes: notes.map(redactNote), verdict })}\n`,
    );
  else process.stdout.write(render(event, notes, verdict, paintFor(process.stdout, process.env)));
  return exitCodes.ok.code;
}

function isFindingId(text: string): boolean {
  return /^[fm]-[0-9a-f]{24}$/.test(text) && !existsSync(text);
}

async function eventFromHistory(id: string, config: string | undefined): Promise<ExecEvent> {
  if (config === undefined)
    throw new LannerError(
      'usage',
      `${id} is in the history of a Lanner`,
      'Name its configuration with --config.',
    );
  const kept = await keptById(id, loadConfig(config));
  if (kept !== undefined) return kept.exec;
  throw new LannerError('usage', `there is no finding ${id} in the history`, 'See lanner history query.');
}

/** What each exception says to the finding, and what becomes of it. */
function exceptionNotes(config: Config, event: ExecEvent, verdict: Verdict): NoteEntry[] {
  const notes: NoteEntry[] = [];
  const { finding, hidden } = compileExceptions(config.exceptions).apply(
    makeFinding(event, verdict, findingId(event.id)),
    (step) =>
      notes.push({
        step: 'exception',
        text: `${step.name} (${step.mode}) ${said[step.is]}: ${step.why}`,
        data: step,
      }),
  );
  if (hidden) notes.push({ step: 'exception', text: 'the finding is hidden' });
  else if (finding.severity_before !== undefined)
    notes.push({ step: 'exception', text: `the finding is lowered to ${finding.severity}` });
  return notes;
}

const said: Record<ExceptionStep['is'], string> = {
  yes: 'applies',
  no: 'does not match',
  unknown: 'cannot be decided and does not apply',
  expired: 'does not apply',
  broken_through: 'does not apply',
};

function redactNote(note: NoteEntry): NoteEntry {
  return JSON.parse(redactText(JSON.stringify({ ...note, text: redactText(note.text) }))) as NoteEntry;
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
function eventFromCommand(run: string, flags: ExplainFlags): ExecEvent {
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

function render(event: ExecEvent, notes: readonly NoteEntry[], verdict: Verdict, paint: Paint): string {
  const lines = [`${paint('bold', printable(redactText(event.process.argv.join(' ')), 400))}`, ''];
  let step = '';
  const silent = notes.filter(isSilent).map((note) => (note.data as { id: string }).id);
  for (const note of notes.filter((one) => !isSilent(one))) {
    lines.push(
      `${paint('dim', (note.step === step ? '' : note.step).padEnd(10))} ${printable(redactText(note.text), 400)}`,
    );
    step = note.step;
  }
  if (silent.length > 0) lines.push(`${paint('dim', 'silent    ')} ${paint('dim', silent.join(', '))}`);
  lines.push(
    '',
    `${paint('bold', verdict.severity.toUpperCase())} score ${verdict.score}${verdict.tool === undefined ? '' : `, ${verdict.tool} (${verdict.category})`}`,
  );
  for (const why of verdict.why) lines.push(`  ${printable(why, 400)}`);
  if (verdict.mitre.length > 0) lines.push(`  ATT&CK ${verdict.mitre.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function isSilent(note: NoteEntry): boolean {
  return note.step === 'indicator' && (note.data as { fired?: boolean } | undefined)?.fired === false;
}
