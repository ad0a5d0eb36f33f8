import { describe, expect, it } from 'vitest';
import type { PeerClass } from '../../src/detect/invocation.ts';
import {
  classifyHost,
  expandGlob,
  fileNameOf,
  parsePeer,
  parseUrl,
  splitPort,
  urlPeer,
} from '../../src/detect/peers.ts';

const DESTINATIONS: [string, PeerClass, string?][] = [
  ['localhost', 'loopback', 'localhost'],
  ['LocalHost.', 'loopback', 'localhost'],
  ['127.0.0.1', 'loopback', '127.0.0.1'],
  ['127.0.0.53', 'loopback'],
  ['127.1', 'loopback', '127.0.0.1'],
  ['2130706433', 'loopback', '127.0.0.1'],
  ['0x7f.1', 'loopback', '127.0.0.1'],
  ['0x7f000001', 'loopback', '127.0.0.1'],
  ['0177.0.0.1', 'loopback', '127.0.0.1'],
  ['0', 'loopback', '0.0.0.0'],
  ['0.0.0.0', 'loopback'],
  ['::', 'loopback'],
  ['[::1]', 'loopback', '::1'],
  ['0:0:0:0:0:0:0:1', 'loopback', '::1'],
  ['::ffff:127.0.0.1', 'loopback', '::ffff:7f00:1'],
  ['[::ffff:7f00:1]', 'loopback'],
  ['::1%lo', 'loopback', '::1'],
  ['%6c%6fcalhost', 'loopback', 'localhost'],
  ['１２７．０．０．１', 'loopback', '127.0.0.1'],
  ['10.1.2.3', 'internal'],
  ['172.16.0.1', 'internal'],
  ['172.32.0.1', 'public_ip'],
  ['192.168.0.1', 'internal'],
  ['100.64.0.1', 'internal'],
  ['100.128.0.1', 'public_ip'],
  ['169.254.1.1', 'internal'],
  ['fd12::1', 'internal'],
  ['fe80::1%eth0', 'internal', 'fe80::1'],
  ['web', 'internal'],
  ['kubernetes.default', 'internal'],
  ['db.data.svc', 'internal'],
  ['db.data.svc.cluster.local', 'internal'],
  ['host.docker.internal', 'internal'],
  ['printer.local', 'internal'],
  ['db.my-namespace', 'internal'],
  ['169.254.169.254', 'metadata'],
  ['2852039166', 'metadata', '169.254.169.254'],
  ['0xA9FEA9FE', 'metadata', '169.254.169.254'],
  ['0251.0376.0251.0376', 'metadata', '169.254.169.254'],
  ['[::ffff:a9fe:a9fe]', 'metadata'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['FD00:0EC2:0:0:0:0:0:0254', 'metadata', 'fd00:ec2::254'],
  ['169.254.170.2', 'metadata'],
  ['169.254.170.23', 'metadata'],
  ['metadata.google.internal', 'metadata'],
  ['Metadata.Google.Internal.', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['192.0.0.192', 'metadata'],
  ['169.254.169.254.nip.io', 'metadata'],
  ['192.0.2.10', 'public_ip'],
  ['198.51.100.7', 'public_ip'],
  ['203.0.113.9', 'public_ip'],
  ['2001:db8::1', 'public_ip', '2001:db8::1'],
  ['evil.localhost.attacker.example', 'public_name'],
  ['127.0.0.1.x.example', 'public_name'],
  ['localhost.evil.example', 'public_name'],
  ['127.0.0.1.nip.io', 'public_name'],
  ['256.1.1.1', 'public_name'],
  ['1.2.3.4.5', 'public_name'],
  ['xn--bcher-kva.xn--p1ai', 'public_name'],
  ['$HOST', 'unknown'],
  ['{}', 'unknown'],
  ['`cat h`', 'unknown'],
  ['', 'unknown'],
];

describe('a host as a destination', () => {
  it.each(DESTINATIONS)('%s is %s', (text, expected, host) => {
    const found = classifyHost(text, 'connect');
    expect(found.class).toBe(expected);
    if (host !== undefined) expect(found.host).toBe(host);
  });
});

describe('a host as an address to listen on', () => {
  it.each([
    ['0.0.0.0', 'any'],
    ['::', 'any'],
    ['*', 'any'],
    ['', 'any'],
    ['0', 'any'],
    ['127.0.0.1', 'loopback'],
    ['localhost', 'loopback'],
    ['10.0.0.4', 'internal'],
  ])('%s is %s', (text, expected) => {
    expect(classifyHost(text, 'listen').class).toBe(expected);
  });
});

describe('a URL is read as curl and wget read it', () => {
  it.each<[string, PeerClass, string | undefined, string | undefined]>([
    ['http://localhost@198.51.100.1/', 'public_ip', '198.51.100.1', '80'],
    ['http://127.0.0.1:80@198.51.100.9:8000/m.sh', 'public_ip', '198.51.100.9', '8000'],
    ['http://a@b@203.0.113.9/', 'public_ip', '203.0.113.9', '80'],
    ['http://127.0.0.1@x.example@localhost/', 'public_name', 'x.example@localhost', '80'],
    ['http://203.0.113.9\\@127.0.0.1/', 'public_ip', '203.0.113.9', '80'],
    ['http://127.0.0.1.x.example/', 'public_name', '127.0.0.1.x.example', '80'],
    ['http://203.0.113.9/?q=localhost', 'public_ip', '203.0.113.9', '80'],
    ['http://localhost#@203.0.113.9/', 'loopback', 'localhost', '80'],
    ['http://2130706433/', 'loopback', '127.0.0.1', '80'],
    ['http://[::1]:8080/ready', 'loopback', '::1', '8080'],
    ['HTTPS://Example.COM./x', 'public_name', 'example.com', '443'],
    ['http:/localhost/x', 'loopback', 'localhost', '80'],
    ['localhost:8080/x', 'loopback', 'localhost', '8080'],
    ['localhost', 'loopback', 'localhost', '80'],
    ['user:pw@203.0.113.9', 'public_ip', '203.0.113.9', '80'],
    ['//203.0.113.9/x', 'public_ip', '203.0.113.9', '80'],
    ['ftp.example.com/x', 'public_name', 'ftp.example.com', '21'],
    ['gopher://10.0.0.1:6379/_x', 'internal', '10.0.0.1', '6379'],
    ['http://$HOST/x', 'unknown', undefined, '80'],
  ])('%s goes to %s', (text, expected, host, port) => {
    const peer = urlPeer(text, 'connect')!;
    expect(peer).toMatchObject({ text, class: expected });
    if (host?.includes('@') === false) expect(peer.host).toBe(host);
    expect(peer.port).toBe(port);
  });

  it('has no peer where it names a file', () => {
    expect(urlPeer('file:///etc/passwd', 'connect')).toBeUndefined();
    expect(parseUrl('file:///etc/passwd').path).toBe('/etc/passwd');
  });

  it('keeps the path with its query', () => {
    expect(urlPeer('http://h/a?b=c', 'connect')?.path).toBe('/a?b=c');
  });

  it('takes the file name from the path alone', () => {
    expect(fileNameOf(parseUrl('http://h/a/b.sh?x=/y'))).toBe('b.sh');
    expect(fileNameOf(parseUrl('http://h/a/'))).toBeUndefined();
  });
});

describe('curl globs', () => {
  it('expand braces and ranges', () => {
    expect(expandGlob('http://h/{a,b}/[1-2]').urls).toEqual([
      'http://h/a/1',
      'http://h/a/2',
      'http://h/b/1',
      'http://h/b/2',
    ]);
  });
  it('tell when hosts or ports vary', () => {
    expect(expandGlob('http://10.0.0.[1-254]/').varies_host).toBe(true);
    expect(expandGlob('http://10.0.0.5:[1-1024]/').varies_host).toBe(true);
    expect(expandGlob('http://10.0.0.5/[1-9]').varies_host).toBe(false);
  });
  it('leave IPv6 addresses alone', () => {
    expect(expandGlob('http://[::1]:80/').urls).toEqual(['http://[::1]:80/']);
  });
});

describe('host and port', () => {
  it.each([
    ['h:80', { host: 'h', port: '80' }],
    ['[::1]:80', { host: '::1', port: '80' }],
    ['::1', { host: '::1' }],
    ['h:', { host: 'h' }],
    ['[::1', { host: '::1' }],
  ])('%s splits', (text, expected) => {
    expect(splitPort(text)).toEqual(expected);
  });

  it('user and scheme are not the host', () => {
    expect(parsePeer('u@203.0.113.9:22', 'connect')).toMatchObject({
      host: '203.0.113.9',
      port: '22',
      class: 'public_ip',
    });
    expect(parsePeer('socks5://u:p@203.0.113.9:1080', 'proxy')).toMatchObject({
      host: '203.0.113.9',
      scheme: 'socks5',
      class: 'public_ip',
    });
  });
});
