import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Outcome, Parcel, Sink } from '../../model/delivery.ts';
import { lannerBody } from '../formats/lanner.ts';
import type { SinkDeps } from './http/sink.ts';

/** Section `sinks.<name>` of type stdout. */
export const stdoutSinkSchema = z.strictObject({ type: z.literal('stdout') });
/** Section `sinks.<name>` of type file. */
export const fileSinkSchema = z.strictObject({
  type: z.literal('file'),
  path: z.string().min(1).describe('JSON lines are appended here'),
  max_bytes: z
    .number()
    .int()
    .min(4_096)
    .default(100 * 2 ** 20)
    .describe('then the file is rotated'),
  max_files: z.number().int().min(1).max(1000).default(5).describe('files kept, the current one included'),
});
/** What is read from that section, defaults filled in. */
export type FileSinkConfig = z.infer<typeof fileSinkSchema>;

/** How often it is looked whether someone else has rotated the file. */
const lookMs = 5_000;

/** One JSON object for each line: findings and notices as the `lanner` format has them, relayed bodies as text. */
function lineOf(parcel: Parcel): string {
  if ('relay' in parcel)
    return `${Buffer.from(parcel.relay.body_base64, 'base64')
      .toString('utf8')
      .replace(/\s*\n\s*/g, ' ')}\n`;
  const all = 'batch' in parcel ? parcel.batch : [parcel];
  return all.map((each) => `${JSON.stringify(lannerBody(each))}\n`).join('');
}

/** JSON lines on standard output, for log shippers. */
export function openStdoutSink(name: string, stream: NodeJS.WritableStream = process.stdout): Sink {
  return {
    name,
    type: 'stdout',
    conduct: { concurrency: 1 },
    send: (parcel) =>
      new Promise<Outcome>((resolve) => {
        const failed = (error: Error) =>
          resolve({ kind: 'retry', reason: 'io_error', detail: messageOf(error) });
        stream.once('error', failed);
        stream.write(lineOf(parcel), (error) => {
          stream.off('error', failed);
          if (error) failed(error);
          else resolve({ kind: 'delivered' });
        });
      }),
    async close() {},
  };
}

/**
 * JSON lines in a file, rotated by size: `path`, `path.1` (newest) and so on. A file that someone else moved or
 * removed is begun anew. Delivered means: handed to the operating system.
 */
export function openFileSink(name: string, config: FileSinkConfig, { clock }: SinkDeps): Sink {
  let file: { handle: FileHandle; ino: number; size: number } | undefined;
  let looked = 0;

  async function current(): Promise<{ handle: FileHandle; ino: number; size: number }> {
    if (file && clock.now() - looked >= lookMs) {
      looked = clock.now();
      const there = await stat(config.path).catch(() => undefined);
      if (there?.ino !== file.ino) await shut();
    }
    if (file) return file;
    await mkdir(dirname(config.path), { recursive: true });
    const handle = await open(config.path, 'a', 0o640);
    const { ino, size } = await handle.stat();
    looked = clock.now();
    file = { handle, ino, size };
    return file;
  }

  async function shut(): Promise<void> {
    const closing = file;
    file = undefined;
    await closing?.handle.close();
  }

  async function rotate(): Promise<void> {
    await shut();
    await rm(`${config.path}.${config.max_files - 1}`, { force: true });
    for (let index = config.max_files - 2; index >= 0; index--) {
      const from = index === 0 ? config.path : `${config.path}.${index}`;
      if (config.max_files === 1) await rm(from, { force: true });
      else await rename(from, `${config.path}.${index + 1}`).catch(ignoreMissing);
    }
    if (config.max_files === 1) await rm(config.path, { force: true });
  }

  return {
    name,
    type: 'file',
    // One at a time: lines of two attempts must not mix.
    conduct: { concurrency: 1 },
    async send(parcel) {
      const line = Buffer.from(lineOf(parcel));
      try {
        let open = await current();
        if (open.size > 0 && open.size + line.length > config.max_bytes) {
          await rotate();
          open = await current();
        }
        const { bytesWritten } = await open.handle.write(line);
        open.size += bytesWritten;
        if (bytesWritten === line.length) return { kind: 'delivered' };
        return { kind: 'retry', reason: 'io_error', detail: `wrote ${bytesWritten} of ${line.length} bytes` };
      } catch (error) {
        await shut().catch(() => {});
        return { kind: 'retry', reason: 'io_error', detail: messageOf(error) };
      }
    },
    close: shut,
  };
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
