import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixture } from '../support/fixtures.ts';
import { type Bench, openBench } from '../support/lanner.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

const recording = fixture('recordings/tetragon/scenario-k8s.bin.gz');

function config(name: string, more: string): string {
  const path = join(bench.folder, name);
  writeFileSync(
    path,
    `version: 1\nsources: {t: {type: tetragon}}\nsinks: {ops: {type: webhook, url: "http://127.0.0.1:9/"}}\n${more}`,
  );
  return path;
}

async function against(old: string, now: string, ...more: string[]) {
  const run = bench.lanner(['replay', recording, '--config', now, '--against', old, ...more]);
  return { code: await run.code, out: run.out(), err: run.err() };
}

describe('lanner replay --against', () => {
  it('ends with 0 where nothing differs', async () => {
    const { code, out } = await against(config('a.yaml', ''), config('b.yaml', ''), '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ different: false, newly_fires: { count: 0 } });
    expect((JSON.parse(out) as { unchanged: number }).unchanged).toBeGreaterThan(0);
  });

  it('ends with 1 and names what an exception hides; the other way round it fires newly', async () => {
    const old = config('a.yaml', '');
    const hiding = config('b.yaml', 'exceptions: [{name: known, reason: r, match: {severity: ">=info"}}]\n');
    const gone = await against(old, hiding);
    expect(gone.code).toBe(1);
    expect(gone.out).toContain('(hidden by known)');
    const back = await against(hiding, old, '--json', '--examples', '1');
    expect(back.code).toBe(1);
    const { newly_fires } = JSON.parse(back.out) as { newly_fires: { count: number; examples: unknown[] } };
    expect(gone.out).toContain(`${newly_fires.count} no longer fire`);
    expect(newly_fires.examples).toHaveLength(1);
  });

  it('shows other severities and destinations', async () => {
    const old = config('a.yaml', '');
    const lower = config(
      'b.yaml',
      'exceptions: [{name: k, reason: r, mode: {lower: info}, match: {severity: ">=low"}}]\n',
    );
    const lowered = JSON.parse((await against(old, lower, '--json')).out) as Record<
      string,
      { count: number }
    >;
    expect(lowered.changed_severity!.count).toBeGreaterThan(0);
    expect(lowered.changed_destination!.count).toBe(lowered.changed_severity!.count);
    expect(lowered.no_longer_fires!.count).toBe(0);
  });

  it('refuses what it cannot do', async () => {
    const path = config('a.yaml', '');
    for (const args of [
      ['-', '--against', path],
      [recording, '--against', path, '--deliver'],
      [recording, '--against', path, '--examples', 'x'],
    ]) {
      const run = bench.lanner(['replay', ...args]);
      expect(await run.code).toBe(2);
    }
  });
});
