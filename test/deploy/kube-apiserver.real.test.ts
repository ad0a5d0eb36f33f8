import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chart,
  documents,
  folderOf,
  helm,
  kustomize,
  manifestsOf,
  presets,
  template,
} from '../../.ci/deploy.mjs';
import { type RealApiServer, startApiServer } from '../support/real/kube-apiserver.ts';
import { missingFor, pathOf, tellSkipped } from '../support/real/system.ts';

const reason = missingFor(['etcd', 'kube-apiserver', 'openssl']);
tellSkipped('manifests at a real kube-apiserver (.ci/build-kube-apiserver.sh)', reason);
const hasHelm = helm('version')?.status === 0;
const hasKubectl = pathOf('kubectl') !== undefined;
if (!hasKubectl) tellSkipped('kubectl apply -k', 'kubectl is not installed (.ci/install-real.sh)');

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec: object;
}
const manifests = (preset: string) =>
  documents(readFileSync(manifestsOf(preset), 'utf8')) as unknown as Manifest[];

const apis: Record<string, string> = {
  Namespace: '/api/v1',
  ServiceAccount: '/api/v1',
  ConfigMap: '/api/v1',
  Service: '/api/v1',
  DaemonSet: '/apis/apps/v1',
  NetworkPolicy: '/apis/networking.k8s.io/v1',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1',
  PriorityClass: '/apis/scheduling.k8s.io/v1',
};

function pathTo({ kind, metadata: { namespace } }: Manifest): string {
  const plural = `${kind.toLowerCase()}s`.replace(/ys$/, 'ies').replace(/sss$/, 'sses');
  return `${apis[kind]}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}`;
}

describe.runIf(reason === undefined)('a real kube-apiserver', () => {
  let real: RealApiServer;
  beforeAll(async () => {
    real = await startApiServer();
    // A dry run in a namespace wants the namespace to be there.
    await real.send('POST', '/api/v1/namespaces', { metadata: { name: 'lanner' } });
  });
  afterAll(async () => {
    await real?.clean();
  });
  const dryRun = (manifest: Manifest) =>
    real.send('POST', `${pathTo(manifest)}?dryRun=All&fieldValidation=Strict`, manifest);

  it.each(presets)('takes every manifest of %s, to the last field', async (preset) => {
    const all = manifests(preset).filter(({ kind }) => kind !== 'Namespace');
    expect(all.length).toBeGreaterThan(5);
    for (const manifest of all)
      expect(await dryRun(manifest)).toMatchObject({ metadata: { name: manifest.metadata.name } });
  });

  it.runIf(hasHelm)('takes what the chart renders with everything switched on', async () => {
    const { out, err } = template('-f', join(import.meta.dirname, '../fixtures/deploy/everything.yaml'))!;
    // The Prometheus operator's kinds are not there; helm.real.test.ts holds them against their schema.
    const all = (documents(out) as unknown as Manifest[]).filter(({ kind }) => kind !== 'PodMonitor');
    expect(all.length, err).toBe(8);
    for (const manifest of all) await dryRun(manifest);
  });

  it('would refuse a field that there is not', async () => {
    const daemon = manifests('tetragon').find(({ kind }) => kind === 'DaemonSet')!;
    const wrong = { ...daemon, spec: { ...daemon.spec, updateStrategie: {} } };
    await expect(dryRun(wrong)).rejects.toThrow('strict decoding error: unknown field');
  });

  it.runIf(hasKubectl).each(presets)('takes `kubectl apply -k` of %s', (preset) => {
    const { status, out } = real.kubectl('apply', '-k', folderOf(preset), '--validate=strict');
    expect(status, out).toBe(0);
    expect(out).toMatch(/daemonset.apps\/lanner (created|configured)/);
    // What the server fills in is nothing that we would set otherwise.
    expect(real.kubectl('diff', '-k', folderOf(preset))).toMatchObject({ status: 0, out: '' });
  });

  it.runIf(hasKubectl)('takes an overlay that names an image and makes the Secret', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanner-overlay-'));
    try {
      writeFileSync(join(folder, 'webhook-url'), 'https://hooks.example/lanner');
      // As the comment in the kustomization says.
      writeFileSync(
        join(folder, 'kustomization.yaml'),
        `resources: [${relative(folder, folderOf('tetragon'))}]
images: [{name: lanner, newName: registry.example/lanner, newTag: 9.9.9}]
secretGenerator:
  - {name: lanner, namespace: lanner, options: {disableNameSuffixHash: true}, files: [webhook-url]}
`,
      );
      const built = documents(kustomize(folder)!);
      expect(JSON.stringify(built.find(({ kind }) => kind === 'DaemonSet'))).toContain(
        '"image":"registry.example/lanner:9.9.9"',
      );
      const { status, out } = real.kubectl('apply', '-k', folder, '--validate=strict');
      expect(status, out).toBe(0);
      expect(out).toContain('secret/lanner created');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.runIf(hasHelm)('is where helm installs, upgrades and removes the chart', async () => {
    const access = [
      `--kube-apiserver=https://${real.host}:${real.port}`,
      `--kube-token=${real.adminToken}`,
      '--kube-insecure-skip-tls-verify',
      '--namespace=guard',
    ];
    const run = (...args: string[]) => {
      const { status, out, err } = helm(...args, ...access)!;
      expect(status, out + err).toBe(0);
      return out;
    };
    const values = join(import.meta.dirname, '../fixtures/deploy/everything.yaml');
    // The Prometheus operator's kinds are not there.
    const set = ['-f', values, '--set', 'podMonitor.enabled=false'];
    // An API server built from the module proxy does not know its version, so the chart's demand is left out.
    const copy = mkdtempSync(join(tmpdir(), 'lanner-chart-'));
    cpSync(chart, copy, { recursive: true });
    const about = join(copy, 'Chart.yaml');
    writeFileSync(about, readFileSync(about, 'utf8').replace(/^kubeVersion:.*\n/m, ''));
    const notes = run('install', 'g', copy, '--create-namespace', ...set);
    expect(notes).toContain('receiver, key token, as LANNER_TOKEN');
    expect(notes).toContain('http://g.guard.svc:2998/');
    const config = '/api/v1/namespaces/guard/configmaps/g';
    const { data } = await real.send<{ data: Record<string, string> }>('GET', config);
    expect(Object.keys(data).sort()).toEqual(['exceptions.yaml', 'lanner.yaml']);
    run('upgrade', 'g', copy, ...set, '--set', 'falcoHttp.enabled=false');
    expect((await real.ask(real.adminToken, 'GET', '/api/v1/namespaces/guard/services/g')).status).toBe(404);
    run('uninstall', 'g');
    rmSync(copy, { recursive: true });
    expect((await real.ask(real.adminToken, 'GET', config)).status).toBe(404);
  });

  describe("the chart's ServiceAccount", () => {
    let token: string;
    beforeAll(async () => {
      for (const manifest of manifests('tetragon'))
        if (/^(ServiceAccount|ClusterRole|ClusterRoleBinding)$/.test(manifest.kind))
          await real.ask(real.adminToken, 'POST', pathTo(manifest), manifest);
      const account = '/api/v1/namespaces/lanner/serviceaccounts/lanner/token';
      token = (await real.send<{ status: { token: string } }>('POST', account, { spec: {} })).status.token;
    });

    it.each([
      ['lists the pods of its node', '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1', 200],
      ['watches them', '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1&watch=true&timeoutSeconds=1', 200],
      ['reads a namespace', '/api/v1/namespaces/lanner', 200],
      ['may ask for a ReplicaSet', '/apis/apps/v1/namespaces/lanner/replicasets/none', 404],
      ['may ask for a Job', '/apis/batch/v1/namespaces/lanner/jobs/none', 404],
    ])('%s', async (_what, path, status) => {
      expect((await real.ask(token, 'GET', path)).status).toBe(status);
    });

    it.each([
      ['read its own Secret', 'GET', '/api/v1/namespaces/lanner/secrets/lanner'],
      ['list Secrets', 'GET', '/api/v1/secrets'],
      ['read a ConfigMap', 'GET', '/api/v1/namespaces/lanner/configmaps/lanner'],
      ['list namespaces', 'GET', '/api/v1/namespaces'],
      ['list nodes', 'GET', '/api/v1/nodes'],
      ['list ReplicaSets', 'GET', '/apis/apps/v1/replicasets'],
      ['list Jobs', 'GET', '/apis/batch/v1/jobs'],
      ['read a log', 'GET', '/api/v1/namespaces/lanner/pods/none/log'],
      ['create a pod', 'POST', '/api/v1/namespaces/lanner/pods'],
      ['delete a pod', 'DELETE', '/api/v1/namespaces/lanner/pods/none'],
      ['enter a pod', 'POST', '/api/v1/namespaces/lanner/pods/none/exec?command=id'],
      ['take another token', 'POST', '/api/v1/namespaces/lanner/serviceaccounts/lanner/token'],
      ['grant itself more', 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'],
    ])('may not %s', async (_what, method, path) => {
      const body = method === 'POST' ? {} : undefined;
      expect((await real.ask(token, method, path, body)).status).toBe(403);
    });
  });
});
