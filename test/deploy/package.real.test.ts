import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

describe('the package for npm', () => {
  let folder: string;
  let packed: { filename: string; size: number; files: { path: string }[] };
  const at = (command: string, ...args: string[]) =>
    spawnSync(command, args, { cwd: join(folder, 'host'), encoding: 'utf8' });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lanner-package-'));
    mkdirSync(join(folder, 'host'));
    writeFileSync(join(folder, 'host/package.json'), '{"private": true}\n');
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    [packed] = JSON.parse(execFileSync('npm', pack, { cwd: root, encoding: 'utf8' })) as [typeof packed];
    const install = at(
      'npm',
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      join(folder, packed.filename),
    );
    expect(install.status, install.stderr).toBe(0);
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('runs its demo where it was installed, without install scripts', () => {
    const demo = at('npx', 'lanner', 'demo', '--speed', '0');
    expect(demo.status, demo.stderr).toBe(0);
    expect(demo.stdout.trim().split('\n').at(-1)).toMatch(/^delivered [1-9]\d* lost 0$/);
  });

  it('has every file that stands beside the sources, the bundle, and nothing else of dist/', () => {
    const paths = packed.files.map(({ path }) => path);
    const beside = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name).replace(join(root, 'src'), 'dist'));
    expect(beside.length).toBeGreaterThan(0);
    expect(beside.filter((path) => !paths.includes(path))).toEqual([]);
    const others = paths.filter((path) => path.startsWith('dist/') && !beside.includes(path));
    expect(others.filter((path) => !/^dist\/(main\.js|bundle\/[^/]+\.cjs)$/.test(path))).toEqual([]);
  });

  it('says what is wrong with a configuration', () => {
    writeFileSync(join(folder, 'host/bad.yaml'), 'version: 1\nsinks: {w: {type: webhok}}\n');
    const check = at('npx', 'lanner', 'check', 'bad.yaml');
    expect(check.status).toBe(3);
    expect(check.stderr + check.stdout).toContain('webhok');
  });
});
