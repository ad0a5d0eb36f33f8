import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** The file is gone. */
export const locDeleted: Indicator = {
  id: 'loc_deleted',
  points: 45,
  hard: true,
  mitre: ['T1070.004'],
  title: 'Executed from a deleted file',
  description: 'The executed file had no link left: it was removed before or while it ran.',
  evaluate({ files, process }) {
    const file = files.find((entry) => entry.location.classes.includes('deleted'));
    if (!file || process.file?.memfd) return undefined;
    return { evidence: short(file.path), why: `the executed file ${short(file.path)} is deleted` };
  },
  examples: {
    fires: [{ run: '/opt/x/socat TCP:db:443 -', file: { deleted: true } }],
    silent: [{ run: '/usr/bin/socat TCP:db:443 -' }],
  },
};
