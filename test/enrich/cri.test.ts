import { chmodSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { streamsEvents } from '../../src/enrich/cri/source.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { type CriServer, recordedCri, startCriServer } from '../support/cri-server.ts';
import { execIn, type Rig, rig, socketFolder, until } from '../support/enriching.ts';

const web = '6403692adba925e22d4868e96c7c02c5b320abfcf69a33945b05f785de91ac88';
const worker = 'efd1ad3e641796c665175b87db0b46873f2df706806189b6e549af04f46d7037';
const tools = '8eca0020cd1804bbbd894a90c1b70d2f06c0fa3ee6e30caaf1e507e09d1a3de8';

let folder: ReturnType<typeof socketFolder>;
let server: CriServer | undefined;
let one: Rig | undefined;

beforeEach(() => {
  folder = socketFolder();
});
afterEach(async () => {
  await one?.stop();
  await server?.stop();
  one = undefined;
  server = undefined;
  folder.remove();
});

type Config = Parameters<typeof rig>[0];

function configure(more: NonNullable<Config> = {}): Rig {
  one = rig({ runtimes: [folder.at('c.sock')], kubernetes: { mode: 'off' }, ...more });
  return one;
}

async function connected(more: NonNullable<Config> = {}, world = recordedCri()): Promise<Rig> {
  server = await startCriServer(folder.at('c.sock'), world);
  const made = configure(more);
  await made.enricher.start(new AbortController().signal);
  return made;
}

/** The facts of all running containers have been looked up ahead. */
async function warm(made: Rig): Promise<void> {
  const remembered = () => made.value('lanner_enrich_cache_entries', { kind: 'containers' });
  await until(async () => (await remembered()) === 3, 'a warm cache');
}

describe('facts from CRI', () => {
  it('are all there for a container a pod runs by tag', async () => {
    const { enricher } = await connected();
    const event = execIn(web.slice(0, 31), {
      process: {
        binary: '/usr/bin/curl',
        pid: 19070,
        argv: ['curl'],
        argv_quality: 'exact',
        argv0_known: false,
      },
    });
    expect(await enricher.enrich(event)).toEqual({
      ...event,
      container: {
        id: web,
        name: 'web',
        runtime: 'containerd',
        started_at: '2026-11-22T21:55:46.243901343Z',
        age_secs: 253.756,
        privileged: false,
        capabilities_added: [],
        host_network: true,
        host_pid: false,
        read_only_root: false,
        mounts: [
          { destination: '/dev', type: 'tmpfs', read_only: false },
          {
            destination: '/dev/shm',
            type: 'bind',
            source:
              '/run/containerd/io.containerd.grpc.v1.cri/sandboxes/5ac9f1a47510304ae077c560965f748e5d6a90b17773c0b0b6b340260fc23725/shm',
            read_only: false,
          },
        ],
      },
      image: {
        reference: 'lab.local/shop/web:1.4.2',
        registry: 'lab.local',
        repository: 'lab.local/shop/web',
        tag: '1.4.2',
        digest: 'sha256:8ab4e34f4934f629f4010129e542af2ae7877aa3b7a9a5bac6218ae2c3d02a6e',
        config_digest: 'sha256:377d3674a06730d871653fe51195b26f098d5a91e4246cc2f2317188d255bbda',
        labels: {
          'org.opencontainers.image.base.name': 'docker.io/library/debian:bookworm-slim',
          'org.opencontainers.image.created': '2026-03-14T09:26:53Z',
          'org.opencontainers.image.revision': '9f2c1d7e0b4a',
          'org.opencontainers.image.source': 'https://git.lab.local/shop/web',
          'org.opencontainers.image.title': 'shop-web',
          'org.opencontainers.image.vendor': 'Lab Shop',
          'org.opencontainers.image.version': '1.4.2',
          team: 'shop',
        },
        created: '2026-03-14T09:26:53Z',
        size_bytes: 143242125,
        layers: 3,
        entrypoint: ['/docker-entrypoint.sh'],
        command: [],
        user: '',
        mutable_tag: false,
      },
      pod: {
        namespace: 'shop',
        name: 'shop-web-7d9c6b5f4d-x2k8p',
        uid: '0b7f3c52-6a41-4f0e-9d55-1c2f6a7e9a01',
        labels: { app: 'shop-web', tier: 'frontend' },
      },
      process: { ...event.process, container_process: true, file: { in_mount: false } },
    });
  });

  it('say what the pod asked for, not the first tag of the image', async () => {
    const { enricher } = await connected();
    const { image } = await enricher.enrich(execIn(worker));
    expect(image).toMatchObject({
      reference: 'lab.local/shop/web@sha256:8ab4e34f4934f629f4010129e542af2ae7877aa3b7a9a5bac6218ae2c3d02a6e',
      mutable_tag: false,
    });
    expect(image).not.toHaveProperty('tag');
  });

  it('do not choose a tag where only the id of the image is known and it has two', async () => {
    const world = recordedCri();
    rename(world, web, { image: 'sha256:377d3674a06730d871653fe51195b26f098d5a91e4246cc2f2317188d255bbda' });
    const { enricher } = await connected({}, world);
    const { image, unknown } = await enricher.enrich(execIn(web));
    expect(image).toMatchObject({
      repository: 'lab.local/shop/web',
      digest: expect.stringMatching(/^sha256:8ab4/),
    });
    expect(image).not.toHaveProperty('tag');
    expect(unknown).toEqual({ 'image.tag': 'not_told' });
  });

  it('take the tag where only the id of the image is known and it has one', async () => {
    const world = recordedCri();
    rename(world, tools, {
      image: 'sha256:f072c199d075235277e53b631bce6b0b9ddab20539fd8122d0ea7d8d9eb6d9b8',
    });
    const { enricher } = await connected({}, world);
    expect((await enricher.enrich(execIn(tools))).image).toMatchObject({ tag: '2.0', mutable_tag: false });
  });

  it('believe the kubelet on what the pod named', async () => {
    const world = recordedCri();
    rename(world, web, { image: 'sha256:377d', user_specified_image: 'lab.local/shop/web' });
    const { enricher } = await connected({}, world);
    expect((await enricher.enrich(execIn(web))).image).toMatchObject({
      reference: 'lab.local/shop/web',
      mutable_tag: true,
    });
  });

  it('come without the image where the runtime has it no more', async () => {
    const world = recordedCri();
    world.images.clear();
    const { enricher } = await connected({}, world);
    const { image, unknown } = await enricher.enrich(execIn(web));
    expect(image).toMatchObject({ reference: 'lab.local/shop/web:1.4.2' });
    expect(unknown).toEqual({ 'image.config': 'not_told' });
  });

  it('tell volumes of the kubelet, writable or not', async () => {
    const world = recordedCri();
    const pod = '/var/lib/kubelet/pods/8c2d7b16-5e94-4a38-b6f0-3d4e5f6a7b03';
    world.containers.get(tools)!.status.mounts = [
      {
        container_path: '/scratch',
        host_path: `${pod}/volumes/kubernetes.io~empty-dir/scratch`,
        readonly: false,
      },
      { container_path: '/etc/app', host_path: `${pod}/volumes/kubernetes.io~configmap/app`, readonly: true },
      { container_path: '/etc/hosts', host_path: `${pod}/etc-hosts`, readonly: false },
      { container_path: '/host', host_path: '/', readonly: true },
    ];
    const { enricher } = await connected({}, world);
    const event = execIn(tools);
    event.process.binary = '/scratch/nc';
    const { container, process } = await enricher.enrich(event);
    expect(
      container!.mounts!.map(({ destination, type, read_only }) => [destination, type, read_only]),
    ).toEqual([
      ['/scratch', 'emptyDir', false],
      ['/etc/app', 'configMap', true],
      ['/host', 'bind', true],
      ['/dev', 'tmpfs', false],
      ['/dev/shm', 'bind', false],
    ]);
    expect(process.file).toEqual({
      in_mount: true,
      mount: {
        destination: '/scratch',
        type: 'emptyDir',
        name: 'scratch',
        source: `${pod}/volumes/kubernetes.io~empty-dir/scratch`,
        read_only: false,
      },
    });
  });

  it('leave events of the host alone', async () => {
    const { enricher } = await connected();
    const { container: _, ...event } = execIn(web);
    expect(enricher.enrich(event as ExecEvent)).toBe(event);
  });
});

/** Changes what the container was created from. */
function rename(world: ReturnType<typeof recordedCri>, id: string, image: object): void {
  const container = world.containers.get(id)!;
  const info = JSON.parse(container.info.info!) as { config: { image: object } };
  info.config.image = image;
  container.info.info = JSON.stringify(info);
}

describe('ids', () => {
  it.each([12, 15, 31, 64])('of %d characters are resolved', async (length) => {
    const { enricher } = await connected();
    expect((await enricher.enrich(execIn(tools.slice(0, length)))).container!.id).toBe(tools);
  });

  it('that two containers share are never guessed', async () => {
    const world = recordedCri();
    const twin = `${web.slice(0, 20)}${'0'.repeat(44)}`;
    world.listed.set(twin, { ...world.listed.get(web)!, id: twin });
    const copy = structuredClone(world.containers.get(web)!);
    copy.status.id = twin;
    world.containers.set(twin, copy);
    const { enricher } = await connected({}, world);
    const event = await enricher.enrich(execIn(web.slice(0, 12)));
    expect(event.container).toEqual({ id: web.slice(0, 12) });
    expect(event.unknown).toEqual({ image: 'ambiguous_id', container: 'ambiguous_id' });
    expect((await enricher.enrich(execIn(web.slice(0, 31)))).container!.id).toBe(web);
  });

  it('of containers that are gone say so', async () => {
    const { enricher } = await connected();
    const event = await enricher.enrich(execIn('deadbeefdead'));
    expect(event.unknown).toEqual({ image: 'container_gone', container: 'container_gone' });
  });

  it('that are none are not asked for', async () => {
    const { enricher } = await connected();
    expect(enricher.enrich(execIn('not-an-id'))).toMatchObject({
      unknown: { image: 'invalid_id', container: 'invalid_id' },
    });
  });
});

describe('conduct towards CRI', () => {
  it('has the facts before the first finding', async () => {
    const made = await connected();
    await warm(made);
    expect(made.enricher.enrich(execIn(tools))).toMatchObject({ container: { id: tools } });
  });

  it('asks once for many who want the same', async () => {
    const world = recordedCri();
    world.listed.get(web)!.state = 'CONTAINER_EXITED';
    const { enricher } = await connected({}, world);
    server!.calls.ContainerStatus = 0;
    const events = await Promise.all(
      Array.from({ length: 20 }, () => enricher.enrich(execIn(web.slice(0, 31)))),
    );
    expect(events.every((event) => event.container!.id === web)).toBe(true);
    // The other two containers may have been looked up ahead.
    expect(server!.calls.ContainerStatus).toBeLessThanOrEqual(3);
  });

  it('asks for an image once, however many containers run it', async () => {
    const made = await connected();
    await warm(made);
    await made.enricher.enrich(execIn(worker));
    await made.enricher.enrich(execIn(tools));
    expect(server!.calls.ImageStatus).toBe(2);
  });

  it('lets an event go with "deadline" when the runtime is slow, and has the facts for the next', async () => {
    const made = await connected({ deadline_ms: 20, breaker: { failures: 100 } });
    server!.delay = 80;
    const world = server!.world;
    const late = 'f'.repeat(64);
    const copy = structuredClone(world.containers.get(web)!);
    copy.status.id = late;
    world.containers.set(late, copy);
    const first = await made.enricher.enrich(execIn(late));
    expect(first.unknown).toEqual({ image: 'deadline', container: 'deadline' });
    await until(() => (made.enricher.enrich(execIn(late)) as ExecEvent).image !== undefined);
  });

  it('gives the facts later to who asks for them', async () => {
    const made = await connected({ deadline_ms: 20, follow_up_secs: 5, breaker: { failures: 100 } });
    server!.delay = 60;
    const late = 'f'.repeat(64);
    const copy = structuredClone(server!.world.containers.get(web)!);
    copy.status.id = late;
    server!.world.containers.set(late, copy);
    const first = await made.enricher.enrich(execIn(late));
    const second = await made.enricher.later(first);
    expect(second).toMatchObject({ image: { tag: '1.4.2' }, container: { id: late } });
    expect(second).not.toHaveProperty('unknown');
  });

  it('gives nothing later where waiting cannot help', async () => {
    const made = await connected();
    const event = await made.enricher.enrich(execIn('not-an-id'));
    expect(await made.enricher.later(event)).toBeUndefined();
  });

  it('leaves a runtime that never answers alone after some failures, and comes back to it', async () => {
    const made = await connected({
      deadline_ms: 50,
      lookup_timeout_ms: 100,
      poll_secs: 0.05,
      breaker: { failures: 3, open_ms: 30, open_max_ms: 30 },
    });
    await warm(made);
    server!.delay = 'never';
    const ids = ['1', '2', '3'].map((digit) => digit.repeat(64));
    await Promise.all(ids.map((id) => made.enricher.enrich(execIn(id))));
    const refused = made.enricher.enrich(execIn('4'.repeat(64)));
    expect(refused).toMatchObject({ unknown: { image: 'breaker_open', container: 'breaker_open' } });
    expect(made.enricher.health()).toMatchObject([{ state: 'degraded', code: 'runtime_slow' }]);
    expect(await made.value('lanner_enrich_breaker_open', { source: 'cri' })).toBe(1);

    server!.delay = 0;
    await until(async () => {
      await made.enricher.enrich(execIn(String(Math.floor(Math.random() * 1e12)).padStart(64, '5')));
      return made.enricher.health()[0]!.state === 'ok';
    }, 'recovery');
    expect(await made.value('lanner_enrich_breaker_open', { source: 'cri' })).toBe(0);
  });

  it('answers from memory while the runtime is away, and connects again by itself', async () => {
    const made = await connected({ poll_secs: 0.05 });
    await warm(made);
    await server!.stop();
    await until(() => made.enricher.health()[0]!.code === 'socket_missing', 'the loss to be seen');
    expect(made.enricher.health()).toMatchObject([{ state: 'degraded' }]);
    expect(made.enricher.enrich(execIn(web))).toMatchObject({ image: { tag: '1.4.2' } });
    expect(made.enricher.enrich(execIn('9'.repeat(64)))).toMatchObject({
      unknown: { image: 'socket_missing' },
    });

    server = await startCriServer(folder.at('c.sock'));
    await until(() => made.enricher.health()[0]!.state === 'ok', 'the connection');
    expect(await made.enricher.enrich(execIn(worker))).toMatchObject({ container: { id: worker } });
  });

  it('says how it failed when the runtime answers with errors', async () => {
    const made = await connected();
    await warm(made);
    server!.fail = { code: grpc.status.INTERNAL, details: 'out of order' };
    const event = await made.enricher.enrich(execIn('7'.repeat(64)));
    expect(event.unknown).toEqual({ image: 'failed', container: 'failed' });
    expect(await made.value('lanner_enrich_lookups_total', { source: 'cri', outcome: 'failed' })).toBe(1);
  });

  it('refuses more lookups than it may hold', async () => {
    const made = await connected({
      max_lookups: 1,
      max_waiting: 2,
      deadline_ms: 20,
      lookup_timeout_ms: 50,
      breaker: { failures: 100 },
    });
    await warm(made);
    server!.delay = 'never';
    const pending = ['1', '2', '3'].map((digit) => made.enricher.enrich(execIn(digit.repeat(64))));
    const fourth = made.enricher.enrich(execIn('4'.repeat(64)));
    expect(fourth).toMatchObject({ unknown: { image: 'overloaded' } });
    await Promise.all(pending);
  });
});

describe('containers that come and go', () => {
  const started = '3'.repeat(64);
  function put(id: string): void {
    const copy = structuredClone(server!.world.containers.get(web)!);
    copy.status.id = id;
    server!.world.containers.set(id, copy);
    server!.world.listed.set(id, { ...server!.world.listed.get(web)!, id });
  }
  const known = (made: Rig, id: string) => !(made.enricher.enrich(execIn(id)) instanceof Promise);

  it('are learned from the event stream', async () => {
    const world = recordedCri();
    world.version.runtime_version = '2.0.1';
    server = await startCriServer(folder.at('c.sock'), world);
    server.events = 'offered';
    const made = configure();
    await made.enricher.start(new AbortController().signal);
    await until(() => server!.subscribers() === 1, 'a subscription');
    put(started);
    const before = server.calls.ListContainers!;
    server.send('CONTAINER_STARTED_EVENT', started);
    await until(async () => (await made.value('lanner_enrich_cache_entries', { kind: 'containers' })) === 4);
    expect(made.enricher.enrich(execIn(started))).toMatchObject({ container: { id: started } });
    expect(server.calls.ListContainers).toBe(before);
  });

  it('are not looked up when a sandbox starts', async () => {
    const world = recordedCri();
    world.version.runtime_name = 'cri-o';
    server = await startCriServer(folder.at('c.sock'), world);
    server.events = 'offered';
    const made = configure();
    await made.enricher.start(new AbortController().signal);
    await until(() => server!.subscribers() === 1, 'a subscription');
    await warm(made);
    const sandbox = '4'.repeat(64);
    server.send('CONTAINER_STARTED_EVENT', sandbox, sandbox);
    put(started);
    server.send('CONTAINER_STARTED_EVENT', started);
    await until(() => server!.calls.ContainerStatus === 4);
    expect(await made.value('lanner_enrich_lookups_total', { source: 'cri', outcome: 'missing' })).toBe(0);
  });

  it('are learned by asking where the runtime offers no events', async () => {
    const world = recordedCri();
    world.version.runtime_version = '2.0.1';
    const made = await connected({ poll_secs: 0.05 }, world);
    await warm(made);
    expect(server!.calls.GetContainerEvents).toBe(1);
    put(started);
    await until(async () => (await made.value('lanner_enrich_cache_entries', { kind: 'containers' })) === 4);
    expect(known(made, started)).toBe(true);
  });

  it('leave the event stream of containerd before 2.0 to the kubelet', async () => {
    const made = await connected();
    await warm(made);
    expect(server!.calls.GetContainerEvents).toBeUndefined();
  });

  it.each([
    ['containerd', '1.7.2', 'auto', false],
    ['containerd', '2.0.0', 'auto', true],
    ['containerd', 'v2.1.0', 'auto', true],
    ['cri-o', '1.30.0', 'auto', true],
    ['containerd', '1.7.2', 'on', true],
    ['cri-o', '1.30.0', 'off', false],
  ] as const)('%s %s with events: %s streams: %s', (runtime_name, runtime_version, mode, expected) => {
    expect(streamsEvents(mode, { runtime_name, runtime_version })).toBe(expected);
  });

  it('keep their facts for the configured time after they went, and no longer', async () => {
    let skew = 0;
    server = await startCriServer(folder.at('c.sock'));
    const clock = {
      now: () => Date.now() + skew,
      after(ms: number, action: () => void) {
        const timer = setTimeout(action, ms);
        return () => clearTimeout(timer);
      },
    };
    one = rig({ runtimes: [folder.at('c.sock')], kubernetes: { mode: 'off' }, poll_secs: 0.05 }, { clock });
    await one.enricher.start(new AbortController().signal);
    await warm(one);
    server.world.listed.delete(web);
    server.world.containers.delete(web);
    const lists = server.calls.ListContainers!;
    await until(() => server!.calls.ListContainers! > lists + 1, 'the list to be read again');
    skew = 599_000;
    expect(one.enricher.enrich(execIn(web))).toMatchObject({ image: { tag: '1.4.2' } });
    skew = 601_000;
    expect(await one.enricher.enrich(execIn(web))).toMatchObject({ unknown: { image: 'container_gone' } });
  });
});

describe('sockets that cannot be used', () => {
  it('are named when they do not exist', async () => {
    const made = configure();
    await made.enricher.start(new AbortController().signal);
    expect(made.enricher.health()).toMatchObject([
      { name: `cri:${folder.at('c.sock')}`, state: 'degraded', code: 'socket_missing' },
    ]);
    expect(made.enricher.enrich(execIn(web))).toMatchObject({
      unknown: { image: 'socket_missing', container: 'socket_missing' },
    });
  });

  it('are told from those that nobody listens at', async () => {
    writeFileSync(folder.at('c.sock'), '');
    const made = configure();
    await made.enricher.start(new AbortController().signal);
    expect(made.enricher.health()).toMatchObject([{ code: 'connect_refused' }]);
  });

  it('are told from those that may not be opened', async () => {
    server = await startCriServer(folder.at('c.sock'));
    chmodSync(folder.at('c.sock'), 0o000);
    const made = configure();
    await unprivileged(async () => {
      await made.enricher.start(new AbortController().signal);
    });
    expect(made.enricher.health()).toMatchObject([
      { code: 'socket_permission', reason: expect.stringContaining('may not be opened') },
    ]);
    expect(made.enricher.enrich(execIn(web))).toMatchObject({ unknown: { image: 'socket_permission' } });
  });

  it('are told from those where CRI is not served', async () => {
    const other = new grpc.Server();
    await new Promise<void>((resolve) => {
      other.bindAsync(`unix://${folder.at('c.sock')}`, grpc.ServerCredentials.createInsecure(), () =>
        resolve(),
      );
    });
    const made = configure();
    await made.enricher.start(new AbortController().signal);
    expect(made.enricher.health()).toMatchObject([{ code: 'wrong_service' }]);
    other.forceShutdown();
  });

  it('are logged once while the reason stays the same', async () => {
    const made = configure();
    await made.enricher.start(new AbortController().signal);
    await new Promise<void>((resolve) => connect(folder.at('c.sock')).once('error', () => resolve()));
    expect(made.lines.map(({ level, fields }) => [level, fields.code])).toEqual([['warn', 'socket_missing']]);
  });
});

/** Runs `action` as a user who is not root. */
async function unprivileged(action: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) chmodSync(folder.at('.'), 0o755);
  if (isRoot) process.seteuid!(65534);
  try {
    await action();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}
