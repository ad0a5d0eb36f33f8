import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ExceptionReport } from '../../src/commands/exceptions-report.ts';
import type { ReplaySummary } from '../../src/commands/replay.ts';
import type { Finding } from '../../src/model/finding.ts';
import { type Bench, get, openBench } from '../support/lanner.ts';
import { recordedMessages } from '../support/recordings.ts';
import { startAgent } from '../support/tetragon-agent.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

async function query(path: string, ...args: string[]): Promise<Finding[]> {
  const run = bench.lanner(['history', 'query', '-c', path, '--json', ...args]);
  expect(await run.code, run.err()).toBe(0);
  const text = run.out().trim();
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Finding);
}

async function exceptionsOf(path: string): Promise<ExceptionReport[]> {
  const run = bench.lanner(['exceptions', 'list', '-c', path, '--json']);
  expect(await run.code, run.err()).toBe(0);
  return (JSON.parse(run.out()) as { exceptions: ExceptionReport[] }).exceptions;
}

it('findings are kept while it runs, hidden ones too, and asked for while it runs and after', async () => {
  const messages = recordedMessages('tetragon/scenario-k8s');
  const agent = await startAgent(`unix://${bench.folder}/t.sock`, {
    onStream: (stream) => {
      for (const message of messages) stream.write(message);
    },
  });
  bench.later(agent.kill);
  const path = bench.config(
    `sources: {t: {type: tetragon, address: "${agent.address}"}}\nexceptions: [{name: known, reason: r, match: {severity: ">=info"}}]\n`,
  );
  const run = bench.lanner(['run', '-c', path]);
  await expect.poll(() => run.err(), { timeout: 15_000 }).toContain('lanner runs');
  const metrics = `${run.logged('lanner runs', 'http')}/metrics`;
  const numberOf = async (name: string) =>
    Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await get(metrics))?.[1] ?? 0);
  await expect
    .poll(() => numberOf('lanner_source_messages_total\\{source="t"\\}'), { timeout: 15_000 })
    .toBe(messages.length);
  let before = -1;
  await expect
    .poll(
      async () => {
        const kept = await numberOf('lanner_history_kept_total');
        const settled = kept > 0 && kept === before;
        before = kept;
        return settled;
      },
      { timeout: 15_000, interval: 300 },
    )
    .toBe(true);

  const live = await query(path);
  const missed = await query(path, '--missed');
  expect(missed.length).toBeGreaterThan(0);
  expect(missed.every(({ severity }) => severity === 'none' || severity === 'info')).toBe(true);
  const hidden = await query(path, '--hidden');
  expect(hidden.length).toBeGreaterThan(0);
  expect(hidden.length).toBeLessThan(live.length);
  expect(await query(path, '--exception', 'known')).toEqual(hidden);
  const [working] = await exceptionsOf(path);
  expect(working).toMatchObject({ name: 'known', hits_kept: hidden.length });
  expect(working!.hits_since_start).toBeGreaterThanOrEqual(hidden.length);
  run.child.kill('SIGTERM');
  expect(await run.code).toBe(0);
  const left = await query(path);
  expect(left).toEqual(live);
  const [stopped] = await exceptionsOf(path);
  expect(stopped).toMatchObject({ hits: hidden.length, last: { id: expect.stringMatching(/^f-/) } });
  expect(stopped!.remarks.map(({ is }) => is)).toContain('broken_through');
  expect(stopped).not.toHaveProperty('hits_since_start');

  const [one] = hidden;
  const explained = bench.lanner(['explain', one!.id, '-c', path]);
  expect(await explained.code, explained.err()).toBe(0);
  expect(explained.out()).toContain('known (hide) applies');
  const none = bench.lanner(['explain', 'f-000000000000000000000000', '-c', path]);
  expect(await none.code).toBe(2);

  const file = join(bench.folder, 'export.jsonl.gz');
  writeFileSync(file, gzipSync(`${live.map((finding) => JSON.stringify(finding)).join('\n')}\nno finding\n`));
  const replayed = bench.lanner(['replay', file, '--json', '--no-state']);
  expect(await replayed.code, replayed.err()).toBe(0);
  const lines = replayed.out().trim().split('\n');
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ summary: { messages: live.length, unreadable: 1 } });
  expect(lines.length - 1).toBeGreaterThan(0);
  expect(replayed.err()).toContain(`${file}:${live.length + 1}: no JSON`);
  const piped = bench.lanner(['replay', '-', '--json', '--no-state'], readFileSync(file));
  expect(await piped.code, piped.err()).toBe(0);
  expect(piped.out()).toBe(replayed.out());
  const again = bench.lanner(['replay', 'history', '-c', path, '--json', '--no-state']);
  expect(await again.code, again.err()).toBe(0);
  const { summary } = JSON.parse(again.out().trim().split('\n').at(-1)!) as { summary: ReplaySummary };
  expect(summary.messages).toBe(live.length + missed.length);
  const plain = bench.lanner(['history', 'query', '-c', path, '--limit', '3']);
  expect(await plain.code).toBe(0);
  expect(plain.out().trim().split('\n')).toHaveLength(3);
});
