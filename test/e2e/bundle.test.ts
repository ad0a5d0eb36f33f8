import { spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startAgent } from '../support/tetragon-agent.ts';

const root = join(import.meta.dirname, '../..');
const released = `${(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version}\n`;
let folder: string;
let main: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanner-bundle-'));
  for (const part of ['dist/main.js', 'dist/commands/demo', 'package.json', 'proto'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  cpSync(join(root, 'dist/bundle'), join(folder, 'dist/bundle'), {
    recursive: true,
    filter: (source) => !source.includes('/cache-'),
  });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  main = join(folder, 'dist/main.js');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const version = () => spawnSync(process.execPath, [main, '--version'], { encoding: 'utf8' });
const cached = (name = '') => {
  const bundle = join(folder, 'dist/bundle');
  const cache = readdirSync(bundle).find((one) => one.startsWith('cache-'));
  return cache === undefined ? undefined : join(bundle, cache, name);
};

describe('compiled code beside the bundle', () => {
  it('is kept at the first run, and read at the next', () => {
    version();
    const kept = readFileSync(cached('lanner.cjs')!);
    expect(version()).toMatchObject({ status: 0, stdout: released });
    expect(readFileSync(cached('lanner.cjs')!).equals(kept)).toBe(true);
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    [
      'zeros at its end, as after a power loss',
      (bytes: Buffer) => Buffer.from(bytes).fill(0, bytes.length / 2),
    ],
    ['something else', () => Buffer.from('not compiled code')],
  ])('is ignored and made anew where it is %s', (_what, spoil) => {
    version();
    const file = cached('lanner.cjs')!;
    const spoiled = spoil(readFileSync(file));
    writeFileSync(file, spoiled);
    expect(version()).toMatchObject({ status: 0, stdout: released, stderr: '' });
    expect(readFileSync(file).equals(spoiled)).toBe(false);
  });

  it.runIf(process.getuid?.() === 0)('is not left in the folder of another user', () => {
    chownSync(join(folder, 'dist/bundle'), 65_534, 65_534);
    expect(version()).toMatchObject({ status: 0, stdout: released });
    expect(cached()).toBeUndefined();
  });
});

describe('what a run loads', () => {
  it('is what its configuration uses', async () => {
    const agent = await startAgent(`unix://${folder}/agent.sock`);
    const config = join(folder, 'lanner.yaml');
    writeFileSync(
      config,
      `version: 1
state_dir: ${folder}/state
http: {listen: "127.0.0.1:0"}
enrich: {enabled: false}
sources: {t: {type: tetragon, address: "${agent.address}", transport: http2}}
sinks: {w: {type: webhook, url: "http://127.0.0.1:9/"}}
`,
    );
    const child = spawn(process.execPath, [main, 'run', '--config', config], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await vi.waitFor(() => expect(agent.streams).toHaveLength(1), { timeout: 15_000 });
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    agent.kill();
    const loaded = readdirSync(cached()!);
    // Nothing was written: the store's thread was not started.
    const unused = /^(lib-|kubeconfig|demo|record|tune|explain|store)/;
    expect(loaded.filter((part) => unused.test(part))).toEqual([]);
    expect(loaded).toContain('lanner.cjs');
  });

  it('is in the package whole: every part that a part asks for', () => {
    const bundle = join(root, 'dist/bundle');
    const parts = readdirSync(bundle).filter((name) => name.endsWith('.cjs'));
    const asked = parts.flatMap((part) =>
      [...readFileSync(join(bundle, part), 'utf8').matchAll(/"\.\/([^"\s/]+\.c?js)"/g)].map(
        (match) => match[1]!,
      ),
    );
    expect([...new Set(asked)].filter((name) => !parts.includes(name))).toEqual([]);
    expect(asked).toContain('lib-undici.cjs');
  });
});

describe("V8's young generation", () => {
  // After a thread was started, too: V8 sets its flags back for each, and may double the size once by then.
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { isMainThread, Worker } from 'node:worker_threads';
    import { withFlagsOfStart } from ${JSON.stringify(join(root, 'dist/young-generation.js'))};
    if (isMainThread) {
      const before = churned();
      const thread = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
      await new Promise((resolve) => thread.once('exit', resolve));
      console.log(Math.max(before, churned()));
    } else withFlagsOfStart(() => {});
    function churned() {
      let kept = [];
      for (let i = 0; i < 3e6; i++) {
        kept.push({ i, list: [i] });
        if (kept.length > 100_000) kept = [];
        if (i % 1_000 === 0) withFlagsOfStart(() => {});
      }
      return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 2 ** 20;
    }`;
  const sizeIn = (command: string) => {
    const file = join(folder, 'churn.mjs');
    writeFileSync(file, script);
    return Number(spawnSync(process.execPath, [file, command], { encoding: 'utf8' }).stdout);
  };

  it('stays small in the service, and grows in a command that ends', () => {
    expect(sizeIn('run')).toBeLessThanOrEqual(8);
    expect(sizeIn('replay')).toBeGreaterThanOrEqual(32);
  });
});
