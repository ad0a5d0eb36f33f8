import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Runs from a hidden directory. */
export const locHidden: Indicator = {
  id: 'loc_hidden',
  points: 15,
  hard: false,
  mitre: ['T1564.001'],
  title: 'Executed from a hidden path',
  description:
    'A component of the path starts with a dot or ends with a blank. Directories of version managers and editors do not count.',
  evaluate({ files }) {
    const file = files.find((entry) => entry.location.classes.includes('hidden'));
    return (
      file && {
        evidence: short(file.location.path),
        why: `the executed file ${short(file.location.path)} is hidden`,
      }
    );
  },
  examples: {
    fires: [{ run: '/opt/.x/nc db 5432' }, { run: '/tmp/.../nc db 5432' }],
    silent: [{ run: '/root/.cargo/bin/xh http://api.example.com/' }, { run: '/usr/bin/nc db 5432' }],
  },
};
