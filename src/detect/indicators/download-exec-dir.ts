import { absolutePath } from '../arguments/paths.ts';
import type { Context } from '../context.ts';
import { isHidden, normalizePath } from '../location.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const SYSTEM_DIRECTORY = /^\/(?:bin|sbin|usr\/(?:local\/)?s?bin|lib|lib64|usr\/lib|etc|boot)\//;

/** Everything the exec writes, with the path made absolute. */
export function written(context: Context): { path: string; url?: string }[] {
  const { invocation, relation, process } = context;
  const files = invocation.downloads.map((download) => ({
    path: download.path,
    ...(download.url === undefined ? {} : { url: download.url }),
  }));
  if (relation?.stdout_file !== undefined && invocation.downloads.length === 0) {
    files.push({ path: absolutePath(relation.stdout_file, process.cwd) });
  }
  return files;
}

/** Downloads into a place programs are run from. */
export const downloadExecDir: Indicator = {
  id: 'download_exec_dir',
  points: 30,
  hard: false,
  mitre: ['T1105'],
  title: 'Download into a writable, system or hidden directory',
  description:
    'What is fetched is written to /tmp, /dev/shm and their like, into a directory of programs, or into a hidden one. The working directory counts where the tool writes there. /dev/null and standard output are no downloads.',
  evaluate(context) {
    for (const file of written(context)) {
      const path = normalizePath(file.path);
      const place = context.settings.locate(path, context.surroundings);
      const strong = place.classes.some(
        (name) =>
          name === 'world_writable' ||
          name === 'web_root' ||
          name === 'upload' ||
          name === 'volume' ||
          name === 'mount',
      );
      if (!strong && !SYSTEM_DIRECTORY.test(path) && !isHidden(path)) continue;
      return {
        evidence: short(path),
        why: `it writes ${file.url === undefined ? 'what it receives' : short(file.url, 160)} to ${short(path)}`,
      };
    }
    return undefined;
  },
  examples: {
    fires: [
      { run: 'curl -sSLo/tmp/x http://files.example.com/x' },
      { run: 'wget http://files.example.com/x', cwd: '/dev/shm' },
      { run: 'wget -q http://files.example.com/x -P /usr/local/bin' },
    ],
    silent: [
      { run: 'curl -o /dev/null http://files.example.com/x' },
      { run: 'wget -qO- http://files.example.com/x', cwd: '/tmp' },
      { run: 'wget http://files.example.com/x', cwd: '/app/cache' },
    ],
  },
};
