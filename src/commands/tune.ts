import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isMap, isSeq, parseDocument } from 'yaml';
import { type Config, loadConfig, parseExceptions } from '../config.ts';
import { LannerError } from '../lib/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { HistoryFilter } from '../model/history.ts';
import { compileExceptions } from '../route/exceptions.ts';
import type { ExceptionConfig } from '../route/exceptions-schema.ts';
import { exitCodes } from './exit-codes.ts';
import { severityFlag } from './flags.ts';
import { filterOf } from './history-filter.ts';
import { type KeptSource, openKeptFiles, standardInput } from './kept-files.ts';
import { openProgress, type Progress, progressTerminal } from './progress.ts';
import { historySource, tellPassedOver } from './replay-inputs.ts';
import { type Paint, paintFor, printable } from './terminal.ts';
import { effectText, type Proposal, type TuneResult, tuneFindings } from './tune-effect.ts';

export interface TuneFlags {
  config?: string;
  since?: string;
  until?: string;
  apply?: string;
  json: boolean;
  maxSeverity: string;
  minCount: string;
  limit: string;
  expiresDays: string;
  owner?: string;
}

/**
 * `lanner tune`: proposes exceptions for what is noisy in the history, or in exported findings. `--apply` writes
 * them to a file of exceptions, beside those it has. Throws LannerError `usage` for flags that make no sense.
 */
export async function tune(
  files: readonly string[],
  flags: TuneFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const config = flags.config === undefined ? undefined : loadConfig(flags.config);
  const { since, until } = filterOf(flags, Date.now());
  const when = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
  const source = await sourceOf(files, config, when);
  const days = count('--expires-days', flags.expiresDays);
  const { paths } = source;
  const progress = openProgress({
    // Read to see which of them count, to group them, and to see what the proposals would do.
    files: [...paths, ...paths, ...paths],
    unit: 'findings',
    terminal: progressTerminal(flags.json),
  });
  const result = await tuneFindings(() => findingsOf(source, when, progress), {
    max_severity: severityFlag(flags.maxSeverity, 'See lanner tune --help.'),
    min_count: count('--min-count', flags.minCount),
    max_proposals: count('--limit', flags.limit),
    expires: new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10),
    ...(flags.owner !== undefined && { owner: flags.owner }),
    hiddenNow: hiddenBy(config),
  }).finally(progress.done);
  const proposed = result.proposals.map(({ exception }) => exception);
  if (flags.apply !== undefined && proposed.length > 0) applyTo(flags.apply, proposed);
  const { skipped: unreadable, repeats } = source.passedOver();
  tellPassedOver(source.passedOver());
  if (flags.json) write(`${JSON.stringify({ ...result, unreadable, repeats })}\n`);
  else write(render(result, flags.apply, paintFor(process.stdout, process.env)));
  return exitCodes.ok.code;
}

/** Findings of the files, or of the history; read anew at each call. */
async function sourceOf(
  files: readonly string[],
  config: Config | undefined,
  filter: HistoryFilter,
): Promise<KeptSource> {
  if (files.length > 0) {
    const paths: string[] = [];
    for (const file of files) paths.push(file === '-' ? await standardInput() : file);
    return openKeptFiles(paths);
  }
  if (config === undefined) throw usage('name exported findings, or a configuration whose history is read');
  return historySource(config, { ...filter, missed: false });
}

/** What happened at the time that is asked for; a missed exec is no noise. */
async function* findingsOf(
  source: KeptSource,
  { since, until }: HistoryFilter,
  progress: Progress,
): AsyncGenerator<Finding> {
  for await (const kept of source.read(progress.at)) {
    progress.step();
    const inTime = (since ?? '') <= kept.time && (until === undefined || kept.time < until);
    if (inTime && kept.schema === 'lanner.finding/v1') yield kept;
  }
}

/** By the exceptions of the configuration; without one, by what each finding says. */
function hiddenBy(config: Config | undefined): (finding: Finding) => boolean {
  if (config === undefined)
    return ({ exceptions }) => (exceptions ?? []).some(({ mode, applied }) => mode === 'hide' && applied);
  const present = compileExceptions(config.exceptions);
  return (finding) => present.apply(finding).hidden;
}

/**
 * Adds exceptions to a file, which is made if it is missing; one of the same name is replaced, everything else
 * in the file, comments too, stays. The file is never half written.
 */
export function applyTo(path: string, proposed: readonly ExceptionConfig[]): void {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : 'exceptions: []\n';
  parseExceptions(text, path);
  const document = parseDocument(text);
  const list = document.get('exceptions');
  if (!isSeq(list)) throw usage(`${path} has no list of exceptions`);
  list.flow = false;
  for (const { even_if: _none, ...exception } of proposed) {
    const node = document.createNode(exception);
    const at = list.items.findIndex((item) => isMap(item) && item.get('name') === exception.name);
    if (at < 0) list.items.push(node);
    else list.items[at] = node;
  }
  const written = document.toString({ lineWidth: 0 });
  parseExceptions(written, path);
  writeFileSync(`${path}.new`, written);
  renameSync(`${path}.new`, path);
}

function render(result: TuneResult, applied: string | undefined, paint: Paint): string {
  const { proposals, seen, hidden, first, last } = result;
  if (proposals.length === 0)
    return `nothing to propose: no group of findings is large enough\n${left(result)}`;
  const all = `${paint('bold', `together ${effectText(hidden, seen)}`)}, ${first?.slice(0, 10)} to ${last?.slice(0, 10)}\n`;
  const written = applied === undefined ? '' : `written to ${applied}\n`;
  return `${proposals.map((one) => renderProposal(one, seen, paint)).join('\n')}\n${all}${left(result)}${written}`;
}

function renderProposal(
  { exception, hides, keeps }: Proposal,
  seen: TuneResult['seen'],
  paint: Paint,
): string {
  const { name, match, reason, expires } = exception;
  const lines = [
    paint('bold', name),
    `  ${effectText(hides, seen)}; expires ${expires}`,
    `  ${paint('dim', printable(reason, 240))}`,
    ...Object.entries(match ?? {}).map(
      ([key, value]) => `    ${key}: ${printable(JSON.stringify(value), 160)}`,
    ),
    ...keeps.map((one) => `  keeps ${one.severity} ${one.id}  ${printable(one.command, 120)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function left({ not_proposed }: TuneResult): string {
  const parts = Object.entries(not_proposed).map(([why, many]) => `${many} ${why.replaceAll('_', ' ')}`);
  return parts.length === 0 ? '' : `left alone: ${parts.join(', ')}\n`;
}

function count(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100_000)
    throw usage(`${flag} ${text}: a whole number from 1`);
  return value;
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, 'See lanner tune --help.');
}
