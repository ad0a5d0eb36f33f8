import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LannerError, messageOf } from '../lib/errors.ts';
import { Walk, WireError } from '../lib/wire.ts';
import type { Intake } from '../model/intake.ts';
import { type FrameReader, frames, lines } from './framing.ts';

/** Which sensor's messages a recording holds. */
export type RecordingForm = 'tetragon' | 'falco';
/** How they are written: length-delimited protobuf, or one JSON document a line. */
export type RecordingShape = 'frames' | 'lines';

/** Takes one message of a recording: counts, remembers, judges. */
export type TakeRecord = (message: Buffer) => void;

export interface ReadOptions {
  /** Told by the caller; without it the first bytes decide. */
  form?: RecordingForm;
  /** A longer message is skipped and counted, so that a hostile length costs no memory. */
  maxMessageBytes?: number;
  /** How a message of this form and shape is taken, once both are known. */
  taker: (form: RecordingForm, shape: RecordingShape) => TakeRecord;
  /** Where drops of the reader itself are counted. */
  intake: Pick<Intake, 'counts' | 'unreadable'>;
  /** Bytes of the file that were read so far. */
  onProgress?: (bytes: number) => void;
  /** Awaited after each chunk of the file: back-pressure of whoever takes the messages. */
  pace?: () => Promise<void>;
  signal?: AbortSignal;
}

const MAX_MESSAGE = 16 * 1024 * 1024;

/**
 * Reads a recording to its end: `-` is standard input; gzip is told by its first bytes, the shape and form by
 * what follows. A file cut in the middle of a message gives all messages before the cut. Throws LannerError
 * `recording_missing`, `recording_unreadable`, `recording_form`.
 */
export async function readRecording(path: string, options: ReadOptions): Promise<void> {
  const maxBytes = options.maxMessageBytes ?? MAX_MESSAGE;
  let reader: FrameReader | undefined;
  let head = Buffer.alloc(0);
  const start = (bytes: Buffer): FrameReader => {
    const shape = shapeOf(bytes);
    const form = options.form ?? sniff(bytes, shape);
    if (form === undefined)
      throw new LannerError(
        'recording_form',
        `${path}: neither Tetragon's nor Falco's messages are recognised in it`,
        'Name the sensor with --form tetragon or --form falco.',
      );
    const take = options.taker(form, shape);
    const oversized = (length: number) => {
      options.intake.counts.messages += 1;
      options.intake.unreadable(
        'oversized',
        `a message of ${length} bytes is above the bound of ${maxBytes}`,
      );
    };
    return (shape === 'lines' ? lines : frames)(maxBytes, take, oversized);
  };
  try {
    for await (const chunk of readBytes(path, options)) {
      if (reader === undefined) {
        head = Buffer.concat([head, chunk]);
        if (head.length < 256 * 1024) continue;
        reader = start(head);
        reader.push(head);
      } else reader.push(chunk);
      await options.pace?.();
    }
  } catch (error) {
    if (error instanceof LannerError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT')
      throw new LannerError('recording_missing', `${path} does not exist`, 'Check the path.', {
        cause: error,
      });
    // What was read before a damaged gzip block ends counts; the rest is said to be lost.
    if (!code?.startsWith('Z_'))
      throw new LannerError('recording_unreadable', `${path}: ${messageOf(error)}`, 'Check the file.', {
        cause: error,
      });
    options.intake.unreadable('truncated_recording', `the gzip stream is damaged: ${messageOf(error)}`);
  }
  if (reader === undefined && head.length > 0) {
    reader = start(head);
    reader.push(head);
  }
  const left = reader?.end() ?? 0;
  if (left > 0)
    options.intake.unreadable(
      'truncated_recording',
      `the recording ends inside a message (${left} bytes left)`,
    );
}

/** A coded error for a file that cannot be read. */
export function fileError(path: string, error: unknown): LannerError {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new LannerError(
    missing ? 'recording_missing' : 'recording_unreadable',
    missing ? `${path} does not exist` : `${path}: ${messageOf(error)}`,
    missing ? 'Check the path.' : 'Check the file and who may read it.',
    { cause: error },
  );
}

/** The bytes of a file (`-`: standard input), unpacked if they are gzipped. Throws what reading throws. */
export async function* readBytes(
  path: string,
  options: Pick<ReadOptions, 'signal' | 'onProgress'> = {},
): AsyncGenerator<Buffer> {
  const raw = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 });
  let bytes = 0;
  const counted = async function* () {
    for await (const chunk of raw as AsyncIterable<Buffer>) {
      if (options.signal?.aborted) return;
      bytes += chunk.length;
      options.onProgress?.(bytes);
      yield chunk;
    }
  };
  const source = counted();
  const first = await source.next();
  if (first.done) return;
  const rest = async function* () {
    yield first.value;
    yield* source;
  };
  const zipped = first.value[0] === 0x1f && first.value[1] === 0x8b;
  if (!zipped) {
    yield* rest();
    return;
  }
  const gunzip = createGunzip();
  pipeline(Readable.from(rest(), { objectMode: false }), gunzip, () => {});
  yield* gunzip as AsyncIterable<Buffer>;
}

/** A JSON line begins with a brace after white space; the length before a message has a zero in its first byte. */
function shapeOf(bytes: Buffer): RecordingShape {
  for (const byte of bytes) {
    if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) continue;
    return byte === 0x7b ? 'lines' : 'frames';
  }
  return 'lines';
}

function sniff(bytes: Buffer, shape: RecordingShape): RecordingForm | undefined {
  if (shape === 'frames') return sniffFrames(bytes);
  const text = bytes.toString('latin1');
  if (/"output_fields"\s*:|"rule"\s*:/.test(text)) return 'falco';
  return /"process_(?:exec|exit|kprobe|tracepoint|loader|uprobe|lsm|throttle)"\s*:|"node_name"\s*:/.test(text)
    ? 'tetragon'
    : undefined;
}

/** Falco's message has its rule in field 4 and its output in field 5; Tetragon's has the node in field 1000. */
function sniffFrames(bytes: Buffer): RecordingForm | undefined {
  let found: RecordingForm | undefined;
  const reader = frames(
    MAX_MESSAGE,
    (message) => {
      found ??= formOf(message);
    },
    () => {},
  );
  reader.push(bytes);
  return found;
}

function formOf(message: Buffer): RecordingForm | undefined {
  const seen = new Set<number>();
  try {
    const walk = new Walk(message);
    while (walk.next()) seen.add(walk.field);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
  if (seen.has(1000) || seen.has(1001)) return 'tetragon';
  return seen.has(1) && (seen.has(4) || seen.has(5)) && [...seen].every((field) => field <= 9)
    ? 'falco'
    : undefined;
}
