import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { LannerError, messageOf } from '../../lib/errors.ts';
import type { Intake, Source } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import { wait } from '../backoff.ts';
import { trackConnection } from '../connection.ts';
import { type FrameReader, lines } from '../framing.ts';
import { exportLines, lineDecoder } from './export.ts';

export const tetragonFileSchema = z.strictObject({
  type: z.literal('tetragon_file'),
  path: z
    .string()
    .default('/var/run/cilium/tetragon/tetragon.log')
    .describe("Tetragon's export file. Its default filters leave out host and kube-system events"),
  from: z
    .enum(['end', 'start'])
    .default('end')
    .describe('where to begin in the file that is there at start; later files are read from their start'),
  poll_ms: z.int().min(10).default(250),
  max_message_bytes: z
    .int()
    .min(64 * 1024)
    .default(16 * 1024 * 1024),
});
export type TetragonFileConfig = z.infer<typeof tetragonFileSchema>;

const CHUNK = 256 * 1024;

/** Where a source of the same name stopped reading, for the one that takes its place. */
export interface FileBookmark {
  /** Bytes of whole lines that were read of the file with this inode. */
  at?: { path: string; inode: number; position: number };
}

/**
 * Follows an export file as `tail -F` does: through rotation (another file under the same name; the old one is
 * read to its end first) and truncation (it became shorter than what was read). A file that is not there yet
 * is waited for. When it is stopped it reads what is there; with a bookmark it begins where that was left.
 */
export function openTetragonFile(
  name: string,
  config: TetragonFileConfig,
  deps: { log: Log; now?: () => number; tap?: (line: Buffer) => void; bookmark?: FileBookmark | undefined },
): Source {
  const connection = trackConnection(name, 'tetragon_file', { log: deps.log, now: deps.now ?? Date.now });

  async function run(intake: Intake, signal: AbortSignal): Promise<void> {
    const take = exportLines(intake, lineDecoder(name, intake.processes));
    const onLine = (line: Buffer) => {
      deps.tap?.(line);
      take(line);
    };
    let following: Following | undefined;
    let first = true;
    while (!signal.aborted) {
      try {
        following ??= await begin(
          config.path,
          first ? (deps.bookmark?.at ?? config.from) : 'start',
          lineReader(config, intake, onLine),
        );
        if (connection.health().state !== 'ok') connection.up(intake.counts);
        first = false;
        const read = await advance(following);
        if (read === 0 && (await replaced(config.path, following))) {
          await advance(following);
          await finish(following);
          following = undefined;
          continue;
        }
        if (read < CHUNK) await wait(config.poll_ms, signal);
      } catch (error) {
        await finish(following);
        following = undefined;
        first = false;
        connection.down(intake.counts, fileError(config.path, error));
        await wait(config.poll_ms, signal);
      }
    }
    await leave(following);
    connection.stopped();
  }

  async function leave(following: Following | undefined): Promise<void> {
    if (following === undefined) return;
    await readRest(following).catch(() => undefined);
    if (deps.bookmark === undefined) return finish(following);
    // An unfinished line is read by whoever goes on from here.
    deps.bookmark.at = { path: config.path, inode: following.inode, position: following.whole };
    await following.handle.close();
  }
  return { name, type: 'tetragon_file', run, health: connection.health };
}

interface Following {
  handle: FileHandle;
  inode: number;
  position: number;
  /** Where the line begins of which the end has not been read. */
  whole: number;
  reader: FrameReader;
  buffer: Buffer;
}

function lineReader(
  config: TetragonFileConfig,
  intake: Intake,
  onLine: (line: Buffer) => void,
): () => FrameReader {
  return () =>
    lines(config.max_message_bytes, onLine, (length) => {
      intake.counts.messages += 1;
      intake.unreadable('oversized', `a line of ${length} bytes`);
    });
}

async function begin(
  path: string,
  from: 'start' | 'end' | NonNullable<FileBookmark['at']>,
  reader: () => FrameReader,
): Promise<Following> {
  const handle = await open(path, 'r');
  const { ino, size } = await handle.stat();
  const position = positionIn({ path, inode: ino, size }, from);
  return { handle, inode: ino, position, whole: position, reader: reader(), buffer: Buffer.alloc(CHUNK) };
}

/** A bookmark in another file means that this one came later: it is read from its start. */
function positionIn(
  file: { path: string; inode: number; size: number },
  from: Parameters<typeof begin>[1],
): number {
  if (from === 'start') return 0;
  if (from === 'end' || from.path !== file.path) return file.size;
  return from.inode === file.inode && from.position <= file.size ? from.position : 0;
}

/** What stands there by now; what is written meanwhile is the next one's. */
async function readRest(following: Following): Promise<void> {
  const { size } = await following.handle.stat();
  while (following.position < size) if ((await advance(following)) === 0) return;
}

/** Reads what is new, at most one chunk; starts over where the file was truncated. */
async function advance(following: Following): Promise<number> {
  const { size } = await following.handle.stat();
  if (size < following.position) {
    following.position = 0;
    following.whole = 0;
    following.reader.end();
  }
  const { bytesRead } = await following.handle.read(following.buffer, 0, CHUNK, following.position);
  const chunk = following.buffer.subarray(0, bytesRead);
  const lineEnd = chunk.lastIndexOf(10);
  if (lineEnd >= 0) following.whole = following.position + lineEnd + 1;
  following.position += bytesRead;
  following.reader.push(Buffer.from(chunk));
  return bytesRead;
}

/** True if the name leads to another file now. */
async function replaced(path: string, following: Following): Promise<boolean> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return false;
  const { ino } = await handle.stat();
  await handle.close();
  return ino !== following.inode;
}

async function finish(following: Following | undefined): Promise<void> {
  following?.reader.end();
  await following?.handle.close();
}

function fileError(path: string, error: unknown): LannerError {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new LannerError(
    missing ? 'recording_missing' : 'recording_unreadable',
    missing ? `${path} does not exist` : `${path}: ${messageOf(error)}`,
    missing
      ? 'Check the path, and that the agent exports to a file (exportFilename, exportDirectory).'
      : 'Check the file and who may read it.',
    { cause: error },
  );
}
