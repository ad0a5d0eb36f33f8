import { lstatSync, readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files larger than this are none that we look for. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * The files of a host, below `root`. Paths are those the host itself uses. Nothing is executed, opened for writing
 * or connected to; what cannot be read is undefined, or empty.
 */
export interface Host {
  readonly root: string;
  read(path: string): string | undefined;
  /** Names in a folder, sorted. */
  list(path: string): string[];
  stat(path: string): Stats | undefined;
  isSocket(path: string): boolean;
  /** True if it is there and may not be read by this user. */
  isDenied(path: string): boolean;
  /** Where the path lies for this process. */
  real(path: string): string;
}

export function hostAt(root = '/'): Host {
  const real = (path: string) => (root === '/' ? path : join(root, path));
  function quiet<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch {
      return undefined;
    }
  }
  const stat = (path: string) => quiet(() => statSync(real(path)));
  return {
    root,
    real,
    stat,
    read(path) {
      const found = stat(path);
      if (found === undefined || !found.isFile() || found.size > MAX_BYTES) return undefined;
      return quiet(() => readFileSync(real(path), 'utf8'));
    },
    list: (path) => quiet(() => readdirSync(real(path)).sort()) ?? [],
    isSocket: (path) => quiet(() => lstatSync(realpathSync(real(path))).isSocket()) ?? false,
    isDenied(path) {
      try {
        readFileSync(real(path));
        return false;
      } catch (error) {
        return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
      }
    },
  };
}
