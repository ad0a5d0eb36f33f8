import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Serves files to whoever asks. */
export const adHocServer: Indicator = {
  id: 'ad_hoc_server',
  points: 35,
  hard: true,
  in_strings: true,
  mitre: ['T1048.003', 'T1105'],
  title: 'Ad-hoc file server',
  description:
    "A server started for a moment gives out files: python -m http.server, php -S, busybox httpd, pyftpdlib. As the container's own first process it is what the image is for and counts little.",
  evaluate({ invocation, own_process, server, resolution, tool }) {
    if (invocation.serves !== 'files') return undefined;
    const peer = invocation.peers.find((entry) => entry.role === 'listen');
    const where = invocation.listen
      ? `${invocation.listen.address || '*'}:${invocation.listen.port ?? ''}`
      : resolution.invoked_as;
    const small = (own_process && !server) || peer?.class === 'loopback';
    return {
      ...(small ? { points: 5, hard: false } : {}),
      evidence: short(`${tool.id} on ${where}`),
      why: `it gives out files to whoever asks (${short(where, 80)})`,
    };
  },
  examples: {
    fires: [
      { run: 'python3 -m http.server 8080 --directory /etc', by: ['bash'] },
      { run: 'php -S 0.0.0.0:8000', by: ['bash'] },
      { run: 'busybox httpd -f -p 8080 -h /', by: ['bash'] },
    ],
    silent: [{ run: 'python3 -m json.tool' }, { run: 'python3 -m http.client' }],
  },
};
