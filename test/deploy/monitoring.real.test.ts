import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../deploy/monitoring');
const there = spawnSync('promtool', ['--version']).status === 0;
if (!there) process.stderr.write('skipped: promtool is not here\n');

describe.skipIf(!there)('promtool', () => {
  it.each([
    ['check', 'alerts.yaml'],
    ['test', 'alerts.test.yaml'],
  ])('%s rules %s passes', (command, file) => {
    const run = spawnSync('promtool', [command, 'rules', file], { cwd: folder, encoding: 'utf8' });
    expect(run.status, run.stdout + run.stderr).toBe(0);
  });
});
