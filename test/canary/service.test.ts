import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCanary } from '../../src/canary/program.ts';
import { parseConfig } from '../../src/config.ts';
import type { Notice } from '../../src/model/delivery.ts';
import { openService, type Service } from '../../src/service/index.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { falcoExec, falcoJson, type Program, tetragonExec, tetragonJson } from '../support/canary.ts';
import { startFalco } from '../support/falco-server.ts';
import { until } from '../support/fixtures.ts';
import { get, post } from '../support/lanner.ts';
import { openReceiver } from '../support/receiver.ts';
import { startAgent } from '../support/tetragon-agent.ts';

let folder: string;
let stops: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  stops = [];
});
afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A sensor that sees what is given to it, and whatever else it has to say. */
interface Sensor {
  source: string;
  sees(program: Program): unknown;
  /** How many of its alerts were passed on to others. */
  relayed?: () => number;
}

const sensors: Record<string, () => Promise<Sensor>> = {
  async tetragon() {
    const agent = await startAgent(`unix://${folder}/t.sock`);
    stops.push(agent.kill);
    return {
      source: `{type: tetragon, address: "${agent.address}"}`,
      sees: (program) => agent.streams.at(-1)!.write(tetragonExec(program)),
    };
  },
  async tetragon_file() {
    const path = join(folder, 'tetragon.log');
    writeFileSync(path, '');
    return {
      source: `{type: tetragon_file, path: "${path}", poll_ms: 10}`,
      sees: (program) => appendFileSync(path, `${JSON.stringify(tetragonJson(program))}\n`),
    };
  },
  async falco_grpc() {
    const falco = await startFalco({ address: `unix://${folder}/f.sock` });
    stops.push(() => falco.kill());
    return {
      source: `{type: falco_grpc, address: "unix://${folder}/f.sock", poll_max_ms: 50}`,
      sees: (program) => falco.queue.push(falcoExec(program)),
    };
  },
  async falco_http() {
    const before = await openReceiver();
    stops.push(before.close);
    return {
      source: `{type: falco_http, listen: "127.0.0.1:${port}", relay: {url: "${before.url}"}}`,
      sees: (program) => post(`http://127.0.0.1:${port}/`, Buffer.from(JSON.stringify(falcoJson(program)))),
      relayed: () => before.received.length,
    };
  },
};
const port = 20_000 + (process.pid % 20_000);

async function lanner(source: string, see: (args: readonly string[]) => unknown, more = '') {
  const config = parseConfig(
    `version: 1
durable: false
sources: {s: ${source}}
http: {listen: "127.0.0.1:0"}
enrich: {enabled: false}
notices: {look_secs: 0.05}
canary: {enabled: true, interval_secs: 1, within_secs: 0.5, misses: 1}
${more}`,
    'test',
  );
  const runs: (readonly string[])[] = [];
  const service = openService({
    config,
    version: 'test',
    log: silentLog,
    // The real program; what the sensor makes of it is the test's.
    async runCanary(args, signal) {
      runs.push(args);
      await runCanary(args, signal);
      await see(args);
    },
  });
  stops.push(() => service.stop(0));
  const { http } = await service.start();
  return { service, runs, http: http! };
}

const counts = (service: Service) => service.pipeline.counts().get('s')!;

describe.each(Object.keys(sensors))('a canary on the host, with %s', (type) => {
  it('is seen, and is nothing else', async () => {
    const { source, sees, relayed } = await sensors[type]!();
    const { service, runs, http } = await lanner(source, (args) => sees({ args }));
    await until(() => service.health().canary?.[0]?.state === 'seen', 'the canary seen');
    expect(service.health()).toMatchObject({ status: 'ok', reasons: [] });
    expect(counts(service)).toMatchObject({
      execs: 0,
      container_execs: 0,
      judged: 0,
      early_rejected: 0,
      other_alerts: 0,
    });
    expect(counts(service).messages).toBeGreaterThanOrEqual(1);
    const metrics = await get(`${http}/metrics`);
    expect(metrics).toMatch(/lanner_canary_total\{source="s",outcome="seen"\} [1-9]/);
    expect(metrics).toContain('lanner_canary_delay_seconds_count{source="s"}');
    expect(metrics).toContain('lanner_canary_blind{source="s"} 0');
    expect(relayed?.() ?? 0).toBe(0);
    // The same once more, and one that was never run: ordinary execs.
    await sees({ args: runs[0]! });
    await sees({ args: ['--version', `lanner-canary-${'0'.repeat(32)}`] });
    await until(() => counts(service).execs >= 2, 'two execs');
  });

  it('in a container is seen as well', async () => {
    const { source, sees } = await sensors[type]!();
    const { service } = await lanner(source, (args) => sees({ args, container: 'c'.repeat(31) }));
    await until(() => service.health().canary?.[0]?.state === 'seen', 'the canary seen');
    expect(counts(service).container_execs).toBe(0);
  });

  it('that is not reported is told to the sinks, and that it is again', async () => {
    const { source, sees } = await sensors[type]!();
    const receiver = await openReceiver();
    stops.push(receiver.close);
    let sighted = false;
    const { service, http } = await lanner(
      source,
      (args) => (sighted ? sees({ args }) : undefined),
      `sinks: {ops: {type: webhook, url: "${receiver.url}"}}`,
    );
    const notices = () => receiver.received.map(({ body }) => JSON.parse(body.toString()) as Notice);
    await until(() => notices().length > 0, 'a notice');
    expect(notices()[0]).toMatchObject({
      kind: 'sensor_blind',
      state: 'started',
      subject: 's',
      severity: 'high',
    });
    expect(service.health().status).toBe('degraded');
    expect(service.ready()).toMatchObject({ ready: true, status: 'degraded' });
    expect(service.health().reasons.join()).toContain('source s is blind: 1 program start of our own');
    expect(await get(`${http}/metrics`)).toContain('lanner_canary_blind{source="s"} 1');
    sighted = true;
    await until(() => notices().some(({ state }) => state === 'ended'), 'its end');
    expect(service.health().status).toBe('ok');
  });
});

describe('what Tetragon is asked for', () => {
  it('is the canary wherever it runs, while it is on', async () => {
    const agent = await startAgent(`unix://${folder}/t.sock`);
    stops.push(agent.kill);
    const { service } = await lanner(`{type: tetragon, address: "${agent.address}"}`, () => undefined);
    await until(() => agent.requests.length > 0, 'the request');
    const wanted = agent.requests[0]!.allow_list.find((one) => (one.binary_regex as string[]).length > 0)!;
    expect(process.execPath).toMatch(new RegExp((wanted.binary_regex as string[])[0]!));
    expect(`${process.execPath}x`).not.toMatch(new RegExp((wanted.binary_regex as string[])[0]!));
    await service.stop(0);
    const off = await startAgent(`unix://${folder}/u.sock`);
    stops.push(off.kill);
    const without = openService({
      config: parseConfig(
        `version: 1\ndurable: false\nsources: {s: {type: tetragon, address: "${off.address}"}}\nhttp: {enabled: false}\nenrich: {enabled: false}\n`,
        'test',
      ),
      version: 'test',
      log: silentLog,
      runCanary: () => Promise.reject(new Error('no canary was asked for')),
    });
    stops.push(() => without.stop(0));
    await without.start();
    await until(() => off.requests.length > 0, 'the request');
    expect(off.requests[0]!.allow_list.filter((one) => (one.binary_regex as string[]).length > 0)).toEqual(
      [],
    );
    expect(without.health().canary).toBeUndefined();
  });
});
