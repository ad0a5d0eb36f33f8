import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enrichSchema } from '../../src/enrich/config.ts';
import { createEnricher } from '../../src/enrich/index.ts';
import { openAccess, runsInPod } from '../../src/enrich/kubernetes/access.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { socketFolder } from '../support/enriching.ts';

let folder: ReturnType<typeof socketFolder>;
const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' };

beforeEach(() => {
  folder = socketFolder();
  mkdirSync(folder.at('sa'));
  writeFileSync(folder.at('sa/token'), 'first\n');
  writeFileSync(folder.at('sa/ca.crt'), '');
});
afterEach(() => folder.remove());

describe("the pod's service account", () => {
  const open = (more: NodeJS.ProcessEnv = {}, now: () => number = () => 0) =>
    openAccess({ config: {}, env: { ...env, ...more }, serviceAccount: folder.at('sa'), now });

  it.each([
    ['10.0.0.1', 'https://10.0.0.1:6443'],
    ['fd00::1', 'https://[fd00::1]:6443'],
  ])('is used at %s', async (KUBERNETES_SERVICE_HOST, server) => {
    expect((await open({ KUBERNETES_SERVICE_HOST })).server).toBe(server);
  });

  it('is read anew when its token may have been rotated, and not for each request', async () => {
    let time = 0;
    const access = await open({}, () => time);
    const token = async () => (await access.options()).headers;
    expect(await token()).toEqual({ authorization: 'Bearer first' });
    writeFileSync(folder.at('sa/token'), 'second\n');
    time = 59_000;
    expect(await token()).toEqual({ authorization: 'Bearer first' });
    time = 60_000;
    expect(await token()).toEqual({ authorization: 'Bearer second' });
  });

  it('is missed with a coded error outside a pod', async () => {
    await expect(open({ KUBERNETES_SERVICE_HOST: '' })).rejects.toMatchObject({
      code: 'kube_credentials',
      message: expect.stringContaining('not in a pod'),
    });
  });
});

describe('which sources are asked', () => {
  const names = (config: Parameters<typeof enrichSchema.parse>[0], inPod: boolean) =>
    createEnricher(enrichSchema.parse(config), {
      metrics: new Metrics(),
      log: silentLog,
      env: inPod ? env : {},
      serviceAccount: folder.at('sa'),
    })
      .health()
      .map(({ name }) => name);

  it.each([
    ['in a pod, Kubernetes alone', {}, true, ['kubernetes']],
    [
      'in a pod, a socket that is listed',
      { runtimes: ['/run/x.sock'] },
      true,
      ['cri:/run/x.sock', 'kubernetes'],
    ],
    [
      'in a pod, nothing where it is switched off',
      { kubernetes: { mode: 'off' }, runtimes: 'off' },
      true,
      ['enrich'],
    ],
    ['outside, Kubernetes if it is switched on', { kubernetes: { mode: 'on' } }, false, ['kubernetes']],
    [
      'outside, Kubernetes if a kubeconfig is given',
      { kubernetes: { kubeconfig: '/k' } },
      false,
      ['kubernetes'],
    ],
    [
      'sockets by their name and as told',
      {
        runtimes: [
          '/run/docker.sock',
          '/run/podman/podman.sock',
          '/run/cri-dockerd.sock',
          { socket: '/run/odd.sock', type: 'docker' },
        ],
      },
      false,
      [
        'docker:/run/docker.sock',
        'docker:/run/podman/podman.sock',
        'cri:/run/cri-dockerd.sock',
        'docker:/run/odd.sock',
      ],
    ],
    ['nothing where enrichment is off', { enabled: false }, true, ['enrich']],
  ] as const)('%s', (_, config, inPod, expected) => {
    expect(names(config, inPod)).toEqual(expected);
  });

  it('knows a pod by its environment and its token', () => {
    expect(runsInPod(env, folder.at('sa'))).toBe(true);
    expect(runsInPod({}, folder.at('sa'))).toBe(false);
    expect(runsInPod(env, folder.at('none'))).toBe(false);
  });
});

describe('the configuration', () => {
  it.each([
    [{ runtimes: [] }],
    [{ runtimes: ['relative.sock'] }],
    [{ runtimes: [{ socket: '/x', type: 'lxc' }] }],
    [{ deadline_ms: 0 }],
    [{ kubernetes: { node: 'x' } }],
    [{ unknown_key: 1 }],
  ])('refuses %j', (config) => {
    expect(enrichSchema.safeParse(config).success).toBe(false);
  });

  it('has a default for everything', () => {
    expect(enrichSchema.parse(undefined)).toMatchObject({
      enabled: true,
      runtimes: 'auto',
      deadline_ms: 500,
      cache: { gone_secs: 600 },
      kubernetes: { mode: 'auto', nodes: 'this' },
    });
  });
});
