import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documents, helm, manifestsOf, presets, render, template } from '../../.ci/deploy.mjs';
import { schemaProblem } from '../../.ci/kubernetes-schema.mjs';

const there = helm('version')?.status === 0;
if (!there) process.stderr.write('skipped: helm is not here\n');

const chart = 'deploy/helm/lanner';
const everything = 'test/fixtures/deploy/everything.yaml';
const values = (preset: string) => ['-f', `${chart}/presets/${preset}.yaml`];

describe.skipIf(!there)('helm', () => {
  it.each(presets)('finds nothing to say about preset %s', (preset) => {
    const run = helm('lint', chart, '--strict', '--kube-version', '1.30.0', ...values(preset))!;
    expect(run.status, run.out + run.err).toBe(0);
  });

  it.each(presets)('renders preset %s to deploy/kubernetes', (preset) => {
    expect(render(preset) === readFileSync(manifestsOf(preset), 'utf8'), 'npm run deploy:render').toBe(true);
  });

  it.each([
    ['no source', []],
    ['an unknown value', [...values('tetragon'), '--set', 'imagee.tag=1']],
    ['a port that is none', [...values('tetragon'), '--set', 'http.port=0']],
    [
      'a configuration that takes over what the chart sets',
      [...values('tetragon'), '--set', 'config.version=1'],
    ],
    ['a relative state folder', [...values('tetragon'), '--set', 'state.hostPath=var']],
  ])('refuses %s by the schema of the values', (_what, more) => {
    const run = helm('template', 'lanner', chart, '--kube-version', '1.30.0', ...more)!;
    expect(run.status).not.toBe(0);
    expect(run.err).toContain("values don't meet the specifications of the schema");
  });

  it('leaves out what is switched off', () => {
    const off = ['networkPolicy.enabled=false', 'rbac.create=false', 'priorityClass.create=false'];
    const { out } = template(...values('tetragon'), ...off.flatMap((one) => ['--set', one]))!;
    expect(out).toContain('kind: DaemonSet');
    expect(out).not.toMatch(/kind: (NetworkPolicy|ClusterRole|PriorityClass|PodMonitor)/);
    expect(out).not.toContain('priorityClassName');
    expect(out).toContain('automountServiceAccountToken: false');
  });

  it('restarts pods for what a running Lanner does not take over, and for nothing else', () => {
    const mark = (...more: string[]) =>
      /checksum\/restart: (\w+)/.exec(template(...values('tetragon'), ...more)!.out)?.[1];
    const plain = mark();
    expect(plain).toMatch(/^[0-9a-f]{64}$/);
    expect(mark('--set', 'config.queue.max_messages=7')).toBe(plain);
    expect(mark('--set', 'config.processes.max_entries=200')).not.toBe(plain);
  });

  it('renders everything that is optional to what the schemas allow', async () => {
    const all = documents(template('-f', everything)!.out);
    expect(all.map(({ kind }) => kind).sort()).toEqual([
      'ClusterRole',
      'ClusterRoleBinding',
      'ConfigMap',
      'DaemonSet',
      'NetworkPolicy',
      'PodMonitor',
      'PriorityClass',
      'Service',
      'ServiceAccount',
    ]);
    expect((await Promise.all(all.map(schemaProblem))).filter(Boolean)).toEqual([]);
    const text = JSON.stringify(all);
    for (const part of [
      '"runAsUser":10001,"runAsGroup":0,"runAsNonRoot":true,"fsGroup":0',
      '{"name":"state","emptyDir":{}}',
      '"terminationGracePeriodSeconds":55',
      '{"mountPath":"/etc/lanner-ca","name":"ca","readOnly":true}',
      '"jobLabel":"app.kubernetes.io/name"',
      '"to":[{"ipBlock":{"cidr":"10.0.0.1/32"}}],"ports":[{"protocol":"TCP","port":6443}]',
    ])
      expect(text).toContain(part);
  });

  it('restarts the pods for what a running Lanner cannot take over, and for nothing else', () => {
    const digest = (...more: string[]) =>
      /checksum\/restart: (\w{64})/.exec(template(...values('tetragon'), ...more)!.out)?.[1];
    const exceptions = '[{"name":"a","reason":"a test","match":{"tool":"curl"}}]';
    expect(digest('--set-json', `exceptions=${exceptions}`)).toBe(digest());
    expect(digest('--set', 'config.cluster=c2')).toBe(digest());
    expect(digest('--set', 'config.state.fold_secs=60')).not.toBe(digest());
  });

  it('prefers a priority class that is there already', () => {
    const { out } = template(...values('tetragon'), '--set', 'priorityClassName=system-node-critical')!;
    expect(out).toContain('priorityClassName: system-node-critical');
    expect(out).not.toContain('kind: PriorityClass');
  });

  it('refuses to promise a scraper what listens at localhost', () => {
    const run = template(...values('tetragon-localhost'), '--set', 'podMonitor.enabled=true')!;
    expect(run.status).not.toBe(0);
    expect(run.err).toContain('podMonitor.enabled and hostNetwork');
  });
});
