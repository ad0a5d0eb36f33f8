import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { durableStore } from '../../src/deliver/store/durable.ts';
import { missRecordOf, recordOf } from '../../src/history/recorder.ts';
import type { Finding } from '../../src/model/finding.ts';
import type { Kept, Miss } from '../../src/model/history.ts';
import { fixture } from '../support/fixtures.ts';
import { type Bench, openBench } from '../support/lanner.ts';

let bench: Bench;
let path: string;
let found: Finding[];
beforeEach(async () => {
  bench = openBench();
  path = bench.config('sources: {t: {type: tetragon}}\n');
  const run = bench.lanner([
    'replay',
    fixture('recordings/tetragon/scenario-k8s.bin.gz'),
    '--json',
    '--no-state',
  ]);
  expect(await run.code).toBe(0);
  found = run
    .out()
    .trim()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Finding);
  const store = durableStore(join(bench.folder, 'state'));
  await store.open();
  const all = { max_bytes: 2 ** 30, before_ms: 0 };
  await store.keepHistory(
    found.slice(0, 10).map((one) => recordOf(one, { hidden: false, sinks: [] }, Date.now())),
    all,
  );
  await store.keepMisses([missRecordOf(missed(), Date.now())], [{ id: missed().id, stands_for: 40 }], all);
  await store.close();
});
afterEach(() => bench.clean());

/** A health check that nobody wants to hear of, with a password that nobody shall read. */
function missed(): Miss {
  const { exec, time } = found[0]!;
  const argv = ['curl', '-u', 'probe:geheim', 'http://127.0.0.1:8080/health'];
  return {
    schema: 'lanner.miss/v1',
    id: 'm-000000000000000000000abc',
    time,
    severity: 'none',
    score: 8,
    tool: 'curl',
    category: 'http',
    indicators: [],
    floor: 'low',
    exec: { ...exec, process: { ...exec.process, binary: '/usr/bin/curl', argv, argv_quality: 'exact' } },
  };
}

async function lanner(...args: string[]): Promise<string> {
  const run = bench.lanner(args);
  expect(await run.code, run.err()).toBe(0);
  return run.out();
}
const kept = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Kept);

describe('lanner label', () => {
  it('writes what score reads, once for each exec, and shows in the history', async () => {
    const corpus = join(bench.folder, 'mine.jsonl');
    writeFileSync(
      corpus,
      'not a case\n{"id":"a","label":"benign","event":{"exe":"/bin/ls","argv":["ls"]},"name":"a"}',
    );
    const label = (id: string, what: string, ...more: string[]) =>
      lanner('label', id, what, '-c', path, '--corpus', corpus, ...more);
    const first = found[0]!.id;
    await label(first, 'expected', '--note', 'backup, token=abcdefgh123');
    await label(missed().id, 'malicious');
    const said = JSON.parse(await label(first, 'malicious', '--json')) as object;
    expect(said).toMatchObject({ replaced: true, cases: 4 });
    const lines = readFileSync(corpus, 'utf8').trim().split('\n');
    expect(lines.slice(0, 2)).toEqual(['not a case', expect.stringContaining('"id":"a"')]);
    expect(lines).toHaveLength(4);
    expect(JSON.parse(lines[2]!)).toMatchObject({ id: first, label: 'alert', minSeverity: 'low' });
    expect(readFileSync(corpus, 'utf8')).not.toContain('geheim');
    expect(existsSync(`${corpus}.lock`)).toBe(false);

    const scored = bench.lanner(['score', corpus, '--json']);
    expect(await scored.code, scored.err()).toBe(0);
    expect(scored.err()).toContain(`${corpus}:1: no JSON`);
    expect(JSON.parse(scored.out())).toMatchObject({ cases: 3, counts: { TP: 1, MISS: 1, TN: 1 } });

    const [labelled] = kept(await lanner('history', 'query', '-c', path, '--json', '--label', 'malicious'));
    expect(labelled).toMatchObject({ id: first, label: { is: 'malicious' } });
    expect(await lanner('history', 'query', '-c', path, '--missed')).toMatch(
      /did not fire, score 8, 1 of 40\) \(malicious\)/,
    );
  });

  it.each([[['f-000000000000000000000000', 'expected']], [['f-1', 'perhaps']]])(
    'refuses %j',
    async (args) => {
      expect(await bench.lanner(['label', ...args, '-c', path]).code).toBe(2);
    },
  );
});

describe('lanner history export', () => {
  it('as JSON lines holds findings, misses and labels, and is read by replay and score', async () => {
    await lanner('label', found[1]!.id, 'malicious', '-c', path);
    const out = join(bench.folder, 'all.jsonl.gz');
    expect(JSON.parse(await lanner('history', 'export', '-c', path, '--out', out, '--json'))).toMatchObject({
      findings: 10,
      misses: 1,
    });
    const replayed = kept(await lanner('replay', out, out, '--json', '--no-state'));
    expect(replayed.at(-1)).toMatchObject({ summary: { messages: 11, repeats: 11 } });
    const scored = JSON.parse(await lanner('score', out, '--json')) as { cases: number };
    expect(scored.cases).toBe(1);
    expect((await lanner('history', 'export', '-c', path, '--out', '-')).trim().split('\n')).toHaveLength(11);
  });

  it('as SQLite is a store that a Lanner goes on with, without deliveries', async () => {
    const out = join(bench.folder, 'copy.db');
    await lanner('history', 'export', '-c', path, '--out', out);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(await bench.lanner(['history', 'export', '-c', path, '--out', out]).code).toBe(2);
    const elsewhere = join(bench.folder, 'elsewhere');
    const store = durableStore(elsewhere);
    await store.open();
    await store.close();
    writeFileSync(join(elsewhere, 'lanner.db'), readFileSync(out));
    const config = join(bench.folder, 'other.yaml');
    writeFileSync(config, `version: 1\nstate_dir: ${elsewhere}\nsources: {t: {type: tetragon}}\n`);
    expect(kept(await lanner('history', 'query', '-c', config, '--json'))).toHaveLength(10);
    expect(kept(await lanner('history', 'query', '-c', config, '--json', '--missed'))[0]).toMatchObject({
      stands_for: 40,
    });
  });
});
