import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import { stateDirectory } from '../../service/places.ts';
import { type Check, error, ok, type Result, skipped, warn } from './check.ts';

const MiB = 1024 * 1024;
/** SQLite needs room beside the spool: its log, and the history. */
const spare = 64 * MiB;

export const stateDir: Check = {
  id: 'state_dir',
  run({ config }) {
    if (!config.durable)
      return [
        warn(
          'state',
          'durable: false: what waits to be delivered is lost with the process',
          'Leave `durable` out.',
        ),
      ];
    const folder = stateDirectory(config);
    const there = nearest(folder);
    return [writable(folder, there), room(there, config.spool.max_bytes)];
  },
};

function writable(folder: string, there: string): Result {
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (trouble) {
    return error(
      'state',
      `${folder} is not writable: ${messageOf(trouble)}`,
      'Give it to the user Lanner runs as, or set state_dir.',
    );
  }
  if (there !== folder) return ok('state', `${folder} will be made`);
  const { mode, uid } = statSync(folder);
  if ((mode & 0o077) !== 0)
    return warn(
      'state',
      `${folder} is open to others (mode ${(mode & 0o777).toString(8)})`,
      `It holds findings: chmod 700 ${folder}`,
    );
  return ok('state', `${folder} is writable, owner uid ${uid}`);
}

function room(there: string, spool: number): Result {
  try {
    const { bavail, bsize } = statfsSync(there);
    const free = bavail * bsize;
    const text = `${Math.floor(free / MiB)} MiB free for the spool (bound ${Math.ceil(spool / MiB)} MiB) and the history`;
    if (free < spare)
      return error('state', text, 'Make room: what is accepted could only be kept in memory.');
    if (free < spool + spare) return warn('state', text, 'Make room, or lower spool.max_bytes.');
    return ok('state', text);
  } catch (trouble) {
    return skipped('state', `the free space cannot be read: ${messageOf(trouble)}`);
  }
}

/** The folder, or the nearest above it that exists. */
export function nearest(folder: string): string {
  return existsSync(folder) || folder === '/' ? folder : nearest(dirname(folder));
}
