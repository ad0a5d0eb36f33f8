import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chartDigest, documents, folderOf, kustomization, manifestsOf, presets } from '../../.ci/deploy.mjs';
import { schemaProblem } from '../../.ci/kubernetes-schema.mjs';
import { type Config, parseConfig, parseExceptions } from '../../src/config.ts';

interface Probe {
  httpGet: { path: string; port: number; host?: string };
}
interface Container {
  env: { name: string; valueFrom: { secretKeyRef?: object; fieldRef?: { fieldPath: string } } }[];
  args: string[];
  ports: { name: string; containerPort: number }[];
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  securityContext: object;
  resources: { requests: object; limits: object };
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
}
interface PodSpec {
  hostNetwork?: boolean;
  containers: [Container];
  volumes: { name: string; hostPath?: { path: string } }[];
  terminationGracePeriodSeconds: number;
}
interface Manifest {
  kind: string;
  data: Record<string, string>;
  rules: object[];
  spec: {
    template: { spec: PodSpec };
    internalTrafficPolicy?: string;
    ingress: { ports: { port: number }[] }[];
    egress: { to?: object[]; ports?: { port: number }[] }[];
  };
}

function manifests(preset: string) {
  const all = documents(readFileSync(manifestsOf(preset), 'utf8')) as unknown as Manifest[];
  const kind = (name: string) => all.find((one) => one.kind === name);
  const pod = kind('DaemonSet')!.spec.template.spec;
  const [container] = pod.containers;
  const env = Object.fromEntries(
    container.env
      .filter(({ valueFrom }) => valueFrom.secretKeyRef)
      .map(({ name }) => [name, 'https://secret.example']),
  );
  const config: Config = parseConfig(kind('ConfigMap')!.data['lanner.yaml']!, preset, env);
  return { kind, pod, container, config };
}

const types: Record<string, string> = {
  tetragon: 'tetragon',
  'tetragon-localhost': 'tetragon',
  'falco-grpc': 'falco_grpc',
  'falco-http': 'falco_http',
};

describe('deploy/kubernetes', () => {
  it('has the manifests of every preset, and no other', () => {
    const files = readdirSync(join(import.meta.dirname, '../../deploy/kubernetes'));
    expect(files.sort()).toEqual(presets);
    expect(presets).toEqual(Object.keys(types).sort());
  });
});

describe.each(presets)('the manifests of %s', (preset) => {
  it('are rendered from the chart as it is now', () => {
    const text = readFileSync(manifestsOf(preset), 'utf8');
    expect(text.includes(`\n# chart ${chartDigest()}\n`), 'stale: npm run deploy:render').toBe(true);
    expect(readFileSync(join(folderOf(preset), 'kustomization.yaml'), 'utf8')).toBe(kustomization(preset));
  });

  it('are what the Kubernetes schemas allow', async () => {
    const all = documents(readFileSync(manifestsOf(preset), 'utf8'));
    expect(await Promise.all(all.map(schemaProblem))).toEqual(all.map(() => undefined));
  });

  it('hold a configuration that is valid with the Secret alone, for the sensor of the preset', () => {
    const { config } = manifests(preset);
    expect(Object.values(config.sources).map((source) => source.type)).toEqual([types[preset]]);
    expect(Object.keys(config.sinks)).toEqual(['ops']);
    expect(config.exceptions_file).toBe('exceptions.yaml');
    const { data } = manifests(preset).kind('ConfigMap')!;
    expect(parseExceptions(data['exceptions.yaml']!, 'exceptions.yaml')).toEqual([]);
  });

  it('probe where Lanner listens, and reach nothing but the node where they share its network', () => {
    const { config, container, pod } = manifests(preset);
    const [host, port] = config.http.listen.split(':');
    for (const probe of [container.startupProbe, container.livenessProbe])
      expect(probe.httpGet).toMatchObject({ path: '/healthz', port: Number(port) });
    expect(container.readinessProbe.httpGet).toMatchObject({ path: '/readyz', port: Number(port) });
    expect(host).toBe(pod.hostNetwork ? '127.0.0.1' : '0.0.0.0');
    expect(container.readinessProbe.httpGet.host).toBe(pod.hostNetwork ? '127.0.0.1' : undefined);
  });

  it("mount the folder of the sensor's socket, and the state", () => {
    const { config, container, pod } = manifests(preset);
    const [source] = Object.values(config.sources);
    const address = source && 'address' in source ? source.address : '';
    const mounted = new Map(container.volumeMounts.map((one) => [one.name, one]));
    const onNode = new Map(pod.volumes.map((one) => [one.name, one.hostPath?.path]));
    expect(mounted.get('state')?.mountPath).toBe(config.state_dir);
    expect(onNode.get('state')).toBe('/var/lib/lanner');
    const folder = address.startsWith('unix://')
      ? address.slice('unix://'.length).replace(/\/[^/]+$/, '')
      : undefined;
    expect(mounted.get('sensor')?.mountPath).toBe(folder);
    expect(onNode.get('sensor')).toBe(folder);
  });

  it('give no more rights than enrichment needs, and the container none', () => {
    const { kind, container, pod } = manifests(preset);
    expect(kind('ClusterRole')?.rules).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get'] },
    ]);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.env.find((one) => one.name === 'NODE_NAME')?.valueFrom.fieldRef?.fieldPath).toBe(
      'spec.nodeName',
    );
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(manifests(preset).config.shutdown_secs);
    expect(Object.keys(container.resources.requests).sort()).toEqual(['cpu', 'memory']);
  });

  it('let in what the container serves, and no more', () => {
    const { kind, container, pod } = manifests(preset);
    const open = kind('NetworkPolicy')?.spec.ingress.flatMap((rule) => rule.ports.map((one) => one.port));
    const served = container.ports.map((one) => one.containerPort);
    expect(open).toEqual(pod.hostNetwork ? undefined : served);
    const out = kind('NetworkPolicy')?.spec.egress.map(({ to = ['anywhere'], ports = [] }) => [
      to.length,
      ...ports.map((one) => one.port),
    ]);
    // DNS, the API server, pods of the cluster, HTTPS anywhere.
    expect(out).toEqual(pod.hostNetwork ? undefined : [[1, 53, 53], [1, 443, 6443], [1], [1, 443]]);
    expect(kind('Service')?.spec.internalTrafficPolicy).toBe(preset === 'falco-http' ? 'Local' : undefined);
  });
});

describe('the check by the Kubernetes schemas', () => {
  it.each([
    [
      { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'a' }, spec: {} },
      /DaemonSet a: .*selector/,
    ],
    [
      { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'a' }, value: 'high' },
      /value must be integer/,
    ],
    [{ apiVersion: 'apps/v1', kind: 'DaemonSett' }, /no schema of apps\/v1 DaemonSett/],
    [{ apiVersion: 'apps/v9', kind: 'DaemonSet' }, /no schema of apps\/v9/],
  ])('finds %j wrong', async (manifest, problem) => {
    expect(await schemaProblem(manifest)).toMatch(problem);
  });
});
