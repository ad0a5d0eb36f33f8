import { statSync } from 'node:fs';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { Finding } from '../model/finding.ts';
import type { Intake, SourceCounts, StateFacts } from '../model/intake.ts';
import type { Pipeline } from '../pipeline.ts';
import { recordTaker } from '../sources/record-taker.ts';
import { type RecordingForm, readRecording } from '../sources/recording.ts';
import type { Log } from '../telemetry/log.ts';
import type { KeptSource } from './kept-files.ts';
import { openProgress, type Progress } from './progress.ts';
import { type Paint, renderFinding } from './terminal.ts';

export interface ReplayOptions {
  form?: RecordingForm;
  /** Findings and missed execs, whose execs are judged again after the recordings. */
  kept?: KeptSource;
  /** What memory knew of an exec that is judged again. */
  recall?: (event: ExecEvent, facts: StateFacts) => void;
  json: boolean;
  /** Told of all that is read; whoever opened it ends it. */
  progress?: Progress;
  out: { write(text: string): boolean; once(event: 'drain', listener: () => void): void };
  paint: Paint;
  log: Log;
}

/** Numbers of one replay: the last line of its output. */
export interface ReplaySummary {
  messages: number;
  execs: number;
  container_execs: number;
  findings: number;
  unreadable: number;
  /** Execs that stood in several places, or in several revisions, and were judged once. */
  repeats?: number;
}

/**
 * Reads recordings one after the other, then the execs in findings, through the pipeline, and writes what it
 * finds. `findings` collects what the pipeline's `onFinding` hears; the caller wires both. Throws LannerError
 * for a file that cannot be read.
 */
export async function replay(
  files: readonly string[],
  pipeline: Pipeline,
  findings: Finding[],
  options: ReplayOptions,
): Promise<ReplaySummary> {
  const intake = pipeline.intake('replay');
  for (const file of files) if (file !== '-') demand(file);
  const bar = options.progress ?? openProgress({ unit: 'events', terminal: undefined });
  let found = 0;
  let full: Promise<void> | undefined;
  const flush = () => {
    for (const finding of findings.splice(0)) {
      found += 1;
      const text = options.json
        ? `${JSON.stringify(finding)}\n`
        : `${renderFinding(finding, options.paint)}\n`;
      if (!options.out.write(text)) full ??= new Promise((resolve) => options.out.once('drain', resolve));
    }
  };
  for (const file of files) {
    await readRecording(file, {
      ...(options.form !== undefined && { form: options.form }),
      intake,
      taker: (form, shape) => {
        const take = recordTaker(form, shape, { source: 'replay', intake, log: options.log });
        return (message) => {
          take(message);
          bar.step();
          if (findings.length > 0) flush();
        };
      },
      onProgress: (bytes) => bar.at(file, bytes),
      pace: async () => {
        await full;
        full = undefined;
      },
    });
    await pipeline.idle();
    flush();
  }
  const judgeKept = async (source: KeptSource) => {
    for await (const kept of source.read((file, bytes) => bar.at(file, bytes))) {
      if ('facts' in kept && kept.facts !== undefined) options.recall?.(kept.exec, kept.facts);
      countKept(intake, kept.exec);
      bar.step();
      void intake.judge(kept.exec);
      flush();
      await full;
      full = undefined;
    }
    await pipeline.idle();
    flush();
  };
  if (options.kept !== undefined) await judgeKept(options.kept);
  return { ...summaryOf(intake.counts, found), ...passedOver(options.kept) };
}

function countKept({ counts }: Intake, exec: ExecEvent): void {
  counts.messages += 1;
  counts.execs += 1;
  if (exec.container !== undefined) counts.container_execs += 1;
}

function passedOver(source: KeptSource | undefined): Partial<ReplaySummary> {
  if (source === undefined) return {};
  const { skipped, repeats } = source.passedOver();
  return { ...(skipped > 0 && { unreadable: skipped }), ...(repeats > 0 && { repeats }) };
}

function summaryOf(counts: SourceCounts, findings: number): ReplaySummary {
  const { messages, execs, container_execs, unreadable } = counts;
  return { messages, execs, container_execs, findings, unreadable };
}

/** Before anything is read: the last of many files may be missing. */
function demand(file: string): void {
  try {
    statSync(file);
  } catch (error) {
    throw new LannerError('recording_missing', `${file}: ${messageOf(error)}`, 'Check the path.', {
      cause: error,
    });
  }
}
