import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const BY_ITSELF =
  /askpass|localcommand|^-z$|postrotate|--lua|script-args|knownhosts|interactive|^-F$|pager|editor|rcfile|use-askpass/i;
const SHELL_WORDS =
  /(?:^|[\s/;|&(])(?:ba|da|z|k|a|tc|c|fi)?sh(?:\s|$|[;|&])|[;<>&|]|\b(?:python|perl|ruby|php|busybox|curl|wget)\b/;

/** A helper option runs a program. */
export const runsProgram: Indicator = {
  id: 'runs_program',
  points: 35,
  hard: true,
  in_strings: true,
  mitre: ['T1218', 'T1059.004'],
  title: 'Helper option runs a program',
  description:
    'An option that exists for helpers runs a program: wget --use-askpass, ssh LocalCommand, a ProxyCommand or rsync -e with a shell in it, tcpdump -z. A way around restrictions.',
  evaluate({ invocation }) {
    const helper = invocation.attached.find(
      (entry) => !entry.on_socket && (BY_ITSELF.test(entry.option) || SHELL_WORDS.test(entry.program)),
    );
    if (!helper) return undefined;
    const text = `${helper.option} ${helper.program}`;
    return {
      evidence: short(text),
      why: `its option ${short(helper.option, 40)} runs ${short(helper.program, 120)}`,
    };
  },
  examples: {
    fires: [{ run: 'wget --use-askpass=/app/x 0' }, { run: "ssh -o 'ProxyCommand=;sh 0<&2 1>&2' x" }],
    silent: [
      { run: "ssh -o 'ProxyCommand=nc -X connect -x proxy:3128 %h %p' host.example.com" },
      { run: 'rsync -e ssh -a /app/ u@host.example.com:/app/' },
    ],
  },
};
