import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { until } from '../support/fixtures.ts';
import { type Bench, get, openBench, post } from '../support/lanner.ts';
import { openReceiver } from '../support/receiver.ts';
import { recordedLines, recordedMessages } from '../support/recordings.ts';
import { startAgent } from '../support/tetragon-agent.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

const messages = recordedMessages('tetragon/scenario-k8s');

async function agent() {
  const started = await startAgent(`unix://${bench.folder}/tetragon.sock`, {
    onStream: (stream) => {
      for (const message of messages) stream.write(message);
    },
  });
  bench.later(started.kill);
  return started;
}

async function receiver() {
  const opened = await openReceiver();
  bench.later(opened.close);
  return {
    ...opened,
    findings: () => opened.received.map((one) => JSON.parse(one.body.toString()) as Finding),
  };
}

const tetragon = (address: string, url: string, more = '') =>
  bench.config(
    `sources: {t: {type: tetragon, address: "${address}"}}\nsinks: {ops: {type: webhook, url: "${url}", retry_initial_secs: 0.05}}\n${more}`,
  );

describe('lanner run', () => {
  it('reads Tetragon, posts findings, tells of itself, and drains on SIGTERM', async () => {
    const { address } = await agent();
    const { url, received, findings } = await receiver();
    const run = bench.lanner(['run', '--config', tetragon(address, url)]);
    await until(() => received.length > 20 && run.err().includes('lanner runs'), 'findings');
    const http = run.logged('lanner runs', 'http');
    expect(JSON.parse(await get(`${http}/healthz`))).toMatchObject({
      status: 'ok',
      sources: [{ name: 't', state: 'ok', sensor_version: 'v1.7.0' }],
    });
    const metrics = await get(`${http}/metrics`);
    expect(metrics).toContain('lanner_source_messages_total{source="t"} 536');
    expect(metrics).toContain('lanner_source_container_execs_total{source="t"} 105');
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(0);
    expect(findings()[0]).toMatchObject({
      schema: 'lanner.finding/v1',
      exec: { source: 't', node: 'lab-node-1' },
    });
    expect(JSON.stringify(findings())).toContain('s102.lab.invalid');
    for (const line of run.err().trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('reads Falco over HTTP, and passes every alert on to who stood there before', async () => {
    const before = await receiver();
    const { url, received } = await receiver();
    const falco = `{type: falco_http, listen: "127.0.0.1:0", path: /secret, relay: {url: "${before.url}"}}`;
    const run = bench.lanner([
      'run',
      '--config',
      bench.config(`sources: {falco: ${falco}}\nsinks: {ops: {type: webhook, url: "${url}"}}\n`),
    ]);
    await until(() => run.err().includes('listening for Falco'), 'the receiver');
    const at = `http://${run.logged('listening for Falco', 'address')}/secret`;
    const lines = recordedLines('falco/scenario.http').slice(0, 60);
    for (const line of lines) expect(await post(at, line)).toBe(200);
    await until(() => before.received.length === lines.length, 'every alert relayed');
    expect(before.received.map((one) => one.body.toString()).sort()).toEqual(lines.map(String).sort());
    await until(() => received.length > 3, 'findings');
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(0);
  });

  it('keeps what could not be delivered, and delivers it when it runs again', async () => {
    const { address, kill } = await agent();
    const closed = await openReceiver();
    await closed.close();
    const first = bench.lanner(['run', '-c', tetragon(address, closed.url, 'shutdown_secs: 0.2\n')]);
    await until(
      () => first.err().includes('"message":"connected"') && first.err().includes('"message":"lanner runs"'),
      'connected',
    );
    await until(() => existsSync(`${bench.folder}/state/lanner.db`), 'the store');
    const http = first.logged('lanner runs', 'http');
    let waiting = 0;
    // By time, not by count: on a busy machine metrics may answer sooner than the stream is read.
    const deadline = Date.now() + 10_000;
    while (waiting < 20 && Date.now() < deadline)
      waiting = Number(
        /lanner_deliveries_waiting\{sink="ops"\} (\d+)/.exec(await get(`${http}/metrics`))?.[1] ?? 0,
      );
    expect(waiting).toBeGreaterThanOrEqual(20);
    first.child.kill('SIGTERM');
    expect(await first.code).toBe(6);
    kill();
    const { url, received } = await receiver();
    const second = bench.lanner(['run', '-c', tetragon(address, url)]);
    await until(() => received.length >= 20, 'what the first run could not deliver');
    second.child.kill('SIGTERM');
    expect(await second.code).toBe(0);
  });

  it('ends at once on a second signal', async () => {
    const { address } = await agent();
    const hanging = await receiver();
    hanging.answer = () => {};
    const opened = await openReceiver();
    bench.later(opened.close);
    opened.answer = () => {};
    const run = bench.lanner(['run', '-c', tetragon(address, opened.url, 'shutdown_secs: 60\n')]);
    await until(() => opened.received.length > 0, 'an attempt that hangs');
    run.child.kill('SIGTERM');
    await until(() => run.err().includes('"message":"stopping"'), 'stopping');
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(130);
  });

  it('says degraded, and why, while the sensor is not there', async () => {
    const text = `sources: {t: {type: tetragon, address: "unix://${bench.folder}/none.sock"}}\n`;
    const run = bench.lanner(['run', '-c', bench.config(text)]);
    await until(
      () => run.err().includes('socket_missing') && run.err().includes('lanner runs'),
      'the warning',
    );
    const health = JSON.parse(await get(`${run.logged('lanner runs', 'http')}/healthz`)) as {
      status: string;
      reasons: string[];
    };
    expect(health.status).toBe('degraded');
    expect(health.reasons[0]).toMatch(/source t is degraded: .*the unix socket does not exist/);
    run.child.kill('SIGINT');
    expect(await run.code).toBe(0);
  });

  it('refuses a second Lanner on the same state directory', async () => {
    const { address } = await agent();
    const { url } = await receiver();
    const first = bench.lanner(['run', '-c', tetragon(address, url)]);
    await until(() => first.err().includes('lanner runs'), 'the first');
    const second = bench.lanner(['run', '-c', tetragon(address, url)]);
    expect(await second.code).toBe(4);
    expect(second.err()).toContain('[store_locked]');
  });

  it('refuses an address that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    bench.later(() => taken.close());
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const falco = `sources: {f: {type: falco_http, listen: "127.0.0.1:${port}"}}\n`;
    const run = bench.lanner(['run', '-c', bench.config(falco)]);
    expect(await run.code).toBe(4);
    expect(run.err()).toContain('[listen_failed]');
  });
});
