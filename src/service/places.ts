import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config.ts';

/** Where the store lives: as configured, else the system's place if it is ours to write, else the user's. */
export function stateDirectory(config: Pick<Config, 'state_dir'>): string {
  const system = '/var/lib/lanner';
  if (config.state_dir !== undefined) return config.state_dir;
  if (process.getuid?.() === 0 || isWritable(system)) return system;
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'lanner');
}

/** Where a running Lanner listens for commands. */
export function controlSocket(directory: string): string {
  return join(directory, 'control.sock');
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
