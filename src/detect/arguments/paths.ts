/** Paths in arguments, made absolute where the working directory is known. */

/** Joins and normalizes `.`, `..` and doubled slashes. Relative paths stay relative without a cwd. */
export function absolutePath(path: string, cwd: string | undefined): string {
  if (path === '' || path.startsWith('$') || path.startsWith('~')) return path;
  const joined = path.startsWith('/') || cwd === undefined ? path : `${cwd}/${path}`;
  const directory = joined.endsWith('/');
  const parts: string[] = [];
  const rooted = joined.startsWith('/');
  for (const part of joined.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !rooted) parts.push(part);
  }
  const body = (rooted ? '/' : '') + parts.join('/');
  return directory && !body.endsWith('/') ? `${body}/` : body || '.';
}

/** Places that swallow what is written: no download goes there. */
export function isSink(path: string): boolean {
  return path === '-' || path === '/dev/null' || isStdout(path) || path === '/dev/stderr';
}

/** Names of the standard output. */
export function isStdout(path: string): boolean {
  return path === '-' || path === '/dev/stdout' || path === '/dev/fd/1' || path === '/proc/self/fd/1';
}

/** A directory as downloads name it, with the closing slash. */
export function directoryPath(path: string, cwd: string | undefined): string {
  const absolute = absolutePath(path, cwd);
  return absolute.endsWith('/') ? absolute : `${absolute}/`;
}
