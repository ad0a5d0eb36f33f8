import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { releaseProblems, sectionOf } from '../../.ci/release.mjs';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

interface Job {
  permissions?: Record<string, string>;
  strategy?: { matrix: { node?: number[] } };
  'timeout-minutes'?: number;
  steps: { uses?: string; run?: string }[];
}
interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, Job>;
}
const folder = '.github/workflows';
const workflows = readdirSync(join(root, folder)).map((file) => {
  const text = read(`${folder}/${file}`);
  return { file, text, workflow: parse(text) as Workflow };
});
const jobs = workflows.flatMap(({ file, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => [`${file} ${name}`, job] as const),
);

describe('the workflows', () => {
  it('name every action by its commit, and say which version that is', () => {
    const uses = workflows.flatMap(({ text }) => [...text.matchAll(/uses: (.*)/g)].map((match) => match[1]!));
    expect(uses.length).toBeGreaterThan(10);
    expect(uses.filter((one) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(one))).toEqual([]);
  });

  it('know one commit for each action', () => {
    const pins = workflows.flatMap(({ text }) => [...text.matchAll(/uses: ([^@]+)@(.*)/g)]);
    const known = new Map(pins.map(([, action, pin]) => [action, pin]));
    expect(pins.filter(([, action, pin]) => known.get(action) !== pin).map(([all]) => all)).toEqual([]);
  });

  it('may read, and write only what each job is for', () => {
    expect(workflows.map(({ workflow }) => workflow.permissions)).toEqual([
      { contents: 'read' },
      { contents: 'read' },
    ]);
    const writes = jobs
      .map(([name, { permissions = {} }]) => [
        name,
        Object.entries(permissions).flatMap(([what, how]) => (how === 'write' ? [what] : [])),
      ])
      .filter(([, what]) => what!.length > 0);
    expect(Object.fromEntries(writes)).toEqual({
      'release.yml npm': ['id-token'],
      'release.yml image': ['packages', 'id-token'],
      'release.yml page': ['contents'],
    });
  });

  it.each(jobs)('%s ends, and puts nothing from outside into a shell', (_name, job) => {
    expect(job['timeout-minutes']).toBeGreaterThan(0);
    const commands = job.steps.map(({ run = '' }) => run).join('\n');
    expect(commands).not.toContain('${{');
  });

  it('test on the versions of Node that .ci/run tests on', () => {
    const others = /for major in ([\d ]+);/.exec(read('.ci/run'))![1]!.split(' ').map(Number);
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const oldest = Number(/\d+/.exec(engines.node)![0]);
    const { test } = workflows.find(({ file }) => file === 'ci.yml')!.workflow.jobs;
    expect(test!.strategy!.matrix.node).toEqual([oldest, ...others]);
  });

  it('run scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const commands = jobs.flatMap(([, { steps }]) => steps.map(({ run = '' }) => run)).join('\n');
    const own = [...commands.matchAll(/npm (?:run (\S+)|(test)\b)/g)].map((match) => match[1] ?? match[2]!);
    expect(own.filter((name) => scripts[name] === undefined)).toEqual([]);
    expect(own).toContain('test:real');
  });
});

describe('a release', () => {
  const fit = {
    manifest: { version: '1.2.3', repository: { url: 'git+https://git.test/x' } },
    lock: { version: '1.2.3' },
    chart: { version: '1.2.3', appVersion: '1.2.3' },
    changelog: '# Changelog\n\n## Unreleased\n\n## 1.2.3 (2026-11-23)\n- Faster.\n\n## 1.2.2\n- Older.\n',
    tag: 'v1.2.3',
  };

  it('goes out where all agree, with its section of the CHANGELOG', () => {
    expect(releaseProblems(fit)).toEqual([]);
    expect(releaseProblems({ ...fit, tag: undefined })).toEqual([]);
    expect(sectionOf(fit.changelog, '1.2.3')).toBe('- Faster.');
  });

  it.each([
    ['the tag', { tag: 'v1.2.4' }, 'the tag is v1.2.4'],
    ['the lock file', { lock: { version: '1.2.2' } }, 'package-lock.json has 1.2.2'],
    ['the chart', { chart: { version: '1.2.3', appVersion: '1.2.2' } }, 'appVersion is 1.2.2'],
    ["the chart's version", { chart: { version: '1.2.2', appVersion: '1.2.3' } }, 'version is 1.2.2'],
    ['no heading', { changelog: '## Unreleased\n- Faster.\n' }, 'no text under a heading `## 1.2.3`'],
    ['an empty section', { changelog: '## 1.2.3\n\n## 1.2.2\n- x\n' }, 'no text under a heading'],
    ['a version like another', { changelog: '## 1.2.30\n- x\n' }, 'no text under a heading'],
    ['no repository', { manifest: { version: '1.2.3' } }, 'repository.url'],
  ])('is held back by %s', (_what, other, problem) => {
    expect(releaseProblems({ ...fit, ...other }).join('\n')).toContain(problem);
  });

  it('has a chart of the same version as the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(parse(read('deploy/helm/lanner/Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });
});
