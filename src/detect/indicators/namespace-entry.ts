import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Enters the host. */
export const namespaceEntry: Indicator = {
  id: 'namespace_entry',
  points: 40,
  hard: true,
  mitre: ['T1611'],
  title: "Enters the host's namespaces or root",
  description: 'The tool is started through nsenter into process 1, or through chroot into a mounted host.',
  evaluate({ resolution, process }) {
    if (resolution.enters === undefined) return undefined;
    const text = process.arguments ?? process.argv.slice(1).join(' ');
    const host =
      (resolution.enters === 'nsenter' && /(?:-t\s*|--target[= ])1\b/.test(text)) ||
      (resolution.enters === 'chroot' &&
        /(?:^|\s)\/(?:host|hostfs|rootfs|mnt\/(?:host|root)|proc\/1\/root)(?:\/|\s|$)/.test(text));
    if (!host) return undefined;
    return {
      evidence: short(`${resolution.enters} ${text}`),
      why: `${resolution.enters} starts it in the host's namespaces or root`,
    };
  },
  examples: {
    fires: [
      { run: 'nsenter -t 1 -m -n curl http://files.example.com/x' },
      { run: 'chroot /host curl http://files.example.com/x' },
    ],
    silent: [
      { run: 'nsenter -t 4242 -n curl http://files.example.com/x' },
      { run: 'curl http://files.example.com/x' },
    ],
  },
};
