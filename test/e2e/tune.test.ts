import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { durableStore } from '../../src/deliver/store/durable.ts';
import { recordOf } from '../../src/history/recorder.ts';
import type { Finding } from '../../src/model/finding.ts';
import { fixture } from '../support/fixtures.ts';
import { type Bench, openBench } from '../support/lanner.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

const recording = fixture('recordings/tetragon/scenario-k8s.bin.gz');

/** No group is too small, and none is left out. */
const everything = ['--min-count', '3', '--limit', '1000', '--max-severity', 'high'];

/** Real findings of a recorded scenario, each several times, as a noisy week would have them. */
async function noisy(): Promise<Finding[]> {
  const run = bench.lanner(['replay', recording, '--json', '--no-state']);
  expect(await run.code).toBe(0);
  const found = run
    .out()
    .trim()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Finding);
  return [0, 1, 2].flatMap((round) =>
    found.map((one) => ({
      ...one,
      id: `${one.id.slice(0, -2)}0${round}`,
      exec: { ...one.exec, id: `${one.exec.id}-${round}`, image: { repository: 'registry.example/noisy' } },
    })),
  );
}

it('what tune proposes from the history is accepted by check, hides what it said, and no hard indicator', async () => {
  const findings = await noisy();
  const file = join(bench.folder, 'known.yaml');
  const path = bench.config('sources: {t: {type: tetragon}}\n');
  const store = durableStore(join(bench.folder, 'state'));
  await store.open();
  const records = findings.map((one) => recordOf(one, { hidden: false, sinks: [] }, Date.now()));
  await store.keepHistory(records, { max_bytes: 2 ** 30, before_ms: 0 });
  await store.close();

  const tuned = bench.lanner(['tune', '-c', path, '--json', ...everything, '--apply', file]);
  expect(await tuned.code, tuned.err()).toBe(0);
  const said = JSON.parse(tuned.out()) as { proposals: unknown[]; hidden: Record<string, number> };
  expect(said.proposals.length).toBeGreaterThan(0);
  const checked = bench.lanner(['check', file]);
  expect(await checked.code, checked.err()).toBe(0);

  const exported = join(bench.folder, 'export.jsonl');
  writeFileSync(exported, `${findings.map((one) => JSON.stringify(one)).join('\n')}\n`);
  writeFileSync(path, `${readFileSync(path, 'utf8')}exceptions_file: known.yaml\n`);
  const again = bench.lanner(['tune', exported, '-c', path, '--json', ...everything]);
  expect(await again.code, again.err()).toBe(0);
  const left = JSON.parse(again.out()) as { proposals: unknown[]; seen: Record<string, number> };
  expect(left.proposals).toEqual([]);
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, one) => all + one, 0);
  expect(sum(left.seen)).toBe(new Set(findings.map(({ id }) => id)).size - sum(said.hidden));
  const hard = findings.filter(({ indicators }) => indicators.some((one) => one.hard));
  expect(sum(left.seen)).toBeGreaterThanOrEqual(hard.length);

  const text = bench.lanner(['tune', exported, ...everything]);
  expect(await text.code).toBe(0);
  expect(text.out()).toMatch(/together hides \d+ of \d+ /);
});

it.each([[[]], [['x.jsonl', '--max-severity', 'loud']], [['x.jsonl', '--min-count', '0']]])(
  'lanner tune %j is refused',
  async (args) => {
    expect(await bench.lanner(['tune', ...args]).code).toBe(2);
  },
);
