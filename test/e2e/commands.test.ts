import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixture } from '../support/fixtures.ts';
import { type Bench, openBench, type Run } from '../support/lanner.ts';
import { openReceiver } from '../support/receiver.ts';
import { recordedLines, recordedMessages } from '../support/recordings.ts';
import { startAgent } from '../support/tetragon-agent.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

const recording = fixture('recordings/tetragon/scenario-k8s.bin.gz');

async function linesOf(run: Run): Promise<Record<string, unknown>[]> {
  expect(await run.code).toBe(0);
  return run
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('exit codes', () => {
  it.each([
    ['an unknown command', () => ['bogus'], 2],
    ['a missing option', () => ['run'], 2],
    ['help', () => ['--help'], 0],
    ['a missing configuration', () => ['check', `${bench.folder}/none.yaml`], 3],
    ['a wrong configuration', () => ['check', bench.config('sources: {t: {type: nope}}\n')], 3],
    ['a right configuration', () => ['check', bench.config('sources: {t: {type: tetragon}}\n')], 0],
    ['a missing recording', () => ['replay', `${bench.folder}/none.bin`], 5],
    [
      'an unknown source',
      () => ['record', 'x', '-c', bench.config('sources: {t: {type: tetragon}}\n'), '-o', '-'],
      2,
    ],
  ])('%s', async (_what, args, code) => {
    const run = bench.lanner(args());
    expect(await run.code).toBe(code);
    if (code === 3) expect(run.err()).toMatch(/\[config_(invalid|unreadable)\]/);
  });
});

describe('lanner check', () => {
  it('shows the configuration with its defaults and without its secrets', async () => {
    const path = bench.config(
      'sources: {t: {type: tetragon}}\nsinks: {ops: {type: webhook, url: "https://hooks.example/T0/hunter2", auth: {bearer: hunter2}, headers: {x-key: hunter2}}}\n',
    );
    const run = bench.lanner(['check', path, '--json']);
    expect(await run.code).toBe(0);
    expect(run.out()).not.toContain('hunter2');
    expect(JSON.parse(run.out())).toMatchObject({
      sources: { t: { address: 'unix:///var/run/tetragon/tetragon.sock' } },
    });
  });

  it('touches nothing', async () => {
    const run = bench.lanner(['check', bench.config('sources: {t: {type: tetragon}}\n')]);
    expect(await run.code).toBe(0);
    expect(() => readFileSync(`${bench.folder}/state`)).toThrow(/ENOENT/);
  });
});

describe('lanner replay', () => {
  it('writes findings as JSON lines and a summary last', async () => {
    const lines = await linesOf(bench.lanner(['replay', recording, '--json']));
    const { summary } = lines.pop() as { summary: Record<string, number> };
    expect(summary).toEqual({
      messages: 536,
      execs: 272,
      container_execs: 105,
      findings: lines.length,
      unreadable: 0,
    });
    expect(lines.every((line) => line.schema === 'lanner.finding/v1')).toBe(true);
  });

  it('reads standard input, and several files one after the other', async () => {
    const http = readFileSync(fixture('recordings/falco/scenario.http.jsonl.gz'));
    const stdin = await linesOf(bench.lanner(['replay', '-', '--json', '--form', 'falco'], http));
    expect(stdin.at(-1)).toMatchObject({ summary: { messages: 125, unreadable: 0 } });
    const two = ['bad-utf8', 'internal'].map((name) => fixture(`recordings/falco/${name}.bin.gz`));
    const both = await linesOf(bench.lanner(['replay', ...two, '--json']));
    expect(both.at(-1)).toMatchObject({ summary: { messages: 87, unreadable: 0 } });
  });

  it('folds the execs of one command into one finding, unless each is to be judged by itself', async () => {
    const folded = await linesOf(bench.lanner(['replay', recording, '--json']));
    const single = await linesOf(bench.lanner(['replay', recording, '--json', '--no-state']));
    expect(single.length).toBeGreaterThan(folded.length);
    const off = bench.config(
      'sources: {t: {type: tetragon}}\nstate: {fold_secs: 0, seen_secs: 0, chain_secs: 0}\n',
    );
    const switchedOff = await linesOf(bench.lanner(['replay', recording, '--json', '-c', off]));
    expect(switchedOff.at(-1)).toEqual(single.at(-1));
  });

  it('delivers only when told to', async () => {
    const receiver = await openReceiver();
    bench.later(receiver.close);
    const path = bench.config(
      `sources: {t: {type: tetragon}}\nsinks: {ops: {type: webhook, url: "${receiver.url}"}}\n`,
    );
    await linesOf(bench.lanner(['replay', recording, '-c', path, '--json']));
    expect(receiver.received).toHaveLength(0);
    const lines = await linesOf(bench.lanner(['replay', recording, '-c', path, '--json', '--deliver']));
    expect(receiver.received).toHaveLength(lines.length - 1);
  });
});

describe('lanner record', () => {
  it.each([
    ['plain', 'out.bin', []],
    ['gzipped', 'out.bin.gz', []],
    ['redacted', 'out.bin.gz', ['--redact']],
  ])('writes a %s file that replay reads like the stream', async (_what, name, flags) => {
    const agent = await startAgent(`unix://${bench.folder}/t.sock`, {
      onStream: (stream) => {
        for (const message of recordedMessages('tetragon/scenario-k8s')) stream.write(message);
      },
    });
    bench.later(agent.kill);
    const out = join(bench.folder, name);
    const path = bench.config(`sources: {t: {type: tetragon, address: "${agent.address}"}}\n`);
    const run = bench.lanner([
      'record',
      't',
      '-c',
      path,
      '--out',
      out,
      '--messages',
      '536',
      '--json',
      ...flags,
    ]);
    expect(await run.code).toBe(0);
    expect(JSON.parse(run.out())).toEqual({ source: 't', out, messages: 536, dropped: 0 });
    const replayed = await linesOf(bench.lanner(['replay', out, '--json']));
    const original = await linesOf(bench.lanner(['replay', recording, '--json']));
    expect(replayed.at(-1)).toEqual(original.at(-1));
  });
});

describe('lanner judge', () => {
  it('gives one line for each line, whatever it holds', async () => {
    const tetragon = recordedLines('tetragon/scenario-k8s.export').slice(0, 40);
    const run = bench.lanner(['judge', '-'], `${tetragon.join('\n')}\nnot json\n{"output_fields":{}}\n[]\n`);
    const lines = await linesOf(run);
    expect(lines).toHaveLength(43);
    expect(lines[0]?.id).toMatch(/^[A-Za-z0-9+/=]{20,}$/);
    expect(lines.slice(40).map(({ id, severity }) => [id, severity])).toEqual([
      ['41', 'none'],
      ['42', 'none'],
      ['43', 'none'],
    ]);
    expect(run.err()).toMatch(/43 lines, \d unreadable, [\d.]+ µs/);
  });
});

describe('lanner demo', () => {
  it('shows the main job and ends by itself', async () => {
    const run = bench.lanner(['demo', '--speed', '0']);
    expect(await run.code).toBe(0);
    const lines = run.out().trim().split('\n');
    expect(lines.at(-1)).toMatch(/^delivered [1-9]\d* lost 0$/);
    expect(lines.at(-2)).toContain('536 events read');
    expect(run.out()).toContain('CRITICAL');
    expect(run.err()).toBe('');
  });

  it('gives findings and summary to tools', async () => {
    const lines = await linesOf(bench.lanner(['demo', '--speed', '0', '--json']));
    const { summary } = lines.pop() as unknown as { summary: Record<string, number> };
    expect(summary).toMatchObject({
      messages: 536,
      findings: lines.length,
      delivered: lines.length,
      lost: 0,
    });
    expect(new Set(lines.map(({ schema }) => schema))).toEqual(new Set(['lanner.finding/v1']));
  });
});

describe('lanner check, of canaries', () => {
  it('warns of a source that may never report them, and of no other', async () => {
    const run = bench.lanner([
      'check',
      bench.config(
        'sources: {a: {type: tetragon, deny: [{namespace: [""]}]}, b: {type: falco_http}}\ncanary: {enabled: true}\n',
      ),
    ]);
    expect(await run.code).toBe(0);
    expect(run.err()).toContain('warning: the source a may never report the canary: the filter deny[0]');
    expect(run.err()).not.toContain('source b');
    const wrong = bench.lanner([
      'check',
      bench.config('sources: {a: {type: tetragon}}\ncanary: {sources: [b]}\n'),
    ]);
    expect(await wrong.code).toBe(3);
    expect(wrong.err()).toContain('canary.sources: there is no source "b". Known: a');
  });
});
