import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LannerError } from '../../lib/errors.ts';

const fileName = 'pid';

/** What a second Lanner is told. */
export function locked(directory: string): LannerError {
  return new LannerError(
    'store_locked',
    `${directory} is used by another Lanner${holderOf(directory)}`,
    'Stop that one, or give this one a state_dir of its own.',
  );
}

/** For that text. Throws where nothing can be written. */
export function writePid(directory: string): void {
  writeFileSync(join(directory, fileName), `${process.pid}\n`);
}

function holderOf(directory: string): string {
  try {
    return ` (process ${readFileSync(join(directory, fileName), 'utf8').trim()})`;
  } catch {
    return '';
  }
}
