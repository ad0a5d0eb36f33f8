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
const exception = (more: string) => `exceptions:\n  - {name: known, reason: tested here, ${more}}\n`;

function config(text: string): string {
  return bench.config(`sources: {t: {type: tetragon}}\n${text}`);
}

describe('lanner check', () => {
  it('refuses CEL that does not type-check, with its position', async () => {
    const run = bench.lanner(['check', config(exception('when: "finding.tol == \'curl\'"'))]);
    expect(await run.code).toBe(3);
    expect(run.err()).toMatch(
      /lanner\.yaml:7:\d+ exceptions\.0\.when: at 1:8 of the CEL: there is no field tol/,
    );
  });

  it('warns of an exception that has expired', async () => {
    const run = bench.lanner([
      'check',
      config(exception('owner: web, expires: "2020-01-01", match: {tool: curl}')),
    ]);
    expect(await run.code).toBe(0);
    expect(run.err()).toContain('the exception known of web expired 2020-01-01');
    expect(run.out()).toContain('exceptions  known');
  });

  it('reads the file of exceptions beside the configuration, and that file by itself', async () => {
    const file = join(bench.folder, 'known.yaml');
    const path = config('exceptions_file: known.yaml\n');
    const missing = bench.lanner(['check', path]);
    expect(await missing.code).toBe(3);
    expect(missing.err()).toContain('[config_unreadable]');
    writeFileSync(file, exception('match: {tool: curl}'));
    for (const [asked, said] of [
      [path, 'exceptions  known'],
      [file, 'exceptions  known'],
    ] as const) {
      const run = bench.lanner(['check', asked]);
      expect(await run.code, run.err()).toBe(0);
      expect(run.out()).toContain(said);
    }
    writeFileSync(file, exception('match: {tol: curl}'));
    const broken = bench.lanner(['check', path]);
    expect(await broken.code).toBe(3);
    expect(broken.err()).toContain('known.yaml:2');
  });

  it('refuses one name in both files', async () => {
    writeFileSync(join(bench.folder, 'known.yaml'), exception('match: {tool: curl}'));
    const run = bench.lanner([
      'check',
      config(`exceptions_file: known.yaml\n${exception('match: {tool: nc}')}`),
    ]);
    expect(await run.code).toBe(3);
    expect(run.err()).toContain('there is an exception known in');
  });
});

it('lanner explain shows each exception that was looked at', async () => {
  const path = config(
    `${exception('match: {tool: curl}')}  - {name: other, reason: r, match: {tool: wget}}\n  - {name: pod, reason: r, match: {node: x}}\n`,
  );
  const run = bench.lanner(['explain', '-c', path, '--command', 'curl http://192.0.2.1/']);
  expect(await run.code).toBe(0);
  expect(run.out()).toContain('known (hide) applies: tool is curl');
  expect(run.out()).toContain('other (hide) does not match');
  expect(run.out()).toContain('pod (hide) cannot be decided and does not apply: the node is not known');
  expect(run.out()).toContain('the finding is hidden');
});

it('lanner replay leaves out what is hidden, and nothing with a hard indicator', async () => {
  const findingsOf = async (args: string[]) => {
    const run = bench.lanner(['replay', recording, '--json', ...args]);
    expect(await run.code).toBe(0);
    return run
      .out()
      .trim()
      .split('\n')
      .slice(0, -1)
      .map(
        (line) =>
          JSON.parse(line) as { indicators: { hard: boolean }[]; exceptions?: { applied: boolean }[] },
      );
  };
  const all = await findingsOf([]);
  const left = await findingsOf(['-c', config(exception('match: {severity: ">=info"}'))]);
  const isHard = (one: { indicators: { hard: boolean }[] }) => one.indicators.some(({ hard }) => hard);
  expect(all.some((one) => !isHard(one))).toBe(true);
  expect(left.length).toBeGreaterThan(0);
  expect(left.every(isHard)).toBe(true);
  expect(left.every(({ exceptions }) => exceptions?.[0]?.applied === false)).toBe(true);
});

it('lanner exceptions list says what is to be mended, and with --strict ends with 1', async () => {
  const path = config(exception('owner: web, expires: "2020-01-01", match: {tool: curl}'));
  const list = bench.lanner(['exceptions', 'list', '-c', path]);
  expect(await list.code, list.err()).toBe(0);
  expect(list.out()).toMatch(/^known {2}hide, 0 hits, owner web, expires 2020-01-01$/m);
  expect(list.out()).toContain('  expired: it expired 2020-01-01 and does not apply any more');
  expect(list.out()).toContain('  never hit: it never applied');
  const strict = bench.lanner(['exceptions', 'list', '-c', path, '--strict']);
  expect(await strict.code).toBe(1);
  const wrong = bench.lanner(['exceptions', 'list', '-c', path, '--severe', 'bad']);
  expect(await wrong.code).toBe(2);
});

describe('presets', () => {
  it('are off until they are named, and then hide what they are for', async () => {
    const nc = ['--command', 'nc 203.0.113.9 4444', '--image', 'nicolaka/netshoot:v0.13'];
    const off = bench.lanner(['explain', '-c', config(''), ...nc]);
    expect(await off.code).toBe(0);
    expect(off.out()).not.toContain('preset-');
    const on = bench.lanner(['explain', '-c', config('exceptions_presets: [consul, netshoot]\n'), ...nc]);
    expect(await on.code).toBe(0);
    expect(on.out()).toContain('preset-consul (hide) does not match: tool is netcat');
  });

  it('are refused by another name, and where an exception has the same', async () => {
    const unknown = bench.lanner(['check', config('exceptions_presets: [netshot]\n')]);
    expect(await unknown.code).toBe(3);
    expect(unknown.err()).toMatch(
      /lanner\.yaml:\d+:\d+ exceptions_presets\.0: there is no preset "netshot"\. Known: consul, /,
    );
    const own = exception('match: {tool: curl}').replace('known', 'preset-consul');
    const twice = bench.lanner(['check', config(`exceptions_presets: [consul]\n${own}`)]);
    expect(await twice.code).toBe(3);
    expect(twice.err()).toContain('preset-consul is the name of an exception of a preset');
  });

  it('are listed and shown', async () => {
    const list = bench.lanner(['exceptions', 'presets']);
    expect(await list.code).toBe(0);
    expect(list.out()).toMatch(/^netshoot +\S/m);
    const one = bench.lanner(['exceptions', 'presets', 'netshoot', '--json']);
    expect(await one.code).toBe(0);
    expect(JSON.parse(one.out())).toMatchObject({ name: 'netshoot', exceptions: [{ mode: 'hide' }, {}] });
    const none = bench.lanner(['exceptions', 'presets', 'netshot']);
    expect(await none.code).toBe(2);
    expect(none.err()).toContain('did you mean netshoot?');
  });
});
