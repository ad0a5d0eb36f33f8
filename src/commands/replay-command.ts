import { createDetector } from '../detect/index.ts';
import type { Finding } from '../model/finding.ts';
import { openReplayPipeline } from '../service.ts';
import type { RecordingForm } from '../sources/recording.ts';
import { openLog } from '../telemetry/log.ts';
import { configOrDefaults } from './defaults.ts';
import { exitCodes } from './exit-codes.ts';
import { replay } from './replay.ts';
import { logOptions } from './run.ts';
import { paintFor } from './terminal.ts';

export interface ReplayFlags {
  form?: RecordingForm;
  config?: string;
  json: boolean;
  deliver: boolean;
  state: boolean;
}

export async function replayCommand(files: string[], flags: ReplayFlags): Promise<number> {
  const config = configOrDefaults(flags.config);
  const log = openLog(logOptions(config));
  const findings: Finding[] = [];
  const { pipeline, drain } = openReplayPipeline({
    config,
    detector: createDetector(config.detect),
    log,
    deliver: flags.deliver,
    state: flags.state,
    onFinding: (finding) => findings.push(finding),
  });
  const summary = await replay(files, pipeline, findings, {
    ...(flags.form !== undefined && { form: flags.form }),
    json: flags.json,
    ...(process.stderr.isTTY && { progress: process.stderr }),
    out: process.stdout,
    paint: paintFor(process.stdout, process.env),
    log,
  });
  const left = await drain();
  if (flags.json) process.stdout.write(`${JSON.stringify({ summary })}\n`);
  else {
    const { messages, execs, container_execs, findings: found, unreadable } = summary;
    process.stdout.write(
      `${messages} messages, ${execs} execs (${container_execs} in containers), ${found} findings, ${unreadable} unreadable\n`,
    );
  }
  await log.flush();
  return left === 0 ? exitCodes.ok.code : exitCodes.undelivered.code;
}
