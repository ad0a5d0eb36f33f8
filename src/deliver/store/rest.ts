import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrations } from './schema.ts';

export const fileName = 'lanner.db';
const markName = 'clean';

/**
 * True if the directory has nothing that a start must look at: no store yet, or exactly the file that an orderly
 * end left with no delivery and no dead letter in it. Whatever wrote to the file since, or was killed while it did,
 * has changed its time or left its log beside it; a file of another version is looked at, too.
 */
export function isAtRest(directory: string): boolean {
  const state = stateOf(directory);
  try {
    return state === 'none' || readFileSync(join(directory, markName), 'utf8') === state;
  } catch {
    return false;
  }
}

/** After an orderly end: nothing waits in the store. A mark that could not be made costs the next start its rest. */
export function markAtRest(directory: string): void {
  const state = stateOf(directory);
  if (state === 'none' || state === undefined) return;
  try {
    writeFileSync(join(directory, markName), state);
  } catch {
    unmark(directory);
  }
}

/** Before the store is opened. */
export function unmark(directory: string): void {
  rmSync(join(directory, markName), { force: true });
}

/** What tells the file from any other and from itself after a write; undefined: not closed in order, or not ours to see. */
function stateOf(directory: string): string | 'none' | undefined {
  const file = join(directory, fileName);
  try {
    if (sizeOf(`${file}-wal`) > 0) return undefined;
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return 'none';
    return `version ${migrations.length} inode ${found.ino} size ${found.size} mtime ${found.mtimeNs}\n`;
  } catch {
    return undefined;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
