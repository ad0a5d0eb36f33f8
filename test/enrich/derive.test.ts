import { describe, expect, it } from 'vitest';
import { ageAt, isFirstProcess, mountFacts } from '../../src/enrich/derive.ts';
import { kubeletVolume } from '../../src/enrich/mounts.ts';
import type { Ancestor, ExecProcess } from '../../src/model/exec-event.ts';
import { execIn } from '../support/enriching.ts';

const above = (place: Ancestor['place']): Ancestor[] => [
  { argv: ['x'], argv_quality: 'exact', argv0_known: true, place, from: 'sensor' },
];

describe('the age of the container', () => {
  it.each([
    ['2026-11-22T22:00:10.500000000Z', '2026-11-22T22:00:00.000000000Z', 10.5],
    ['2026-11-22T22:00:00.000000000Z', '2026-11-22T22:00:00.300000000Z', 0],
  ])('at %s of one started at %s is %d', (time, started, age) => {
    expect(ageAt(time, started)).toBe(age);
  });
  it('is unknown without a start', () => {
    expect(ageAt('2026-11-22T22:00:00.000000000Z', undefined)).toBeUndefined();
  });
});

describe("the container's own first process", () => {
  const process = (more: Partial<ExecProcess>): ExecProcess => ({
    argv: ['/entry', 'now'],
    argv_quality: 'exact',
    argv0_known: true,
    ...more,
  });
  const first = { pid: 41, argv: ['/entry', 'now'] };
  it.each<[string, Partial<ExecProcess>, Ancestor[], { pid?: number; argv?: string[] } | undefined, unknown]>(
    [
      ['has its pid', { pid: 41 }, [], first, true],
      ['has its pid whatever it became', { pid: 41, argv: ['curl'] }, [], first, true],
      ['is not another pid', { pid: 42 }, above('outside'), first, false],
      ['is not outside the init tree', { pid: 41, in_init_tree: false }, [], first, false],
      ['is not a child of the container', {}, above('container'), { argv: first.argv }, false],
      [
        'may be an exec without fork',
        { facts: ['same_pid'] },
        above('container'),
        { argv: first.argv },
        undefined,
      ],
      [
        'is told by the argv at the root of the tree',
        { in_init_tree: true },
        above('outside'),
        { argv: first.argv },
        true,
      ],
      ['is not told by argv alone', {}, above('outside'), { argv: first.argv }, undefined],
      [
        'is open where the argv differs',
        { in_init_tree: true, argv: ['sh'] },
        above('outside'),
        { argv: first.argv },
        undefined,
      ],
      ['is open where nothing is known', { pid: 41 }, [], undefined, undefined],
    ],
  )('%s', (_, more, ancestors, known, expected) => {
    expect(isFirstProcess(execIn('a'.repeat(64), { process: process(more), ancestors }), known)).toBe(
      expected,
    );
  });
});

describe('the mount of the executed path', () => {
  const mounts = [
    { destination: '/work', type: 'emptyDir', name: 'scratch' },
    { destination: '/work/config', type: 'configMap', read_only: true },
  ];
  const look = (binary: string, more: Partial<ExecProcess> = {}) =>
    mountFacts(
      { binary, argv: [binary], argv_quality: 'exact', argv0_known: false, ...more },
      { id: 'a'.repeat(64), mounts },
    );
  it.each([
    ['/usr/bin/curl', { in_mount: false }],
    ['/work/nc', { in_mount: true, mount: mounts[0] }],
    ['/work/config/run.sh', { in_mount: true, mount: mounts[1] }],
    ['/workshop/nc', { in_mount: false }],
    ['/usr/../work/nc', { in_mount: true, mount: mounts[0] }],
    ['/dev/shm/x', { in_mount: true, mount: { destination: '/dev/shm', type: 'tmpfs' } }],
    ['nc', {}],
  ])('%s', (path, expected) => {
    expect(look(path)).toEqual(expected);
  });
  it('is not judged for what was executed through a descriptor', () => {
    expect(look('/proc/self/fd/3', { facts: ['exec_by_fd'] })).toEqual({});
  });
  it('is not judged for a file without a link', () => {
    expect(look('/work/x', { file: { unlinked: true } })).toEqual({});
  });
  it('is unknown where the mounts are', () => {
    expect(
      mountFacts(
        { binary: '/a', argv: [], argv_quality: 'lost', argv0_known: false },
        { id: 'a'.repeat(64) },
      ),
    ).toEqual({});
  });
});

describe('volumes of the kubelet', () => {
  const pod = '/var/lib/kubelet/pods/8c2d7b16-5e94-4a38-b6f0-3d4e5f6a7b03';
  it.each([
    [`${pod}/volumes/kubernetes.io~empty-dir/scratch`, { type: 'emptyDir', name: 'scratch' }],
    [
      `${pod}/volumes/kubernetes.io~projected/kube-api-access`,
      { type: 'projected', name: 'kube-api-access' },
    ],
    [`${pod}/volumes/kubernetes.io~csi/data/mount`, { type: 'csi', name: 'data' }],
    [`${pod}/volume-subpaths/config/web/0`, { type: 'subPath', name: 'config' }],
    ['/srv/data', undefined],
    [`${pod}/etc-hosts`, undefined],
  ])('%s', (path, expected) => {
    expect(kubeletVolume(path)).toEqual(expected);
  });
});
