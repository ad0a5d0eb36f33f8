import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { type DockerServer, startDockerServer } from '../support/docker-server.ts';
import { execIn, type Rig, rig, socketFolder, until } from '../support/enriching.ts';

const tools = '650b838af78d45c703fa1dc239a9f6840aa2181e83f040c3abd8d4e0d74b4a44';
const web = '3c9050163c6e84be307812b4b7b4cf45fb4d0ed83df74c14eb8eaa4363e4cead';

let folder: ReturnType<typeof socketFolder>;
let server: DockerServer | undefined;
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

type Change = (server: DockerServer) => void;

async function connected(
  change: Change = () => undefined,
  config: Parameters<typeof rig>[0] = {},
): Promise<Rig> {
  server = await startDockerServer(folder.at('docker.sock'));
  change(server);
  one = rig({ runtimes: [folder.at('docker.sock')], kubernetes: { mode: 'off' }, ...config });
  await one.enricher.start(new AbortController().signal);
  return one;
}

/** The inspection of a container, to be changed. */
function inspection(from: DockerServer, id: string) {
  return from.containers.get(id) as unknown as {
    Id: string;
    Mounts: object[];
    HostConfig: Record<string, unknown>;
    Config: Record<string, unknown> & { Labels: Record<string, string> };
  };
}

describe('facts from Docker', () => {
  it('are all there for a container of an image loaded without a registry', async () => {
    const { enricher } = await connected();
    const event = execIn(web.slice(0, 12), {
      process: { binary: '/bin/sh', pid: 28562, argv: ['/bin/sh'], argv_quality: 'exact', argv0_known: true },
    });
    expect(await enricher.enrich(event)).toEqual({
      ...event,
      container: {
        id: web,
        name: 'lab-web-worker',
        runtime: 'docker',
        started_at: '2026-11-22T21:58:50.706393778Z',
        age_secs: 69.294,
        privileged: false,
        capabilities_added: [],
        host_network: true,
        host_pid: false,
        read_only_root: false,
        mounts: [],
        probes: [],
      },
      image: {
        reference: 'lab.local/shop/web:1.4.2',
        registry: 'lab.local',
        repository: 'lab.local/shop/web',
        tag: '1.4.2',
        config_digest: 'sha256:377d3674a06730d871653fe51195b26f098d5a91e4246cc2f2317188d255bbda',
        labels: expect.objectContaining({
          'org.opencontainers.image.revision': '9f2c1d7e0b4a',
          team: 'shop',
        }),
        created: '2026-03-14T09:26:53Z',
        size_bytes: 347516776,
        layers: 3,
        entrypoint: ['/docker-entrypoint.sh'],
        command: [],
        user: '',
        mutable_tag: false,
      },
      process: { ...event.process, container_process: true, file: { in_mount: false } },
      // `docker load` leaves an image without a digest of a registry.
      unknown: { 'image.digest': 'not_told' },
    });
  });

  it('have the digest of the registry the image came from', async () => {
    const digest = `sha256:${'d'.repeat(64)}`;
    const { enricher } = await connected(({ images }) => {
      for (const image of images.values())
        image.RepoDigests = [`mirror.local/x@sha256:${'e'.repeat(64)}`, `lab.local/shop/web@${digest}`];
    });
    const event = await enricher.enrich(execIn(web));
    expect(event.image!.digest).toBe(digest);
    expect(event.unknown).toBeUndefined();
  });

  it('do not take the digest of a manifest for the one of the configuration', async () => {
    const { enricher } = await connected(({ images }) => {
      for (const image of images.values()) image.Descriptor = { digest: image.Id };
    });
    const { image } = await enricher.enrich(execIn(web));
    expect(image!.digest).toBe('sha256:377d3674a06730d871653fe51195b26f098d5a91e4246cc2f2317188d255bbda');
    expect(image).not.toHaveProperty('config_digest');
  });

  it('tell volumes, bind mounts and tmpfs apart', async () => {
    const { enricher } = await connected((it) => {
      inspection(it, tools).Mounts = [
        {
          Type: 'volume',
          Name: 'data',
          Source: '/var/lib/docker/volumes/data/_data',
          Destination: '/data',
          RW: true,
        },
        { Type: 'bind', Source: '/etc/app', Destination: '/app', RW: false },
      ];
      inspection(it, tools).HostConfig.Tmpfs = { '/scratch': 'rw,size=64m' };
    });
    expect((await enricher.enrich(execIn(tools))).container!.mounts).toEqual([
      {
        destination: '/data',
        type: 'volume',
        source: '/var/lib/docker/volumes/data/_data',
        name: 'data',
        read_only: false,
      },
      { destination: '/app', type: 'bind', source: '/etc/app', read_only: true },
      { destination: '/scratch', type: 'tmpfs', read_only: false },
    ]);
  });

  it('tell what the container may do', async () => {
    const { enricher } = await connected((it) => {
      Object.assign(inspection(it, tools).HostConfig, {
        Privileged: true,
        CapAdd: ['NET_ADMIN'],
        PidMode: 'host',
        NetworkMode: 'bridge',
        ReadonlyRootfs: true,
      });
    });
    expect((await enricher.enrich(execIn(tools))).container).toMatchObject({
      privileged: true,
      capabilities_added: ['NET_ADMIN'],
      host_pid: true,
      host_network: false,
      read_only_root: true,
    });
  });

  it.each([
    [['CMD', 'curl', '-f', 'http://localhost'], [['curl', '-f', 'http://localhost']]],
    [['CMD-SHELL', 'curl -f localhost || exit 1'], [['/bin/sh', '-c', 'curl -f localhost || exit 1']]],
    [['NONE'], []],
    [[], []],
  ])('have the HEALTHCHECK %j as %j', async (Test, probes) => {
    const { enricher } = await connected((it) => {
      inspection(it, tools).Config.Healthcheck = { Test };
    });
    expect((await enricher.enrich(execIn(tools))).container!.probes).toEqual(probes);
  });

  it('say that Podman is Podman', async () => {
    const { enricher } = await connected((it) => {
      it.version = { Version: '4.9.3', Components: [{ Name: 'Podman Engine', Version: '4.9.3' }] };
    });
    expect(enricher.health()).toMatchObject([{ version: 'podman 4.9.3' }]);
    expect((await enricher.enrich(execIn(tools))).container!.runtime).toBe('podman');
  });

  it("name the pod of cri-dockerd's containers", async () => {
    const { enricher } = await connected((it) => {
      Object.assign(inspection(it, tools).Config.Labels, {
        'io.kubernetes.pod.name': 'web-0',
        'io.kubernetes.pod.namespace': 'shop',
        'io.kubernetes.pod.uid': 'u-1',
        'io.kubernetes.container.name': 'web',
      });
    });
    expect(await enricher.enrich(execIn(tools))).toMatchObject({
      container: { name: 'web' },
      pod: { namespace: 'shop', name: 'web-0', uid: 'u-1' },
    });
  });
});

describe('conduct towards Docker', () => {
  const started = '3'.repeat(64);
  const put = () => server!.containers.set(started, { ...server!.containers.get(web)!, Id: started });
  const remembered = (made: Rig) => made.value('lanner_enrich_cache_entries', { kind: 'containers' });

  it('takes only ids that begin so, though the filter of the daemon finds more', async () => {
    const { enricher } = await connected((it) => {
      const inner = `${'0'.repeat(10)}${web.slice(0, 12)}${'0'.repeat(42)}`;
      it.containers.set(inner, { ...it.containers.get(web)!, Id: inner });
    });
    expect((await enricher.enrich(execIn(web.slice(0, 12)))).container!.id).toBe(web);
  });

  it('never guesses between two that begin alike', async () => {
    const { enricher } = await connected((it) => {
      const twin = web.slice(0, 15).padEnd(64, '0');
      it.containers.set(twin, { ...it.containers.get(web)!, Id: twin });
    });
    expect((await enricher.enrich(execIn(web.slice(0, 12)))).unknown).toMatchObject({
      image: 'ambiguous_id',
    });
  });

  it('learns containers from the event stream as they start', async () => {
    const made = await connected();
    await until(async () => server!.subscribers() === 1 && (await remembered(made)) === 2, 'a warm cache');
    put();
    server!.event('start', started);
    await until(async () => (await remembered(made)) === 3);
    expect(made.enricher.enrich(execIn(started.slice(0, 12)))).toMatchObject({ container: { id: started } });
  });

  it('still knows a container after it was removed', async () => {
    const made = await connected();
    await until(async () => server!.subscribers() === 1 && (await remembered(made)) === 2, 'a warm cache');
    server!.containers.delete(web);
    server!.event('destroy', web);
    expect(made.enricher.enrich(execIn(web))).toMatchObject({ image: { tag: '1.4.2' } });
  });

  it('says that a container is gone that it never knew', async () => {
    const { enricher } = await connected();
    expect((await enricher.enrich(execIn('deadbeef'.repeat(8)))).unknown).toEqual({
      image: 'container_gone',
      container: 'container_gone',
    });
  });

  it('connects again when the daemon ends the stream', async () => {
    const made = await connected();
    await until(() => server!.subscribers() === 1, 'a subscription');
    server!.endStreams();
    await until(() => server!.calls.events === 2, 'a second subscription');
    await until(() => made.enricher.health()[0]!.state === 'ok');
  });

  it('connects again after a restart of the daemon', async () => {
    const made = await connected();
    await server!.stop();
    await until(() => made.enricher.health()[0]!.code === 'socket_missing', 'the loss to be seen');
    server = await startDockerServer(folder.at('docker.sock'));
    await until(() => made.enricher.health()[0]!.state === 'ok', 'the connection');
    expect((await made.enricher.enrich(execIn(tools))).container!.id).toBe(tools);
  });

  it('lets an event go with "deadline" when the daemon hangs', async () => {
    const made = await connected(undefined, {
      deadline_ms: 20,
      lookup_timeout_ms: 60,
      breaker: { failures: 100 },
    });
    await until(async () => (await remembered(made)) === 2, 'a warm cache');
    server!.delay = 'never';
    expect((await made.enricher.enrich(execIn('1'.repeat(64)))).unknown).toEqual({
      image: 'deadline',
      container: 'deadline',
    });
  });

  it('says that the lookup failed when the daemon answers with an error', async () => {
    const made = await connected();
    await until(async () => (await remembered(made)) === 2, 'a warm cache');
    server!.fail = 500;
    expect((await made.enricher.enrich(execIn('2'.repeat(64)))).unknown).toMatchObject({ image: 'failed' });
  });

  it('keeps all other names of the sensor out when it names the image itself', async () => {
    const { enricher } = await connected();
    const event = await enricher.enrich(
      execIn(web, {
        image: { reference: 'web', repository: 'web', tag: 'x', mutable_tag: true },
      } as Partial<ExecEvent>),
    );
    expect(event.image).toMatchObject({
      reference: 'lab.local/shop/web:1.4.2',
      tag: '1.4.2',
      mutable_tag: false,
    });
  });

  it('leaves what the sensor told where the container is unknown', async () => {
    const { enricher } = await connected();
    const event = await enricher.enrich(
      execIn('deadbeefdead', { image: { reference: 'web:1', repository: 'web', tag: '1' } }),
    );
    expect(event.image).toEqual({ reference: 'web:1', repository: 'web', tag: '1' });
    expect(event.unknown).toEqual({
      'image.digest': 'container_gone',
      'image.config': 'container_gone',
      container: 'container_gone',
    });
  });
});
