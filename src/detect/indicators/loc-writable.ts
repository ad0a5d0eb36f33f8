import { locationWords } from '../location.ts';
import { short, strongPlace } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Runs from a place image files do not live in. */
export const locWritable: Indicator = {
  id: 'loc_writable',
  points: 45,
  hard: true,
  mitre: ['T1036.005', 'T1036'],
  title: 'Executed from a writable directory',
  description:
    'The program (the wrapped one behind wrappers and loaders, the script behind interpreters) lies in /tmp, /dev/shm, /run, a web root, an upload directory or a writable volume. Places of known build tools count only where image or ancestor disagree.',
  evaluate({ files }) {
    for (const file of files) {
      const place = strongPlace(file.location.classes);
      if (place === undefined) continue;
      return {
        evidence: short(file.location.path),
        why: `the executed file ${short(file.location.path)} is in ${locationWords[place]}, where image files do not live`,
      };
    }
    return undefined;
  },
  examples: {
    fires: [
      { run: '/tmp/nc -nv 192.0.2.10 4444' },
      { run: '/lib64/ld-linux-x86-64.so.2 --library-path /x /tmp/nc db 5432' },
      { run: '/var/www/html/uploads/nc 192.0.2.10 443' },
      { run: '/data/x/socat - TCP:db:5432', mounts: [{ destination: '/data', type: 'emptyDir' }] },
    ],
    silent: [{ run: '/usr/bin/nc db 5432', cwd: '/tmp' }, { run: '/opt/tools/nc db 5432' }],
  },
};
