import { createWriteStream } from 'node:fs';
import { PassThrough, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { loadConfig } from '../config.ts';
import { redactText } from '../detect/index.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import { type Intake, newSourceCounts } from '../model/intake.ts';
import { frameHead } from '../sources/framing.ts';
import { openSource } from '../sources/index.ts';
import type { RecordingShape } from '../sources/recording.ts';
import { messageRedactor } from '../sources/redact-recording.ts';
import { openLog } from '../telemetry/log.ts';
import { exitCodes } from './exit-codes.ts';
import { logOptions } from './run.ts';
import { stopSignal } from './signals.ts';

export interface RecordFlags {
  config: string;
  out: string;
  redact: boolean;
  messages?: string;
  seconds?: string;
  json?: boolean;
}

/** More than this waiting for the disk is dropped and counted: the stream itself is never paused. */
const MAX_BEHIND = 256 * 1024 * 1024;

/**
 * Taps a live source into a file that `replay` reads: length-delimited messages, or lines where the source
 * yields JSON. Ends by a signal, after `--messages` or after `--seconds`. Throws LannerError.
 */
export async function record(name: string, flags: RecordFlags): Promise<number> {
  const config = loadConfig(flags.config);
  const chosen = config.sources[name];
  if (chosen === undefined)
    throw new LannerError(
      'usage',
      `${flags.config}: there is no source ${JSON.stringify(name)}`,
      `Known: ${Object.keys(config.sources).join(', ')}`,
    );
  if (flags.json === true && flags.out === '-')
    throw new LannerError('usage', '--json and --out - both want standard output', 'Give --out a file.');
  const limit = positive(flags.messages, '--messages');
  const seconds = positive(flags.seconds, '--seconds');
  const log = openLog(logOptions(config));
  const abort = new AbortController();
  const file = openFile(flags.out);
  const counts = { written: 0, dropped: 0 };
  const sensor = chosen.type.startsWith('tetragon') ? 'tetragon' : 'falco';
  let redactor: ((message: Buffer) => Buffer | undefined) | undefined;
  const tap = (message: Buffer, shape: RecordingShape) => {
    if (counts.written >= limit) return;
    if (flags.redact) redactor ??= messageRedactor(sensor, shape, redactText);
    const kept = redactor === undefined ? message : redactor(message);
    if (kept === undefined || file.writable.writableLength > MAX_BEHIND) {
      counts.dropped += 1;
      return;
    }
    if (shape === 'frames') file.writable.write(frameHead(kept.length));
    file.writable.write(kept);
    if (shape === 'lines') file.writable.write('\n');
    counts.written += 1;
    if (counts.written >= limit) abort.abort();
  };
  const source = openSource(name, chosen, { log, tap });
  const timer = Number.isFinite(seconds) ? setTimeout(() => abort.abort(), seconds * 1000) : undefined;
  void stopSignal().then(() => abort.abort());
  file.done.catch(() => abort.abort());
  try {
    await source.run(idleIntake(), abort.signal);
    file.writable.end();
    await file.done;
  } catch (error) {
    if (error instanceof LannerError) throw error;
    throw new LannerError(
      'recording_unreadable',
      `${flags.out}: ${messageOf(error)}`,
      'Check the path and the disk.',
      {
        cause: error,
      },
    );
  } finally {
    clearTimeout(timer);
    log.info('recorded', { source: name, out: flags.out, messages: counts.written, dropped: counts.dropped });
    await log.flush();
  }
  if (flags.json === true)
    process.stdout.write(
      `${JSON.stringify({ source: name, out: flags.out, messages: counts.written, dropped: counts.dropped })}\n`,
    );
  return exitCodes.ok.code;
}

function positive(text: string | undefined, option: string): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (value > 0) return value;
  throw new LannerError('usage', `${option} ${text}: a positive number was expected`, 'Correct it.');
}

function openFile(path: string): { writable: Writable; done: Promise<void> } {
  const writable = new PassThrough();
  const target = path === '-' ? process.stdout : createWriteStream(path, { mode: 0o600 });
  const done = path.endsWith('.gz') ? pipeline(writable, createGzip(), target) : pipeline(writable, target);
  return { writable, done };
}

/** Takes nothing in: only the tap is of interest. */
export function idleIntake(): Intake {
  return {
    counts: newSourceCounts(),
    interest: { path: () => false, text: () => false, exec: () => false },
    processes: { put: () => true, putPieces: () => true, touch: () => true, exit() {}, get: () => undefined },
    recent: { exec() {}, alert() {} },
    offer: () => true,
    judge: () => undefined,
    alert() {},
    unreadable() {},
  };
}
