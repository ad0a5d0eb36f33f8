import type { Config } from '../config.ts';
import { createDetector, redactEvent, redactText } from '../detect/index.ts';
import { type WhatIf, whatIfs } from '../detect/what-if.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { Verdict } from '../model/finding.ts';
import type { NoteEntry } from '../model/intake.ts';
import { makeFinding } from '../model/make-finding.ts';
import { findingId } from '../pipeline.ts';
import { compileExceptions, type ExceptionStep } from '../route/exceptions.ts';
import { configOrDefaults } from './defaults.ts';
import { type ExecFlags, execInput } from './exec-input.ts';
import { exitCodes } from './exit-codes.ts';
import { type Paint, paintFor, printable } from './terminal.ts';
import { nearest, nearText } from './why-not-text.ts';

export interface ExplainFlags extends ExecFlags {
  json?: boolean;
  /** All indicators that stayed silent, not the nearest only. */
  all?: boolean;
}

/**
 * Every step of one judgement: of an event in a file (JSON of any form, the first line), of a command line, or
 * of a finding in the history, named by its id: there as the configuration judges it now, without what memory
 * knew then. Throws LannerError `usage` where there is nothing to explain.
 */
export async function explain(file: string | undefined, flags: ExplainFlags): Promise<number> {
  const { event } = await execInput(file, flags);
  const config = configOrDefaults(flags.config);
  const detector = createDetector(config.detect);
  const notes: NoteEntry[] = [];
  const verdict = detector.judge(event, {}, (note) => notes.push(note));
  if (verdict.severity !== 'none') notes.push(...exceptionNotes(config, event, verdict));
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify({ event: redactEvent(event), notes: notes.map(redactNote), verdict })}\n`,
    );
  else {
    const paint = paintFor(process.stdout, process.env);
    const near = flags.all === true ? undefined : whatIfs(detector, event);
    process.stdout.write(render(event, notes, verdict, paint, near));
  }
  return exitCodes.ok.code;
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

function render(
  event: ExecEvent,
  notes: readonly NoteEntry[],
  verdict: Verdict,
  paint: Paint,
  near: readonly WhatIf[] | undefined,
): string {
  const lines = [`${paint('bold', printable(redactText(event.process.argv.join(' ')), 400))}`, ''];
  let step = '';
  const silent = notes.filter(isSilent).map((note) => (note.data as { id: string }).id);
  for (const note of notes.filter((one) => !isSilent(one))) {
    lines.push(
      `${paint('dim', (note.step === step ? '' : note.step).padEnd(10))} ${printable(redactText(note.text), 400)}`,
    );
    step = note.step;
  }
  lines.push(...silentLines(silent, near, paint));
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

/** The indicators that came nearest, with what was missing; all of them where `near` is not given. */
function silentLines(silent: readonly string[], near: readonly WhatIf[] | undefined, paint: Paint): string[] {
  if (silent.length === 0) return [];
  if (near === undefined) return [`${paint('dim', 'silent    ')} ${paint('dim', silent.join(', '))}`];
  const told = nearest(near);
  const named = new Set(told.flatMap(({ indicators }) => indicators.map(({ id }) => id)));
  const rest = silent.filter((id) => !named.has(id)).length;
  return [
    ...told.map(
      (one, i) => `${paint('dim', i === 0 ? 'silent    ' : '          ')} ${paint('dim', nearText(one))}`,
    ),
    `${paint('dim', told.length === 0 ? 'silent    ' : '          ')} ${paint('dim', `${rest} more, further away (--all lists them)`)}`,
  ];
}
