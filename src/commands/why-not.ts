import { type Config, loadConfig } from '../config.ts';
import { createDetector, redactEvent, redactText } from '../detect/index.ts';
import { type WhatIf, whatIfs } from '../detect/what-if.ts';
import { LannerError } from '../lib/errors.ts';
import { compareSeverity, type Severity, type Verdict } from '../model/finding.ts';
import type { Kept } from '../model/history.ts';
import type { NoteEntry } from '../model/intake.ts';
import { makeFinding } from '../model/make-finding.ts';
import { findingId } from '../pipeline.ts';
import { openJudging } from '../service/judging.ts';
import { configOrDefaults } from './defaults.ts';
import { type ExecFlags, type ExecInput, execInput } from './exec-input.ts';
import { exitCodes } from './exit-codes.ts';
import { keptTexts } from './history.ts';
import { filterOf } from './history-filter.ts';
import { type Paint, paintFor, printable, severityText } from './terminal.ts';
import { type Remedy, remedies } from './why-not-remedies.ts';
import { nearest, nearText } from './why-not-text.ts';

export interface WhyNotFlags extends ExecFlags {
  tool?: string;
  /** Words of the command line: each must be there. */
  word?: string[];
  since?: string;
  json?: boolean;
}

/** Everything `lanner why-not` says of one exec. */
export interface WhyNot extends ExecInput {
  verdict: Verdict;
  /** The lowest severity that a route wants. */
  floor: Severity;
  fires: boolean;
  /** What stood in the way, as the judgement noted it. */
  because: string[];
  near: WhatIf[];
  remedies: Remedy[];
}

/**
 * `lanner why-not`: of an exec that did not fire, what stood in the way, which indicators came nearest and which
 * configuration would make it fire. The exec is one of the history (by id, or the newest missed one that fits), of
 * a file, or a command line. Ends with `found` where it does fire. Throws LannerError `usage`.
 */
export async function whyNot(file: string | undefined, flags: WhyNotFlags): Promise<number> {
  const config = configOrDefaults(flags.config);
  const found = whyNotOf(await inputOf(file, flags), config);
  const paint = paintFor(process.stdout, process.env);
  process.stdout.write(flags.json ? `${jsonOf(found)}\n` : textOf(found, paint));
  return found.fires ? exitCodes.found.code : exitCodes.ok.code;
}

async function inputOf(file: string | undefined, flags: WhyNotFlags): Promise<ExecInput> {
  if (file !== undefined || flags.command !== undefined) return execInput(file, flags);
  if (flags.config === undefined)
    throw usage('name a missed exec, a file or a --command, or a --config whose history is looked into');
  return newestMissed(loadConfig(flags.config), flags);
}

async function newestMissed(config: Config, flags: WhyNotFlags): Promise<ExecInput> {
  const { tool, image, since } = flags;
  const filter = filterOf(
    {
      missed: true,
      ...(tool !== undefined && { tool }),
      ...(image !== undefined && { image }),
      ...(since !== undefined && { since }),
    },
    Date.now(),
  );
  for await (const text of keptTexts(config, filter, { newest: true, limit: Number.MAX_SAFE_INTEGER })) {
    const kept = JSON.parse(text) as Kept;
    const { argv } = kept.exec.process;
    if ((flags.word ?? []).every((word) => argv.includes(word)))
      return { event: kept.exec, facts: ('facts' in kept && kept.facts) || {} };
  }
  throw usage(
    'no missed exec in the history fits; a sample is kept (history.misses), and only of named tools',
  );
}

/** The same for one exec. */
export function whyNotOf(input: ExecInput, config: Config): WhyNot {
  const { event, facts } = input;
  const { exceptions, minSeverity: floor } = openJudging(config);
  const detector = createDetector(config.detect);
  const notes: NoteEntry[] = [];
  const verdict = detector.judge(event, facts, (note) => notes.push(note));
  const isTold = verdict.severity !== 'none' && compareSeverity(verdict.severity, floor) >= 0;
  const excepted = exceptions.apply(makeFinding(event, verdict, findingId(event.id)));
  const hiding = (excepted.finding.exceptions ?? []).filter(({ applied }) => applied);
  const fires = isTold && !excepted.hidden;
  return {
    ...input,
    verdict,
    floor,
    fires,
    because: isTold
      ? hiding.map(({ name, why }) => `exception ${name}: ${why}`)
      : [...becauseOf(notes, verdict, floor)],
    near: fires ? [] : whatIfs(detector, event, facts),
    remedies: fires ? [] : remedies(input, verdict, config),
  };
}

/** What the judgement decided against it: out of scope, nothing to do, lowered, capped, too few points. */
function* becauseOf(notes: readonly NoteEntry[], verdict: Verdict, floor: Severity): Generator<string> {
  for (const { step, text, data } of notes) {
    if (step === 'scope' || step === 'severity') yield text;
    if (step === 'arguments' && data === undefined) yield text;
    if (step === 'program' && text === 'no network utility') yield text;
    if (step === 'score' && !/ = -?\d+$/.test(text)) yield text;
    if (step === 'indicator' && ((data as { points?: number } | undefined)?.points ?? 0) < 0) yield text;
  }
  if (verdict.severity !== 'none')
    yield `${verdict.severity} is below ${floor}, which is the least that any route wants`;
}

function textOf(found: WhyNot, paint: Paint): string {
  const { event, verdict, facts, fires, because } = found;
  const where = event.image?.reference ?? event.image?.repository;
  const lines = [
    paint('bold', printable(redactText(event.process.argv.join(' ')), 400)),
    `${severityText(verdict.severity, paint).trim()} score ${verdict.score}${verdict.tool === undefined ? '' : `, ${verdict.tool}`}${where === undefined ? '' : `, in ${printable(where)}`}; routes want ${found.floor} or more`,
    ...(facts.seen_before === undefined ? [] : [`seen ${facts.seen_before} times before it`]),
  ];
  if (fires) return `${[...lines, 'it does fire: see lanner explain'].join('\n')}\n`;
  const part = (title: string, all: readonly string[]) =>
    all.length === 0
      ? []
      : [paint('bold', title), ...all.map((one) => `  ${printable(redactText(one), 300)}`)];
  const near = found.near.filter(({ severity }) => compareSeverity(severity, found.floor) >= 0);
  const fired = verdict.indicators.filter(({ points }) => points > 0);
  return `${[
    ...lines,
    ...part(
      'why not',
      because.filter((one) => !/^(?:none|info|low|medium|high|critical)$/.test(one)),
    ),
    ...part(
      'what did fire',
      fired.map(({ id, points, why }) => `${id} +${points}: ${why}`),
    ),
    ...part('what came nearest', nearest(found.near).map(nearText)),
    ...part('it would fire too', lesser(near).map(nearText)),
    ...part(
      'configuration that makes it fire',
      found.remedies.map(({ set, severity }) => `${set}  → ${severity}`),
    ),
    ...(found.remedies.length === 0 ? ['no single change of the configuration makes it fire'] : []),
  ].join('\n')}\n`;
}

/** Changes that make no indicator fire, and yet the exec. */
function lesser(near: readonly WhatIf[]): WhatIf[] {
  return near.filter(({ indicators }) => indicators.length === 0).slice(0, 4);
}

function jsonOf({ event, verdict, ...rest }: WhyNot): string {
  return redactText(JSON.stringify({ event: redactEvent(event), verdict, ...rest }));
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, 'See lanner why-not --help and lanner history query --missed.');
}
