import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Several ports or hosts are tried. */
export const portRange: Indicator = {
  id: 'port_range',
  points: 25,
  hard: false,
  mitre: ['T1046'],
  title: 'Several ports or hosts',
  description:
    'A tool that is no scanner tries a range of ports or hosts, by its own arguments or in a loop of the shell.',
  evaluate({ invocation, relation, category }) {
    if (category === 'scanner' || category === 'raw' || category === 'sniffer' || category === 'dns')
      return undefined;
    const text = invocation.sweep?.text ?? relation?.sweep;
    if (text === undefined) return undefined;
    return { evidence: short(text), why: `it tries several ports or hosts (${short(text, 120)})` };
  },
  examples: {
    fires: [
      { run: 'nc -zvn -w1 10.0.0.5 1-1024' },
      { run: "bash -c 'for p in 22 80 443 3306; do echo > /dev/tcp/10.0.0.5/$p; done'" },
    ],
    silent: [{ run: 'nc -zv 10.0.0.5 5432' }, { run: 'nmap -p 1-1024 10.0.0.5' }],
  },
};
