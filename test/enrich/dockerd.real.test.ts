import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { execIn, type Rig, rig, until } from '../support/enriching.ts';
import { type RealDockerd, startDockerd } from '../support/real/dockerd.ts';
import { missingFor, tellSkipped } from '../support/real/system.ts';

const reason = missingFor(['dockerd', 'docker', 'containerd', 'runc']);
tellSkipped('real dockerd', reason);

describe.runIf(reason === undefined)('a real dockerd', () => {
  let real: RealDockerd;
  let one: Rig | undefined;
  let web: string;

  const run = (...args: string[]) => real.docker('run', '-d', '--network', 'host', ...args);

  beforeAll(async () => {
    real = await startDockerd();
    web = run(
      '--name=web',
      '--volume=data:/data',
      '--tmpfs=/scratch',
      '--cap-add=NET_ADMIN',
      '--health-cmd=nc -z localhost 80',
      real.reference,
    );
  });
  afterEach(async () => {
    await one?.stop();
    one = undefined;
  });
  afterAll(async () => {
    await real?.clean();
  });

  async function connected(): Promise<Rig> {
    one = rig({ runtimes: [real.socket], kubernetes: { mode: 'off' }, deadline_ms: 2000 });
    await one.enricher.start(new AbortController().signal);
    return one;
  }

  it('tells all facts of an exec by the twelve characters Falco gives', async () => {
    const pid = Number(real.docker('inspect', '-f', '{{.State.Pid}}', web));
    const { enricher } = await connected();
    const event = await enricher.enrich(
      execIn(web.slice(0, 12), {
        time: new Date().toISOString().replace('Z', '000000Z'),
        process: { exe: '/data/nc', argv: ['/data/nc'], argv_quality: 'split', argv0_known: false, pid },
      }),
    );
    expect(event).toMatchObject({
      container: {
        id: web,
        name: 'web',
        runtime: 'docker',
        privileged: false,
        capabilities_added: [expect.stringContaining('NET_ADMIN')],
        host_network: true,
        read_only_root: false,
        probes: [['/bin/sh', '-c', 'nc -z localhost 80']],
      },
      image: {
        reference: real.reference,
        tag: '1.4.2',
        config_digest: real.configDigest,
        labels: { 'org.opencontainers.image.revision': '9f2c1d7e0b4a' },
        layers: 2,
        entrypoint: ['/app/run.sh'],
        created: expect.stringContaining('2026-03-14T09:26:53'),
      },
      process: { container_process: true, file: { in_mount: true, mount: { type: 'volume', name: 'data' } } },
      unknown: { 'image.digest': 'not_told' },
    });
    expect(event.container!.mounts).toContainEqual({
      destination: '/scratch',
      type: 'tmpfs',
      read_only: false,
    });
    expect(event).not.toHaveProperty('pod');
  });

  it('is heard when a container starts, whose facts outlive it', async () => {
    const made = await connected();
    const remembered = () => made.value('lanner_enrich_cache_entries', { kind: 'containers' });
    await until(async () => (await remembered()) === 1, 'web to be known');
    const job = run('--name=job', '--entrypoint=/bin/sleep', real.reference, '600');
    await until(async () => (await remembered()) === 2, 'the job to be known');
    real.docker('rm', '-f', job);
    expect(made.enricher.enrich(execIn(job))).toMatchObject({
      container: { name: 'job' },
      image: { tag: '1.4.2' },
    });
  });

  it('says that a container is gone that was removed before it was asked for', async () => {
    const job = run('--entrypoint=/bin/sleep', real.reference, '600');
    real.docker('rm', '-f', job);
    const { enricher } = await connected();
    expect((await enricher.enrich(execIn(job.slice(0, 12)))).unknown).toEqual({
      image: 'container_gone',
      container: 'container_gone',
    });
  });

  it('is survived when it is killed, and asked again when it is back', async () => {
    const made = await connected();
    await made.enricher.enrich(execIn(web));
    await real.kill();
    await until(() => made.enricher.health()[0]!.code === 'connect_refused', 'the loss to be seen');
    expect(made.enricher.enrich(execIn(web))).toMatchObject({ container: { name: 'web' } });
    await real.start();
    await until(() => made.enricher.health()[0]!.state === 'ok', 'the connection', 30_000);
    const job = run('--name=after', '--entrypoint=/bin/sleep', real.reference, '600');
    expect(await made.enricher.enrich(execIn(job))).toMatchObject({ container: { name: 'after' } });
  });
});
