import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from '../support/fixtures.ts';
import { type Bench, get, openBench } from '../support/lanner.ts';
import { openReceiver } from '../support/receiver.ts';
import { recordedMessages } from '../support/recordings.ts';
import { refused, taken } from '../support/reloading.ts';
import { type Agent, startAgent } from '../support/tetragon-agent.ts';

const messages = recordedMessages('tetragon/scenario-k8s');
let bench: Bench;
let agent: Agent;
beforeEach(async () => {
  bench = openBench();
  agent = await startAgent(`unix://${bench.folder}/tetragon.sock`);
  bench.later(agent.kill);
});
afterEach(() => bench.clean());

/** Runs from a file that is read again on request only. */
async function started() {
  const ops = await openReceiver();
  bench.later(ops.close);
  const write = (more: string) =>
    bench.config(
      `sources: {t: {type: tetragon, address: "${agent.address}"}}\nsinks: {ops: {type: webhook, url: "${ops.url}"}}\nreload: {watch: false}\n${more}`,
    );
  const config = write('');
  const run = bench.lanner(['run', '-c', config]);
  await until(() => run.err().includes('"message":"lanner runs"') && agent.streams.length === 1, 'it runs');
  const lines = (message: string) => run.err().split(`"message":"${message}"`).length - 1;
  return { ops, write, config, run, lines };
}
const hideCurl = 'exceptions: [{name: x, match: {tool: curl}, reason: test}]\n';

describe('SIGHUP to lanner run', () => {
  it('reads the configuration again, keeps the stream and the process, and says what became of it', async () => {
    const { write, run, lines } = await started();
    write(hideCurl);
    run.child.kill('SIGHUP');
    await until(() => lines(taken) === 1, 'the reload');
    write('exceptions: [{name: x, when: "finding.nothing", reason: test}]\n');
    run.child.kill('SIGHUP');
    await until(() => lines(refused) === 1, 'the refusal');
    expect(run.logged(refused, 'why')).toMatch(/lanner\.yaml:8:\d+ exceptions\.0\.when: /);
    const http = run.logged('lanner runs', 'http');
    expect(JSON.parse(await get(`${http}/healthz`))).toMatchObject({
      status: 'degraded',
      config: { refused: { code: 'config_invalid' } },
    });
    const metrics = await get(`${http}/metrics`);
    expect(metrics).toContain('lanner_config_reloads_total{outcome="applied"} 1');
    expect(metrics).toContain('lanner_config_reloads_total{outcome="refused"} 1');
    expect(metrics).toMatch(/lanner_config_info\{hash="[0-9a-f]{12}"\} 1/);
    expect(agent.streams).toHaveLength(1);
    write('log: {level: error}\n');
    run.child.kill('SIGHUP');
    await vi.waitFor(async () => expect(await get(`${http}/healthz`)).toContain('"status": "ok"'), 10_000);
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(0);
    // Below its level from then on.
    expect(lines('stopped')).toBe(0);
  });

  it('before it runs is answered once it does', async () => {
    const config = bench.config(`sources: {t: {type: tetragon, address: "${agent.address}"}}\n`);
    const run = bench.lanner(['run', '-c', config]);
    // The first line of the process is the store's or a source's: the signal handler stands before both.
    await until(() => run.err() !== '', 'its first line');
    run.child.kill('SIGHUP');
    await until(() => run.err().includes('is the one in force'), 'the reload');
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(0);
  });
});

describe('lanner reload', () => {
  it('shows what a change does, and why one was refused', async () => {
    const { ops, write, config, run } = await started();
    const said = async (...args: string[]) => {
      const command = bench.lanner(['reload', '-c', config, ...args]);
      return { code: await command.code, out: command.out(), err: command.err() };
    };
    for (const message of messages) agent.streams[0]!.write(message);
    await until(() => ops.received.length > 20, 'findings');
    expect((await said()).out).toBe('read again: it is the one in force\n');
    write(`${hideCurl}processes: {max_entries: 200}\n`);
    const applied = await said();
    expect(applied.code).toBe(0);
    expect(applied.out).toMatch(
      /^taken over: exceptions\nof the newest \d+ findings and missed execs, [1-9]\d* would not fire/,
    );
    expect(applied.out).toContain('applied by a restart only: processes\n');
    write(`sinks_: {}\n`);
    const broken = await said();
    expect(broken.code).toBe(3);
    expect(broken.err).toContain('lanner.yaml:8:1');
    // Good by itself, and what it names is not there: only the running Lanner finds out.
    writeFileSync(
      config,
      `version: 1\nstate_dir: ${bench.folder}/state\nhttp: {listen: "127.0.0.1:0", token_file: /nowhere}\nenrich: {enabled: false}\nsources: {t: {type: tetragon, address: "${agent.address}"}}\n`,
    );
    const refusal = await said('--json');
    expect(refusal.code).toBe(3);
    expect(JSON.parse(refusal.out)).toMatchObject({ outcome: 'refused', code: 'config_unreadable' });
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(0);
    const nobody = await said();
    expect(nobody.code).toBe(4);
    expect(nobody.err).toContain('[socket_missing]');
  });
});
