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

/**
 * Follows an export file as `tail -F` does: through rotation (another file under the same name; the old one is
 * read to its end first) and truncation (it became shorter than what was read). A file that is not there yet
 * is waited for.
 */
export function openTetragonFile(
  name: string,
  config: TetragonFileConfig,
  deps: { log: Log; now?: () => number; tap?: (line: Buffer) => void },
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
          first && config.from === 'end',
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
    await finish(following);
    connection.stopped();
  }
  return { name, type: 'tetragon_file', run, health: connection.health };
}

interface Following {
  handle: FileHandle;
  inode: number;
  position: number;
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

async function begin(path: string, atEnd: boolean, reader: () => FrameReader): Promise<Following> {
  const handle = await open(path, 'r');
  const { ino, size } = await handle.stat();
  return { handle, inode: ino, position: atEnd ? size : 0, reader: reader(), buffer: Buffer.alloc(CHUNK) };
}

/** Reads what is new, at most one chunk; starts over where the file was truncated. */
async function advance(following: Following): Promise<number> {
  const { size } = await following.handle.stat();
  if (size < following.position) {
    following.position = 0;
    following.reader.end();
  }
  const { bytesRead } = await following.handle.read(following.buffer, 0, CHUNK, following.position);
  following.position += bytesRead;
  following.reader.push(Buffer.from(following.buffer.subarray(0, bytesRead)));
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
