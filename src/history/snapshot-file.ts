import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';

/** A text that is kept over a restart, written now and then as a whole. */
export interface SnapshotFile {
  /** Undefined where there is none yet. Throws where it cannot be read. */
  read(): Promise<string | undefined>;
  /** What `make` gives is written some time later; calls until then are one. */
  save(make: () => string): void;
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface SnapshotFileParts {
  path: string;
  clock: Clock;
  /** Milliseconds from the first `save` to the write. */
  every_ms: number;
  /** Hears of a write that failed; the next one tries again. */
  failed: (reason: string) => void;
}

const MAX_BYTES = 64 * 2 ** 20;

/** The file is never half written: a new one takes its place. */
export function openSnapshotFile({ path, clock, every_ms, failed }: SnapshotFileParts): SnapshotFile {
  let waiting: (() => string) | undefined;
  let cancel: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(text: string): Promise<void> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
      await rename(`${path}.new`, path);
    } catch (error) {
      failed(messageOf(error));
    }
  }

  function flush(): void {
    cancel = undefined;
    const make = waiting;
    waiting = undefined;
    if (make === undefined) return;
    const text = make();
    writing = writing.then(() => write(text));
  }

  return {
    async read() {
      try {
        const { size } = await stat(path);
        if (size > MAX_BYTES) throw new Error(`${path} has ${size} bytes: it is none of ours`);
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    save(make) {
      waiting = make;
      cancel ??= clock.after(every_ms, flush);
    },
    async close() {
      cancel?.();
      flush();
      await writing;
    },
  };
}
