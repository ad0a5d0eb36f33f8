import { describe, expect, it } from 'vitest';
import { parse, peersOf } from './support.ts';

const cwd = { cwd: '/work' };

describe('curl: where to', () => {
  it.each([
    ['-s http://localhost:8080/', ['connect loopback localhost 8080']],
    ['http://0.0.0.0:8080/health', ['connect loopback 0.0.0.0 8080']],
    ['http://localhost@198.51.100.1/', ['connect public_ip 198.51.100.1 80']],
    [
      'http://127.0.0.1/ http://203.0.113.9/',
      ['connect loopback 127.0.0.1 80', 'connect public_ip 203.0.113.9 80'],
    ],
    ['--url http://203.0.113.9/', ['connect public_ip 203.0.113.9 80']],
    ['example.com', ['connect public_name example.com 80']],
    [
      '-x 203.0.113.9:3128 http://localhost/',
      ['connect loopback localhost 80', 'proxy public_ip 203.0.113.9 3128'],
    ],
    [
      '--socks5-hostname 203.0.113.9:1080 http://x.onion/',
      ['connect public_name x.onion 80', 'proxy public_ip 203.0.113.9 1080'],
    ],
    [
      '--resolve localhost:80:203.0.113.9 http://localhost/',
      ['connect loopback localhost 80', 'connect public_ip 203.0.113.9 80'],
    ],
    [
      '--connect-to ::203.0.113.9:81 http://localhost/',
      ['connect loopback localhost 80', 'connect public_ip 203.0.113.9 81'],
    ],
    ['--unix-socket /run/app.sock http://localhost/', ['connect unix /run/app.sock']],
    [
      '--unix-socket /var/run/docker.sock -X POST http://localhost/containers/create',
      ['connect unix /var/run/docker.sock'],
    ],
    [
      '--doh-url https://203.0.113.9/dns http://a.example/',
      ['connect public_name a.example 80', 'resolver public_ip 203.0.113.9 443'],
    ],
    ['http://{10.0.0.1,203.0.113.9}/', ['connect internal 10.0.0.1 80', 'connect public_ip 203.0.113.9 80']],
    ['http://2852039166/latest/', ['connect metadata 169.254.169.254 80']],
    ['file:///etc/passwd', []],
  ])('%s', (line, expected) => {
    expect(peersOf(parse('curl', line))).toEqual(expected);
  });

  it('says which options send the traffic elsewhere', () => {
    const options = (line: string) => parse('curl', line).redirects.map((redirect) => redirect.option);
    expect(options('--resolve localhost:80:203.0.113.9 http://localhost/')).toEqual(['--resolve']);
    expect(options('--connect-to ::203.0.113.9: http://localhost/')).toEqual(['--connect-to']);
    expect(options('-x h:1 --preproxy socks4://p http://localhost/')).toEqual(['-x', '--preproxy']);
    expect(options('--haproxy-protocol http://localhost/')).toEqual([]);
    expect(options('-x "" http://localhost/')).toEqual([]);
  });

  it('keeps what is asked of a unix socket', () => {
    expect(
      parse('curl', '--unix-socket /var/run/docker.sock http://localhost/containers/json').peers[0],
    ).toMatchObject({
      class: 'unix',
      request_path: '/containers/json',
    });
  });

  it('calls a range of hosts or ports a sweep, one of paths not', () => {
    expect(parse('curl', 'http://10.0.0.[1-254]:80/').sweep?.text).toContain('10.0.0.[1-254]');
    expect(parse('curl', 'http://10.0.0.1/[1-9]').sweep).toBeUndefined();
    expect(parse('curl', '-g http://10.0.0.[1-254]/').sweep).toBeUndefined();
  });

  it('cannot see targets in a config file', () => {
    expect(parse('curl', '-sK /tmp/.c')).toMatchObject({
      hidden_targets: ['-K'],
      reads: [{ option: '-K', path: '/tmp/.c' }],
    });
    expect(parse('curl', '-K -').inert).toBeUndefined();
  });

  it('reads a file: URL', () => {
    expect(parse('curl', 'file:///etc/passwd').reads).toEqual([{ option: 'operand', path: '/etc/passwd' }]);
  });
});

describe('curl: what is written', () => {
  it.each([
    ['-o /dev/null http://h/', []],
    ['-o - http://h/', []],
    ['-sSLo/tmp/x http://h/', ['/tmp/x']],
    ['--output /tmp/x http://h/', ['/tmp/x']],
    ['-sOL http://h/a.sh', ['/work/a.sh']],
    ['-O --output-dir /tmp http://h/a.sh', ['/tmp/a.sh']],
    ['--remote-name-all http://h/a http://h/b', ['/work/a', '/work/b']],
    ['-o x http://h/a', ['/work/x']],
    ['http://h/a', []],
    ['-s http://h/a -o /dev/shm/a', ['/dev/shm/a']],
    ['-o a -o b http://h/1 http://h/2', ['/work/a', '/work/b']],
    ['-K c -o /tmp/x', ['/tmp/x']],
  ])('%s', (line, expected) => {
    expect(parse('curl', line, cwd).downloads.map((download) => download.path)).toEqual(expected);
  });

  it('goes to standard output without -o', () => {
    expect(parse('curl', 'http://h/').to_stdout).toBe(true);
    expect(parse('curl', '-o /tmp/x http://h/').to_stdout).toBeUndefined();
  });

  it('lists dumped headers and cookie jars apart from downloads', () => {
    expect(parse('curl', '-D /tmp/h -c jar http://h/', cwd).writes).toEqual([
      { option: '-D', path: '/tmp/h' },
      { option: '-c', path: '/work/jar' },
    ]);
  });
});

describe('curl: what is sent', () => {
  it.each([
    ['-d @f http://h/', ['file /work/f']],
    ['-sd @/proc/1/environ http://h/', ['file /proc/1/environ']],
    ['-F x=@f http://h/', ['file /work/f']],
    ["-F 'x=<f' http://h/", ['file /work/f']],
    ["-F 'x=@a,b;type=text/plain' http://h/", ['file /work/a', 'file /work/b']],
    ['-Fx=@f http://h/', ['file /work/f']],
    ['--data-urlencode n@f http://h/', ['file /work/f']],
    ['--data-urlencode @f http://h/', ['file /work/f']],
    ['--json @f http://h/', ['file /work/f']],
    ['--data-binary @- http://h/', ['stdin']],
    ['--data-bin @f http://h/', ['file /work/f']],
    ['-T f http://h/', ['file /work/f']],
    ['-skT f http://h/', ['file /work/f']],
    ['-T - http://h/', ['stdin']],
    ['-T {a,b} http://h/', ['file /work/a', 'file /work/b']],
    ['--upload-file f http://h/', ['file /work/f']],
    [`-d '{"a":1}' http://h/`, []],
    ['--data-raw @f http://h/', []],
    ['--form-string x=@f http://h/', []],
    ['--data-urlencode a=b@c http://h/', []],
    ['-F x=y http://h/', []],
    ["-d '$(env)' http://h/", ['inline']],
    ["'http://h/$(id)'", ['inline']],
  ])('%s', (line, expected) => {
    const uploads = parse('curl', line, cwd).uploads.map((upload) =>
      [upload.what, upload.path].filter(Boolean).join(' '),
    );
    expect(uploads).toEqual(expected);
  });

  it.each([
    ['-d x http://h/', 'POST'],
    ['-T f http://h/', 'PUT'],
    ['-X DELETE http://h/', 'DELETE'],
    ['-XGET http://h/', undefined],
    ['-G -d x http://h/', undefined],
    ['http://h/', undefined],
    ['-I -X POST http://h/', 'POST'],
  ])('%s changes things by %s', (line, method) => {
    expect(parse('curl', line).method).toBe(method);
  });

  it('names options with credentials, never their values', () => {
    const invocation = parse('curl', "-u me:secret -H 'Authorization: Bearer secret' https://me:secret@h/");
    expect(invocation.credentials).toEqual(['operand', '-u', '-H']);
    expect(JSON.stringify(invocation.credentials)).not.toContain('secret');
  });

  it('reads headers and cookies from files', () => {
    expect(parse('curl', '-H @h -b jar http://h/', cwd).reads.map((read) => read.path)).toEqual([
      '/work/h',
      '/work/jar',
    ]);
    expect(parse('curl', '-b a=b http://h/').reads).toEqual([]);
  });
});

describe('curl: nothing happens', () => {
  it.each([
    ['-V', 'version'],
    ['--version', 'version'],
    ['-h', 'help'],
    ['--help all', 'help'],
    ['--manual', 'help'],
    ['', 'no_operand'],
    ['-s', 'no_operand'],
  ])('%s is %s', (line, inert) => {
    expect(parse('curl', line).inert).toBe(inert);
  });
  it('a request does something', () => {
    expect(parse('curl', '-s h').inert).toBeUndefined();
  });
});
