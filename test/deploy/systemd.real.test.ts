import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const unit = readFileSync(join(import.meta.dirname, '../../deploy/systemd/lanner.service'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'lanner-unit-'));
afterAll(() => rmSync(folder, { recursive: true }));
const there = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!there) process.stderr.write('skipped: systemd-analyze is not here\n');

describe.skipIf(!there)('deploy/systemd/lanner.service', () => {
  const file = join(folder, 'lanner.service');
  // The program need not be installed here.
  writeFileSync(file, unit.replace('/usr/local/bin/lanner', '/bin/true'));

  it('is understood by systemd without a word', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect(stderr.split('\n').filter((line) => line.includes('lanner'))).toEqual([]);
    expect(status).toBe(0);
  });

  it('leaves an exposure of at most 2 of 10', () => {
    const told = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], {
      encoding: 'utf8',
    });
    expect(Number(/Overall exposure level for lanner.service: ([\d.]+)/.exec(told)?.[1])).toBeLessThan(2.01);
  });
});
