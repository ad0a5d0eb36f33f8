import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const source = join(import.meta.dirname, '../../deploy/systemd');
const unit = readFileSync(join(source, 'lanner.service'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'lanner-unit-'));
afterAll(() => rmSync(folder, { recursive: true }));
const there = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!there) process.stderr.write('skipped: systemd-analyze is not here\n');

/** The unit as installed, with drop-ins. */
function installed(name: string, ...dropIns: string[]): string {
  const at = join(folder, name);
  mkdirSync(join(at, 'lanner.service.d'), { recursive: true });
  // The program need not be installed here.
  writeFileSync(join(at, 'lanner.service'), unit.replace('/usr/local/bin/lanner', '/bin/true'));
  for (const one of dropIns) copyFileSync(join(source, one), join(at, 'lanner.service.d', one));
  return join(at, 'lanner.service');
}

describe.skipIf(!there).each([
  ['lanner.service', installed('plain'), /: (\d\.\d) of 10/],
  ['lanner.service with root.conf', installed('root', 'root.conf'), /with root\.conf (\d\.\d)\./],
])('%s', (_name, file, stated) => {
  it('is understood by systemd without a word', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect(stderr.split('\n').filter((line) => line.includes('lanner'))).toEqual([]);
    expect(status).toBe(0);
  });

  it('leaves an exposure of at most 2 of 10, and about what the unit says', () => {
    const told = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], {
      encoding: 'utf8',
    });
    const exposure = Number(/Overall exposure level for lanner.service: ([\d.]+)/.exec(told)?.[1]);
    expect(exposure).toBeLessThan(2.01);
    // Other versions of systemd weigh a little differently.
    expect(Math.abs(exposure - Number(stated.exec(unit)?.[1]))).toBeLessThan(0.41);
  });
});
