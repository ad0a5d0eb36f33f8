import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { helm, manifestsOf, presets, render } from '../../.ci/deploy.mjs';

const there = helm('version')?.status === 0;
if (!there) process.stderr.write('skipped: helm is not here\n');

const chart = 'deploy/helm/lanner';
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
    const off = ['networkPolicy.enabled=false', 'rbac.create=false'].flatMap((one) => ['--set', one]);
    const { out } = helm(
      'template',
      'lanner',
      chart,
      '--kube-version',
      '1.30.0',
      ...values('tetragon'),
      ...off,
    )!;
    expect(out).toContain('kind: DaemonSet');
    expect(out).not.toMatch(/kind: (NetworkPolicy|ClusterRole)/);
    expect(out).toContain('automountServiceAccountToken: false');
  });
});
