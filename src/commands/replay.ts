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
import { type Paint, renderFinding } from './terminal.ts';

export interface ReplayOptions {
  form?: RecordingForm;
  /** Findings and missed execs, whose execs are judged again after the recordings. */
  kept?: KeptSource;
  /** What memory knew of an exec that is judged again. */
  recall?: (event: ExecEvent, facts: StateFacts) => void;
  json: boolean;
  /** A terminal that a progress bar may be drawn on; absent: none. */
  progress?: { write(text: string): void };
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
  const bar = progressBar(files, options.progress);
  let found = 0;
  let full: Promise<void> | undefined;
  const flush = () => {
    for (const finding of findings.splice(0)) {
      found += 1;
      const text = options.json
        ? `${JSON.stringify(finding)}\n`
        : `${renderFinding(finding, options.paint)}\n`;
      if (!options.out.write(text)) full = new Promise((resolve) => options.out.once('drain', resolve));
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
      void intake.judge(kept.exec);
      flush();
      await full;
      full = undefined;
    }
    await pipeline.idle();
    flush();
  };
  if (options.kept !== undefined) await judgeKept(options.kept);
  bar.done();
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

function progressBar(files: readonly string[], terminal: ReplayOptions['progress']) {
  const sizes = new Map(files.map((file) => [file, file === '-' ? 0 : sizeOf(file)]));
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const seen = new Map<string, number>();
  let shown = -1;
  return {
    at(file: string, bytes: number) {
      if (terminal === undefined || total === 0) return;
      seen.set(file, bytes);
      const read = [...seen.values()].reduce((sum, size) => sum + size, 0);
      const percent = Math.min(100, Math.floor((read / total) * 100));
      if (percent === shown) return;
      shown = percent;
      const filled = Math.round(percent / 4);
      terminal.write(`\r[${'#'.repeat(filled)}${' '.repeat(25 - filled)}] ${String(percent).padStart(3)} %`);
    },
    done() {
      if (shown >= 0) terminal?.write('\r\u001b[K');
    },
  };
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw new LannerError('recording_missing', `${file}: ${messageOf(error)}`, 'Check the path.', {
      cause: error,
    });
  }
}
