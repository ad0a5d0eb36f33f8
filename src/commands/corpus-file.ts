import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { LannerError, messageOf } from '../lib/errors.ts';

/**
 * Puts a line into a file of lines, in the place of the one that is the same, else at its end. Every other line
 * stays as it is, one that is no JSON too. The file is never half written, and of two who change it at once none
 * loses. Throws LannerError `usage` where it cannot be written.
 */
export function changeLines(
  file: string,
  line: string,
  isSame: (line: string) => boolean,
): { replaced: boolean; cases: number } {
  const unlock = lock(`${file}.lock`);
  try {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    const kept = lines.filter((one, i) => one !== '' || i < lines.length - 1);
    const at = kept.findIndex(isSame);
    const rest = kept.filter((one, i) => i <= at || at < 0 || !isSame(one));
    if (at < 0) rest.push(line);
    else rest[at] = line;
    writeWhole(file, `${rest.join('\n')}\n`);
    return { replaced: at >= 0, cases: rest.filter((one) => one.trim() !== '').length };
  } catch (error) {
    throw unwritable(file, error);
  } finally {
    unlock();
  }
}

/** Beside it first, then in its place. */
function writeWhole(file: string, text: string): void {
  const handle = openSync(`${file}.new`, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(`${file}.new`, file);
}

/** Tries to take the lock for two seconds. */
const TRIES = 40;
const PAUSE_MS = 50;

function lock(path: string): () => void {
  for (let tried = 0; ; tried += 1) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, error);
      if (isLeft(path)) rmSync(path, { force: true });
      else if (tried >= TRIES)
        throw new LannerError(
          'usage',
          `${path}: another process changes this file`,
          'Try again; remove the lock if no such process runs.',
        );
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}

/** Left by a process that was killed. */
function isLeft(path: string): boolean {
  try {
    process.kill(Number(readFileSync(path, 'utf8').trim() || process.pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function unwritable(file: string, error: unknown): LannerError {
  if (error instanceof LannerError) return error;
  return new LannerError('usage', `${file}: ${messageOf(error)}`, 'Check the path and who may write there.', {
    cause: error,
  });
}
