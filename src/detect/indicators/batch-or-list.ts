import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** What it will ask for stands elsewhere. */
export const batchOrList: Indicator = {
  id: 'batch_or_list',
  points: 20,
  hard: false,
  mitre: ['T1027'],
  title: 'Targets from a file, standard input or a list',
  description:
    'The targets do not stand in the arguments: dig -f, wget -i, curl -K (35, since an HTTP request can be hidden whole), xargs, or a loop that reads names.',
  evaluate({ invocation, resolution, relation, category }) {
    if (category === 'scanner' || category === 'tunnel') return undefined;
    const hidden = invocation.hidden_targets[0];
    if (hidden !== undefined) {
      const points = category === 'http' ? 35 : 20;
      return {
        points,
        evidence: short(hidden),
        why: `its targets stand in a file or come from standard input (${short(hidden, 120)})`,
      };
    }
    const query = invocation.queries.find((entry) => entry.data_driven);
    if (resolution.data_driven) return { evidence: 'xargs', why: 'its arguments are filled in from a list' };
    if (relation?.data_loop !== undefined)
      return {
        evidence: short(relation.data_loop),
        why: `it is repeated over data (${short(relation.data_loop, 120)})`,
      };
    if (category === 'dns' && relation?.sweep !== undefined)
      return {
        evidence: short(relation.sweep),
        why: `it is repeated over a list (${short(relation.sweep, 120)})`,
      };
    return query?.name === '-' ? { evidence: '-', why: 'its queries come from standard input' } : undefined;
  },
  examples: {
    fires: [
      { run: 'curl -sK /tmp/.c' },
      { run: 'wget -i -' },
      { run: 'dig -f /app/names' },
      { run: 'xargs -I{} nslookup {}.d.example' },
    ],
    silent: [{ run: 'curl -s http://api.example.com/' }, { run: 'dig www.example.com' }],
  },
};
