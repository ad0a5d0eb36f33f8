import { describe, expect, it } from 'vitest';
import { splitArguments } from '../../../src/sources/tetragon/arguments.ts';
import type { TetragonProcess } from '../../../src/sources/tetragon/message.ts';
import { normalizeMessage } from '../../../src/sources/tetragon/normalize.ts';

const docker = '0123456789abcdef0123456789abcde';

function normalize(process: TetragonProcess, parent?: TetragonProcess) {
  const event = normalizeMessage(
    {
      process_exec: {
        process: {
          exec_id: 'x',
          docker,
          flags: 'execve clone',
          start_time: '2026-01-02T03:04:05Z',
          ...process,
        },
        ...(parent !== undefined && { parent }),
      },
    },
    'test',
  );
  if (event === undefined) throw new Error('no event');
  return event;
}

describe('arguments as Tetragon joins them', () => {
  it.each([
    ['', false, [], 'exact'],
    ['-w 1 host 4444', false, ['-w', '1', 'host', '4444'], 'exact'],
    ['a  b', false, ['a', '', 'b'], 'exact'],
    ['-c "echo hello"', true, ['-c', 'echo hello'], 'split'],
    [' "a b" c"d', false, ['a b', 'c"d'], 'split'],
    ['-c "echo "a b" c"', true, ['-c', 'echo "a b" c'], 'split'],
    [
      '-c "sh -c "nc -w 1 h 4444 </dev/null; :"; :"',
      true,
      ['-c', 'sh -c "nc -w 1 h 4444 </dev/null; :"; :'],
      'split',
    ],
    ['-c "echo "it"s done"', true, ['-c', 'echo "it"s done'], 'split'],
    ['"x y" "z w"', false, ['x y', 'z w'], 'split'],
    ['--title="x y', false, ['--title="x', 'y'], 'split'],
    ['"unclosed word', false, ['"unclosed', 'word'], 'split'],
    ['say "', false, ['say', '"'], 'split'],
  ])('%j reads as words', (text, shell, words, quality) => {
    expect(splitArguments(text, shell)).toEqual({ words, quality });
  });
});

describe('a Tetragon exec as ExecEvent', () => {
  it('has the time to the nanosecond, and the same id however it came', () => {
    expect(normalize({ start_time: '2026-11-22T22:14:55.7364Z' }).time).toBe(
      '2026-11-22T22:14:55.736400000Z',
    );
    expect(normalize({}).id).toBe('tetragon:x');
  });

  it('takes a process that ran before the agent as context, not as an exec', () => {
    const message = { process_exec: { process: { exec_id: 'x', docker, flags: 'procFS' } } };
    expect(normalizeMessage(message, 'test')).toBeUndefined();
  });

  it('tells lost arguments from no arguments', () => {
    const lost = normalize({ binary: '/usr/bin/nc', cwd: '<enomem>', flags: 'execve clone dataArgs' });
    expect(lost.process).toMatchObject({ argv: ['/usr/bin/nc'], argv_quality: 'lost', facts: ['args_lost'] });
    expect(lost.process.cwd).toBeUndefined();
    const none = normalize({ binary: '/usr/bin/nc', cwd: '/' });
    expect(none.process).toMatchObject({ argv: ['/usr/bin/nc'], argv_quality: 'exact', cwd: '/' });
    expect(none.process.facts).toBeUndefined();
  });

  it('does not take a binary that was lost for a path', () => {
    const event = normalize({ binary: '<enomem>', arguments: 'a b' });
    expect(event.process.binary).toBeUndefined();
    expect(event.process.facts).toContain('binary_lost');
  });

  it.each([
    [{ binary: '/proc/self/exe', arguments: '-w 1 h 1' }, ['self_exe']],
    [{ binary: '/proc/self/fd/3' }, ['exec_by_fd']],
    [{ binary: '/dev/fd/5' }, ['exec_by_fd']],
    [{ binary: '/usr/bin/nc', flags: 'execve' }, ['same_pid']],
    [{ binary: '/usr/bin/nc', flags: 'execve clone miss' }, ['miss']],
    [
      {
        binary: '/bin/su',
        binary_properties: { privileges_changed: ['PRIVILEGES_RAISED_EXEC_FILE_SETUID'] },
      },
      ['privileged_file'],
    ],
  ])('carries %j as facts', (process, facts) => {
    expect(normalize(process).process.facts).toEqual(facts);
  });

  it('knows a file without links, and does not guess whether it is a memfd', () => {
    const links = (count: number) => ({ binary_properties: { file: { inode: { links: count } } } });
    expect(normalize({ binary: '/proc/self/fd/3', ...links(0) }).process.file).toEqual({ unlinked: true });
    expect(normalize({ binary: '/usr/bin/su', ...links(1) }).process.file).toBeUndefined();
  });

  it.each([
    ['/tmp/x.sh', '/tmp/x.sh a b', '/', ['/tmp/x.sh', 'a', 'b']],
    ['/tmp/x.sh', '-e /tmp/x.sh a', '/', ['/tmp/x.sh', 'a']],
    ['/opt/script2.sh', '-e ./script2.sh x', '/opt', ['/opt/script2.sh', 'x']],
  ])('reads the script %s by its shebang', (binary, args, cwd, argv) => {
    const { process } = normalize({ binary, arguments: args, cwd });
    expect(process.facts).toContain('shebang');
    expect(process.argv).toEqual(argv);
  });

  it('does not take a program that is given a script for one', () => {
    const { process } = normalize({ binary: '/bin/sh', arguments: '/tmp/x.sh' });
    expect(process.facts).toBeUndefined();
    expect(process.argv).toEqual(['/bin/sh', '/tmp/x.sh']);
  });

  it('marks truncated arguments', () => {
    expect(
      normalize({ binary: '/bin/x', arguments: 'a b', flags: 'execve clone truncArgs' }).process.argv_quality,
    ).toBe('truncated');
  });

  it('prefers the full container id of the pod, and keeps a short one as it came', () => {
    const full = 'ab'.repeat(32);
    const pod = { namespace: 'shop', name: 'web-1', container: { id: `containerd://${full}`, name: 'web' } };
    expect(normalize({ pod }).container).toMatchObject({ id: full, runtime: 'containerd', name: 'web' });
    expect(normalize({ docker: docker.slice(0, 15) }).container).toEqual({ id: docker.slice(0, 15) });
    expect(normalize({ docker: '' }).container).toBeUndefined();
  });

  it.each([
    [
      'lab.local/shop/web:1.4.2',
      `lab.local/shop/web@sha256:${'a'.repeat(64)}`,
      'lab.local/shop/web',
      '1.4.2',
      `sha256:${'a'.repeat(64)}`,
    ],
    [
      'docker.io/library/busybox:1.36',
      `docker-pullable://busybox@sha256:${'b'.repeat(64)}`,
      'docker.io/library/busybox',
      '1.36',
      `sha256:${'b'.repeat(64)}`,
    ],
    ['nginx', '', 'docker.io/library/nginx', undefined, undefined],
  ])('reads image name %s with id %s', (name, id, repository, tag, digest) => {
    const pod = { namespace: 'n', name: 'p', container: { id: 'x://y', image: { id, name } } };
    const { image } = normalize({ pod });
    expect(image?.repository).toBe(repository);
    expect(image?.tag).toBe(tag);
    expect(image?.digest).toBe(digest);
  });

  it('puts parents of another or no container outside, and one whose cgroup could not be read nowhere', () => {
    const place = (parent: TetragonProcess) => normalize({}, parent).ancestors[0]?.place;
    expect(place({ binary: '/bin/sh', docker })).toBe('container');
    expect(place({ binary: '/usr/bin/containerd-shim-runc-v2', docker: 'f'.repeat(31) })).toBe('outside');
    expect(place({ binary: '/usr/sbin/runc' })).toBe('outside');
    expect(place({ binary: '/bin/sh', flags: 'execve clone errorCgroupName' })).toBe('unknown');
  });
});
