import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Runs from where images keep no programs. */
export const locUnusual: Indicator = {
  id: 'loc_unusual',
  points: 20,
  hard: false,
  mitre: ['T1036.005'],
  title: 'Executed from an unusual directory',
  description:
    "The tool lies outside the directories where images and package managers keep programs: /etc, /var/lib, /data, a home directory. The container's own first process does not count.",
  evaluate({ files, own_process }) {
    if (own_process) return undefined;
    const file = files.find((entry) => entry.role !== 'script' && entry.location.classes.includes('unusual'));
    return (
      file && {
        evidence: short(file.location.path),
        why: `the executed file ${short(file.location.path)} lies where images keep no programs`,
      }
    );
  },
  examples: {
    fires: [{ run: '/data/nc db 5432' }, { run: '/var/lib/mysql/nc db 5432' }],
    silent: [{ run: '/usr/local/bin/nc db 5432' }, { run: '/cloudflared tunnel run', by: [] }],
  },
};
