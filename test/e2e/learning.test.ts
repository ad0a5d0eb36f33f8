import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Bench, get, openBench, type Run } from '../support/lanner.ts';
import { recordedMessages } from '../support/recordings.ts';
import { startAgent } from '../support/tetragon-agent.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

interface Answer {
  proposals: { image: string; count: number; exception: { name: string; reason: string } }[];
  suspects: { image: string; reference?: string; finding: string }[];
}

async function proposals(path: string, ...args: string[]): Promise<Answer> {
  const run = bench.lanner(['exceptions', 'proposals', '-c', path, '--json', ...args]);
  expect(await run.code, run.err()).toBe(0);
  return JSON.parse(run.out()) as Answer;
}

async function started(path: string): Promise<Run> {
  const run = bench.lanner(['run', '-c', path]);
  await expect.poll(() => run.err(), { timeout: 15_000 }).toContain('lanner runs');
  return run;
}

it('what a new image does is proposed, over a restart too, and never applied by itself', async () => {
  const messages = recordedMessages('tetragon/scenario-k8s');
  const agent = await startAgent(`unix://${bench.folder}/t.sock`, {
    onStream: (stream) => {
      for (const message of messages) stream.write(message);
    },
  });
  bench.later(agent.kill);
  const path = bench.config(
    `sources: {t: {type: tetragon, address: "${agent.address}"}}\nlearning: {enabled: true, minutes: 10000}\n`,
  );
  const first = await started(path);
  const metrics = `${first.logged('lanner runs', 'http')}/metrics`;
  const seen = async () =>
    [...(await get(metrics)).matchAll(/^lanner_learning_findings_total\{outcome="(\w+)"\} (\d+)/gm)]
      .map(([, outcome, count]) => `${outcome} ${count}`)
      .filter((one) => !one.endsWith(' 0'));
  let before = '';
  await expect
    .poll(
      async () => {
        const now = (await seen()).join();
        const settled = now !== '' && now === before;
        before = now;
        return settled;
      },
      { timeout: 15_000, interval: 300 },
    )
    .toBe(true);
  // The recorded image was attacked while it was new: nothing of it is proposed.
  const live = await proposals(path);
  expect(live.proposals).toEqual([]);
  expect(live.suspects.length).toBeGreaterThan(0);
  for (const one of live.suspects)
    expect(one).toMatchObject({
      image: expect.stringMatching(/^sha256:/),
      finding: expect.stringMatching(/^f-/),
    });
  expect(live.suspects.map(({ reference }) => reference)).toContain('lab.local/shop/web:1.4.2');
  first.child.kill('SIGTERM');
  expect(await first.code).toBe(0);
  expect(await proposals(path)).toEqual(live);
  const again = await started(path);
  expect(await proposals(path)).toEqual(live);
  again.child.kill('SIGTERM');
  expect(await again.code).toBe(0);
  const shown = bench.lanner(['exceptions', 'proposals', '-c', path]);
  expect(await shown.code).toBe(0);
  expect(shown.out()).toContain('nothing is proposed, since it did worse while it was new');
});

it('proposals are written to a file that check accepts; a damaged memory and learning that is off are said', async () => {
  const path = bench.config('sources: {t: {type: tetragon}}\nlearning: {enabled: true}\n');
  expect(await proposals(path)).toEqual({ proposals: [], suspects: [] });
  const run = await started(path);
  run.child.kill('SIGTERM');
  expect(await run.code).toBe(0);
  const memory = join(bench.folder, 'state/learning.json');
  const group = {
    frame: { tool: 'curl', binary: '/usr/bin/curl', repository: 'r/web' },
    words: { args: [['-s'], ['http://api.shop/health']] },
    tool: 'curl',
    place: 'r/web',
    parent: '/bin/sh',
    count: 3,
    severity: 'low',
    first: '2026-11-22T12:00:00.000000000Z',
    last: '2026-11-22T12:30:00.000000000Z',
  };
  const image = { image: 'r/web@sha256:1', first: group.first, groups: [group] };
  writeFileSync(memory, JSON.stringify({ version: 1, images: [image] }));
  const file = join(bench.folder, 'known.yaml');
  const written = await proposals(path, '--apply', file, '--owner', 'web');
  expect(written.proposals).toMatchObject([{ image: 'r/web@sha256:1', count: 3 }]);
  expect(readFileSync(file, 'utf8')).toContain('owner: web');
  const check = bench.lanner(['check', file]);
  expect(await check.code, check.err()).toBe(0);
  expect(check.out()).toContain(written.proposals[0]!.exception.name);

  writeFileSync(memory, '{"version": 1, "images": [{}]}');
  const damaged = bench.lanner(['exceptions', 'proposals', '-c', path]);
  expect(await damaged.code).toBe(5);
  expect(damaged.err()).toContain('learning.json: it is damaged');
  const anew = await started(path);
  expect(anew.err()).toContain('it begins anew');
  expect(await proposals(path)).toEqual({ proposals: [], suspects: [] });
  anew.child.kill('SIGTERM');
  expect(await anew.code).toBe(0);

  const off = bench.lanner([
    'exceptions',
    'proposals',
    '-c',
    bench.config('sources: {t: {type: tetragon}}\n'),
  ]);
  expect(await off.code).toBe(2);
  expect(off.err()).toContain('learning.enabled of the configuration is false');
});
