import type { Config } from '../config.ts';
import { LannerError } from '../lib/errors.ts';
import type { Finding } from '../model/finding.ts';
import { diffOutcomes, isDifferent, type Outcome, outcomeOf } from '../route/outcome-diff.ts';
import { openReplayPipeline } from '../service/replay.ts';
import type { RecordingForm } from '../sources/recording.ts';
import { type Log, openLog } from '../telemetry/log.ts';
import { configOrDefaults } from './defaults.ts';
import { exitCodes } from './exit-codes.ts';
import type { KeptSource } from './kept-files.ts';
import { openProgress, type Progress, progressTerminal } from './progress.ts';
import { replay } from './replay.ts';
import { diffJson, renderDiff } from './replay-diff.ts';
import { type Inputs, inputsOf, tellPassedOver } from './replay-inputs.ts';
import { logOptions } from './run.ts';
import { paintFor } from './terminal.ts';

export interface ReplayFlags {
  form?: RecordingForm;
  config?: string;
  json: boolean;
  deliver: boolean;
  state: boolean;
  /** The configuration to compare with. */
  against?: string;
  /** With `against`: how many of each difference are shown. */
  examples: string;
}

/** Ends with `found` where `--against` finds a difference. Throws LannerError as the parts do. */
export async function replayCommand(files: string[], flags: ReplayFlags): Promise<number> {
  if (flags.against !== undefined) return replayAgainst(files, flags.against, flags);
  const config = configOrDefaults(flags.config);
  const { recordings, kept } = await inputsOf(files, flags.config);
  const log = openLog(logOptions(config));
  const findings: Finding[] = [];
  const { pipeline, drain, recall } = openReplayPipeline({
    config,
    log,
    deliver: flags.deliver,
    state: flags.state,
    onFinding: (finding) => findings.push(finding),
  });
  const progress = openProgress({
    files: [...recordings, ...twice(kept)],
    unit: 'events',
    terminal: progressTerminal(flags.json),
  });
  const summary = await replay(recordings, pipeline, findings, {
    ...(flags.form !== undefined && { form: flags.form }),
    ...(kept !== undefined && { kept, recall }),
    json: flags.json,
    progress,
    out: process.stdout,
    paint: paintFor(process.stdout, process.env),
    log,
  }).finally(progress.done);
  const left = await drain();
  if (flags.json) process.stdout.write(`${JSON.stringify({ summary })}\n`);
  else {
    const { messages, execs, container_execs, findings: found, unreadable, repeats } = summary;
    process.stdout.write(
      `${messages} messages, ${execs} execs (${container_execs} in containers), ${found} findings, ${unreadable} unreadable${repeats === undefined ? '' : `, ${repeats} repeats`}\n`,
    );
  }
  if (kept !== undefined) tellPassedOver(kept.passedOver());
  await log.flush();
  return left === 0 ? exitCodes.ok.code : exitCodes.undelivered.code;
}

/** The same events by two configurations: what is told otherwise. */
async function replayAgainst(files: string[], against: string, flags: ReplayFlags): Promise<number> {
  if (flags.deliver) throw usage('--against delivers nothing: leave out --deliver');
  const inputs = await inputsOf(files, flags.config);
  if (inputs.recordings.includes('-'))
    throw usage('--against reads the recording twice, which standard input cannot be');
  const examples = Number(flags.examples);
  if (!Number.isInteger(examples) || examples < 0) throw usage('--examples wants a whole number');
  const configs = [configOrDefaults(against), configOrDefaults(flags.config)] as const;
  const log = openLog(logOptions(configs[1]));
  const { recordings, kept } = inputs;
  const progress = openProgress({
    files: [...recordings, ...recordings, ...twice(kept), ...(kept?.paths ?? [])],
    unit: 'events',
    terminal: progressTerminal(flags.json),
  });
  const byBoth = async () => {
    const old = await outcomes(inputs, configs[0], { ...flags, progress }, log);
    return [old, await outcomes(inputs, configs[1], { ...flags, progress }, log)] as const;
  };
  const [old, now] = await byBoth().finally(progress.done);
  const diff = diffOutcomes(old, now);
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(diffJson(diff, examples))}\n`
      : renderDiff(diff, examples, paintFor(process.stdout, process.env)),
  );
  if (inputs.kept !== undefined) tellPassedOver(inputs.kept.passedOver());
  await log.flush();
  return isDifferent(diff) ? exitCodes.found.code : exitCodes.ok.code;
}

async function outcomes(
  { recordings, kept }: Inputs,
  config: Config,
  flags: ReplayFlags & { progress: Progress },
  log: Log,
): Promise<Map<string, Outcome>> {
  const seen = new Map<string, Outcome>();
  const { pipeline, recall } = openReplayPipeline({
    config,
    log,
    deliver: false,
    state: flags.state,
    onFinding: (finding, sinks) => seen.set(finding.id, outcomeOf(finding, sinks, false)),
    onHidden(finding) {
      // What was told stays told, whatever became of a later exec of the same command.
      if (!seen.has(finding.id)) seen.set(finding.id, outcomeOf(finding, [], true));
    },
  });
  await replay(recordings, pipeline, [], {
    ...(flags.form !== undefined && { form: flags.form }),
    ...(kept !== undefined && { kept, recall }),
    json: true,
    progress: flags.progress,
    out: process.stdout,
    paint: paintFor(process.stdout, process.env),
    log,
  });
  return seen;
}

/** The first reading of kept findings looks which of them count. */
function twice(kept: KeptSource | undefined): string[] {
  return [...(kept?.paths ?? []), ...(kept?.paths ?? [])];
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, 'See lanner replay --help.');
}
