import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Asks for a whole zone. */
export const zoneTransfer: Indicator = {
  id: 'zone_transfer',
  points: 35,
  hard: true,
  in_strings: true,
  mitre: ['T1590.002', 'T1018'],
  title: 'Zone transfer',
  description: 'A name server is asked for a whole zone: AXFR or IXFR, host -l.',
  evaluate({ invocation }) {
    const query = invocation.queries.find((entry) => /^[AI]XFR/.test(entry.type));
    return (
      query && {
        evidence: `${query.type} ${short(query.name)}`,
        why: `it asks for the whole zone ${short(query.name, 120)} (${query.type})`,
      }
    );
  },
  examples: {
    fires: [{ run: 'dig axfr corp.example @10.0.0.2' }, { run: 'host -l corp.example 10.0.0.2' }],
    silent: [{ run: 'dig corp.example @10.0.0.2' }, { run: 'host corp.example' }],
  },
};
