import { describe, expect, it } from 'vitest';
import { programOf } from '../../../src/sources/falco/program.ts';

describe('arguments of a program', () => {
  it.each([
    ['none', { exe: 'sort', exeline: 'sort ' }, ['sort'], 'exact'],
    ['none, told by comm', { name: 'sort', cmdline: 'sort' }, ['sort'], 'exact'],
    ['one word', { exe: 'sh', exeline: 'sh /tmp/x.sh' }, ['sh', '/tmp/x.sh'], 'exact'],
    [
      'one argument with spaces, counted',
      { exe: 'awk', exeline: 'awk BEGIN {x y}', nargs: '1' },
      ['awk', 'BEGIN {x y}'],
      'exact',
    ],
    [
      'as many words as arguments',
      { exe: 'nc', exeline: 'nc -w 1 h 44', nargs: '4' },
      ['nc', '-w', '1', 'h', '44'],
      'exact',
    ],
    [
      'empty arguments, counted',
      { exe: 'curl', exeline: 'curl -H  h', nargs: '3' },
      ['curl', '-H', '', 'h'],
      'exact',
    ],
    [
      'more words than arguments',
      { exe: 'nc', exeline: 'nc -e a b', nargs: '2' },
      ['nc', '-e', 'a', 'b'],
      'split',
    ],
    ['several words, not counted', { exe: 'nc', exeline: 'nc -w  1 h' }, ['nc', '-w', '1', 'h'], 'split'],
    [
      'a command for a shell',
      { exe: '/bin/sh', exeline: '/bin/sh -c a | b  c' },
      ['/bin/sh', '-c', 'a | b  c'],
      'split',
    ],
    [
      'a command for a shell behind a cluster',
      { exe: 'bash', exeline: 'bash -lc a b' },
      ['bash', '-lc', 'a b'],
      'split',
    ],
    ['a script for a shell', { exe: 'bash', exeline: 'bash x -c y' }, ['bash', 'x', '-c', 'y'], 'split'],
    ['an argv[0] with a space', { exe: 'a b', exeline: 'a b -x y' }, ['a b', '-x', 'y'], 'split'],
    [
      'no argv[0] known',
      { name: 'nc', exepath: '/bin/busybox', cmdline: 'nc h 44' },
      ['nc', 'h', '44'],
      'split',
    ],
    ['nothing known', { name: 'runc' }, ['runc'], 'lost'],
    ['newlines and tabs', { exe: 'ncat', exeline: 'ncat a\nb\tc d' }, ['ncat', 'a\nb\tc', 'd'], 'split'],
  ])('%s', (_name, told, argv, quality) => {
    const program = programOf(told);
    expect([program.argv, program.argv_quality]).toEqual([argv, quality]);
    expect(program.arguments === undefined).toBe(quality === 'exact' || quality === 'lost');
  });

  it.each([
    [4090, 'truncated'],
    [4089, 'split'],
  ])('that fill %i bytes behind a four-byte argv[0] are %s', (bytes, quality) => {
    const args = `-d ${'x'.repeat(bytes - 3)}`;
    expect(programOf({ exe: 'curl', name: 'curl', exeline: `curl ${args}` }).argv_quality).toBe(quality);
  });

  it('shorter than the counted bytes are truncated', () => {
    const told = { exe: 'nc', exeline: 'nc -w 1', nargs: '2', lenargs: '40' };
    expect(programOf(told).argv_quality).toBe('truncated');
    expect(programOf({ ...told, lenargs: '3' }).argv_quality).toBe('exact');
  });

  it('that we cut ourselves are truncated', () => {
    expect(programOf({ exe: 'nc', exeline: 'nc a b', cut: true }).argv_quality).toBe('truncated');
  });
});

describe('script started by its #! line', () => {
  it('is the program, and its interpreter is the file', () => {
    const told = {
      name: 'docker-entrypoi',
      exe: '/bin/sh',
      exepath: '/usr/bin/dash',
      exeline: '/bin/sh /docker-entrypoint.sh --once x',
    };
    expect(programOf(told)).toEqual({
      binary: '/docker-entrypoint.sh',
      exe: '/usr/bin/dash',
      comm: 'docker-entrypoi',
      argv: ['/docker-entrypoint.sh', '--once', 'x'],
      argv_quality: 'split',
      argv0_known: false,
      arguments: '--once x',
    });
  });

  it.each([
    [
      'with an option',
      { name: 'x.sh', exe: '/bin/sh', exepath: '/bin/dash', exeline: '/bin/sh -e /tmp/x.sh a' },
      '/tmp/x.sh',
    ],
    [
      'through env',
      {
        name: 'x.py',
        exe: '/usr/bin/env',
        exepath: '/usr/bin/env',
        exeline: '/usr/bin/env python3 /tmp/x.py',
      },
      '/tmp/x.py',
    ],
    [
      'by a relative path',
      { name: 'x.sh', exe: '/bin/sh', exepath: '/bin/dash', exeline: '/bin/sh ./../x.sh', cwd: '/tmp/a/' },
      '/tmp/x.sh',
    ],
  ])('is found %s', (_name, told, path) => {
    expect(programOf(told).binary).toBe(path);
  });

  it.each([
    [
      'a script given to a shell',
      { name: 'sh', exe: '/bin/sh', exepath: '/usr/bin/dash', exeline: '/bin/sh /tmp/x.sh' },
    ],
    ['an applet', { name: 'nc', exe: 'nc', exepath: '/bin/busybox', exeline: 'nc h 44' }],
    [
      'a masquerade',
      { name: 'nc', exe: '[kworker]', exepath: '/usr/bin/nc.openbsd', exeline: '[kworker] h 44' },
    ],
    ['a file executed by descriptor', { name: '3', exe: 'nc', exepath: 'memfd:x', exeline: 'nc -w 3' }],
    [
      'a tool whose argument has its name',
      { name: 'nc', exe: 'nc', exepath: '/usr/bin/nc.openbsd', exeline: 'nc /tmp/nc' },
    ],
  ])('is not seen in %s', (_name, told) => {
    expect(programOf(told).binary).toBeUndefined();
  });
});

describe('directory and ids', () => {
  it.each([
    ['/var/www/', '/var/www'],
    ['/', '/'],
    ['/tmp', '/tmp'],
  ])('reads the directory %s as %s', (told, cwd) => {
    expect(programOf({ name: 'x', cwd: told }).cwd).toBe(cwd);
  });

  it('leaves out ids that are no number', () => {
    expect(programOf({ name: 'x', pid: '12', uid: '-1' })).toMatchObject({ pid: 12 });
    expect(programOf({ name: 'x', pid: '12', uid: '-1' })).not.toHaveProperty('uid');
  });
});
