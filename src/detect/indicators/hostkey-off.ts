import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Trusts any host. */
export const hostkeyOff: Indicator = {
  id: 'hostkey_off',
  points: 20,
  hard: false,
  mitre: ['T1021.004'],
  title: 'Host key checking is off',
  description:
    'ssh and its kin take any host key (StrictHostKeyChecking=no). Ansible does so too, where the image says so.',
  evaluate({ invocation, category, tool }) {
    const ssh = category === 'remote_shell' || category === 'tunnel' || category === 'file_transfer';
    const setting = invocation.unchecked.find((entry) => /hostkey|known_?hosts/i.test(entry));
    if (!ssh || setting === undefined || tool.id === 'rclone') return undefined;
    return { evidence: short(setting), why: `it takes any host key (${short(setting, 80)})` };
  },
  examples: {
    fires: [{ run: 'ssh -o StrictHostKeyChecking=no u@host.example.com' }],
    silent: [{ run: 'ssh u@host.example.com' }, { run: 'curl -k https://api.example.com/' }],
  },
};
