import { join } from 'node:path';
import { loadConfig } from '../config.ts';
import { redactEvent, redactText } from '../detect/index.ts';
import { LannerError } from '../lib/errors.ts';
import type { GoldCase } from '../lib/score-corpus.ts';
import { rfc3339 } from '../lib/time.ts';
import { type Severity, severities } from '../model/finding.ts';
import { execKeyOf, type Kept, type Label } from '../model/history.ts';
import { openJudging } from '../service/judging.ts';
import { stateDirectory } from '../service/places.ts';
import { changeLines } from './corpus-file.ts';
import { exitCodes } from './exit-codes.ts';
import { withHistory } from './history.ts';
import { labelOf } from './history-filter.ts';

export interface LabelFlags {
  config: string;
  note?: string;
  corpus?: string;
  minSeverity: string;
  maxSeverity?: string;
  json: boolean;
}

/**
 * `lanner label`: writes a kept finding or missed exec into a corpus with what a person says of it, and notes the
 * label in the history. A second label of the same exec takes the place of the first. Throws LannerError `usage`
 * for an id that the history does not have.
 */
export async function labelCommand(
  id: string,
  text: string,
  flags: LabelFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const config = loadConfig(flags.config);
  const label: Label = {
    is: labelOf(text),
    ...(flags.note !== undefined && { note: redactText(flags.note) }),
    time: rfc3339(Math.floor(Date.now() / 1000), 0),
  };
  const bounds = {
    min: severityOf('--min-severity', flags.minSeverity),
    max:
      flags.maxSeverity === undefined
        ? below(openJudging(config).minSeverity)
        : severityOf('--max-severity', flags.maxSeverity),
  };
  const file = flags.corpus ?? join(stateDirectory(config), 'corpus.jsonl');
  const { made, replaced, cases } = await withHistory(config, async (history) => {
    const kept = await history.get(id);
    if (kept === undefined) throw usage(`there is no finding or missed exec ${id} in the history`);
    const made = caseOf(kept, label, bounds);
    const changed = changeLines(file, JSON.stringify(made), (line) => isSameCase(line, made.id));
    await history.label(kept.id, label);
    return { made, ...changed };
  });
  if (flags.json)
    write(`${JSON.stringify({ id: made.id, label: label.is, corpus: file, replaced, cases })}\n`);
  else
    write(
      `${made.id} is ${label.is}${replaced ? ' now' : ''}; ${file} has ${cases} ${cases === 1 ? 'case' : 'cases'}\n`,
    );
  return exitCodes.ok.code;
}

/** A line of a corpus: what `lanner score` wants of this exec. */
export function caseOf(
  kept: Kept,
  { is, note, time }: Label,
  { min, max }: { min: Severity; max: Severity },
): GoldCase & { event: unknown } {
  const { exec, tool, category } = kept;
  const event = redactEvent(exec);
  return {
    id: kept.id,
    name: `${tool ?? 'exec'}: ${event.process.argv.join(' ')}`.slice(0, 120),
    ...(is === 'malicious'
      ? { label: 'alert' as const, minSeverity: min }
      : { label: 'benign' as const, maxSeverity: max }),
    ...(tool !== undefined && { tool }),
    ...(category !== undefined && { category }),
    why: note ?? `labelled ${is} ${time.slice(0, 10)}`,
    tags: ['labelled', kept.schema === 'lanner.miss/v1' ? 'missed' : 'found'],
    event,
  };
}

/** One case for one exec, whether it was found or missed when it was labelled. */
function isSameCase(line: string, id: string): boolean {
  try {
    const other = (JSON.parse(line) as { id?: unknown } | null)?.id;
    return typeof other === 'string' && /^[fm]-/.test(other) && execKeyOf(other) === execKeyOf(id);
  } catch {
    return false;
  }
}

/** The severity one step below. */
export function below(severity: Severity): Severity {
  return severities[Math.max(0, severities.indexOf(severity) - 1)]!;
}

function severityOf(flag: string, text: string): Severity {
  const found = severities.find((one) => one === text);
  if (found !== undefined) return found;
  throw usage(`${flag}: there is no severity ${JSON.stringify(text)}. Known: ${severities.join(', ')}`);
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, 'See lanner history query and lanner label --help.');
}
