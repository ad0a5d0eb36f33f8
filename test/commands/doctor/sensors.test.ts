import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canary } from '../../../src/commands/doctor/canary.ts';
import type { Checkup } from '../../../src/commands/doctor/check.ts';
import { clock } from '../../../src/commands/doctor/clock.ts';
import { falcoConsumers, falcoGrpc, falcoHttp, falcoSettings } from '../../../src/commands/doctor/falco.ts';
import { losses } from '../../../src/commands/doctor/losses.ts';
import { socketModes } from '../../../src/commands/doctor/socket-modes.ts';
import { tetragon } from '../../../src/commands/doctor/tetragon.ts';
import { hostAt } from '../../../src/commands/host/host.ts';
import { rulesFile } from '../../../src/commands/init/advice.ts';
import { tetragonExec } from '../../support/canary.ts';
import { type CheckupBench, openCheckup } from '../../support/checkup.ts';
import { startFalco } from '../../support/falco-server.ts';
import { until } from '../../support/fixtures.ts';
import { falco43, falco44 } from '../../support/planted-host.ts';
import { openReceiver } from '../../support/receiver.ts';
import { startAgent } from '../../support/tetragon-agent.ts';

let bench: CheckupBench;
beforeEach(() => {
  bench = openCheckup();
});
afterEach(() => bench.clean());

const look: CheckupBench['look'] = (check, yaml, more) => bench.look(check, yaml, more);
const source = (text: string) => `sources: {s: {${text}}}`;
const some = 'sources: {s: {type: falco_http}}';

describe('Tetragon', () => {
  const agentAt = async (version = 'v1.7.0') => {
    const agent = await startAgent(`unix://${bench.folder}/t.sock`, { version });
    bench.later(agent.kill);
    return agent;
  };
  const yaml = () => source(`type: tetragon, address: "unix://${bench.folder}/t.sock"`);

  it('that sees this host', async () => {
    const agent = await agentAt();
    const clocks: Checkup['clocks'] = [];
    const runCanary = async (args: readonly string[]) => {
      await until(() => agent.streams.length > 0, 'the stream');
      agent.streams[0]!.write(tetragonExec({ args }));
    };
    const [first, second] = await look(tetragon, yaml(), { runCanary, clocks });
    expect(first).toBe('ok source s: Tetragon v1.7.0 answers');
    expect(second).toMatch(/^ok source s: reports a program start of this host after \d+ ms$/);
    expect(clocks).toEqual([{ of: 'source s', skew_ms: expect.any(Number) }]);
    expect(await look(clock, some, { clocks })).toEqual(['ok clock: agrees with source s']);
  });

  it('that answers and sees nothing', async () => {
    await agentAt();
    expect((await look(tetragon, yaml(), { timeoutMs: 1_500 }))[1]).toContain(
      'error source s: reported no program start of this host within 1.5 s',
    );
    const denied = source(
      `type: tetragon, address: "unix://${bench.folder}/t.sock", deny: [{namespace: [""]}]`,
    );
    expect((await look(tetragon, denied, { timeoutMs: 1_500 }))[1]).toContain('skipped source s');
  });

  it.each([
    ['v1.2.1', 'ignores the filter for containers'],
    ['v1.3.0', 'tells no ancestors above the parent'],
  ])('of version %s', async (version, said) => {
    await agentAt(version);
    expect((await look(tetragon, yaml(), { timeoutMs: 1_000 }))[1]).toContain(said);
  });

  it('that is not there', async () => {
    expect(await look(tetragon, yaml())).toEqual([
      expect.stringContaining('error source s: Tetragon at unix://'),
    ]);
  });

  it('whose file is there, or not', async () => {
    const path = join(bench.folder, 'tetragon.log');
    const config = source(`type: tetragon_file, path: ${path}, poll_ms: 10`);
    expect((await look(tetragon, config))[0]).toContain('error source s');
    writeFileSync(path, '');
    const found = await look(tetragon, config, { timeoutMs: 1_000 });
    expect(found[0]).toBe(`ok source s: ${path} is readable`);
    expect(found[1]).toContain('skipped source s: reported no program start');
  });
});

describe('the sockets', () => {
  it.each([
    [0o660, /^ok source s: .* mode 660$/],
    [0o666, /^warn source s: .* mode 666: everybody on this host may open it/],
  ])('of mode %i', async (mode, said) => {
    await bench.host.socket('/run/t.sock');
    chmodSync(join(bench.host.root, 'run/t.sock'), mode);
    const [found] = await look(socketModes, source('type: tetragon, address: "unix:///run/t.sock"'));
    expect(found).toMatch(said);
  });

  it('that are not there, or none', async () => {
    expect(await look(socketModes, source('type: tetragon'))).toEqual([]);
    expect(await look(socketModes, source('type: tetragon, address: "localhost:54321"'))).toEqual([]);
  });
});

describe('Falco over gRPC', () => {
  it('is asked for its version, and no alert is taken from its queue', async () => {
    const falco = await startFalco({ address: `unix://${bench.folder}/f.sock` });
    bench.later(falco.kill);
    falco.queue.push(Buffer.from('an alert'));
    const config = source(`type: falco_grpc, address: "unix://${bench.folder}/f.sock"`);
    expect((await look(falcoGrpc, config))[0]).toContain('ok source s: Falco 0.43.1 answers');
    expect([falco.queue.length, falco.requests]).toEqual([1, { get: 0, sub: 0 }]);
    falco.kill();
    expect((await look(falcoGrpc, config))[0]).toContain('error source s: Falco at');
  });

  it('has other clients, or none', async () => {
    const path = join(bench.folder, 'f.sock');
    const clients: Socket[] = [];
    const server = createServer((socket) => void clients.push(socket));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    bench.later(() => new Promise((resolve) => server.close(resolve)));
    const config = source(`type: falco_grpc, address: "unix://${path}"`);
    const here = { host: hostAt('/') };
    expect((await look(falcoConsumers, config, here))[0]).toContain(
      "ok source s: no other client of Falco's gRPC output",
    );
    const other = createConnection(path);
    bench.later(() => other.destroy());
    await until(() => clients.length === 1, 'the client');
    expect((await look(falcoConsumers, config, here))[0]).toContain(
      "error source s: other clients of Falco's gRPC output: 1;",
    );
    // Our own running Lanner is none.
    expect((await look(falcoConsumers, config, { ...here, running: { reasons: [] } }))[0]).toContain(
      'ok source s',
    );
    expect((await look(falcoConsumers, config))[0]).toContain('skipped source s');
  });

  it('over TCP names who is connected', async () => {
    const clients: Socket[] = [];
    const server = createServer((socket) => void clients.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    bench.later(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as { port: number };
    const config = source(`type: falco_grpc, address: "127.0.0.1:${port}"`);
    const other = createConnection(port, '127.0.0.1');
    bench.later(() => other.destroy());
    await until(() => clients.length === 1, 'the client');
    expect((await look(falcoConsumers, config, { host: hostAt('/') }))[0]).toContain(
      `(connected: ${process.pid} `,
    );
  });
});

describe("Falco's settings", () => {
  const plant = (version: string, text: string) => {
    bench.host.file(
      '/var/lib/dpkg/status',
      `Package: falco\nStatus: install ok installed\nVersion: ${version}\n\n`,
    );
    bench.host.file('/etc/falco/falco.yaml', text);
  };
  const grpc = source('type: falco_grpc');
  const on = falco43.replaceAll('enabled: false', 'enabled: true');

  it('are as they should be', async () => {
    plant('0.43.1', on);
    bench.host.file('/etc/falco/rules.d/lanner.yaml', readFileSync(rulesFile, 'utf8'));
    expect(await look(falcoSettings, grpc)).toEqual([
      'ok falco: Falco 0.43.1, json_output: false',
      "ok falco: Lanner's rules are among its rules files",
      "ok source s: Falco's grpc and grpc_output are on",
    ]);
  });

  it('endanger it, have no rules, are off', async () => {
    plant('0.43.1', falco43.replace('json_output: false', 'json_output: true'));
    const [json, rules, off] = await look(falcoSettings, grpc);
    expect(json).toContain('error falco: Falco 0.43.1, json_output: true: it exits when a rule prints');
    expect(rules).toContain('error falco: none of its rules files (/etc/falco/falco_rules.yaml');
    expect(off).toContain("error source s: Falco's grpc or grpc_output is off");
  });

  it('of 0.44: JSON is right, and it has to post', async () => {
    const json = falco44.replace('json_output: false', 'json_output: true');
    plant('0.44.1', json);
    bench.host.file('/etc/falco/falco_rules.local.yaml', '- rule: Lanner Suspicious Exec In Container\n');
    const [first, rules, posts] = await look(falcoSettings, some);
    expect(first).toBe('ok falco: Falco 0.44.1, json_output: true');
    expect(rules).toContain('warn falco: its rules are of another Lanner');
    expect(posts).toContain("error source s: Falco's http_output is off");
    plant(
      '0.44.1',
      json.replace('enabled: false, url: ""', 'enabled: true, url: "http://u:p@10.0.0.1:2810/secret"'),
    );
    expect((await look(falcoSettings, some))[2]).toBe('ok source s: Falco posts to 10.0.0.1:2810');
  });

  it.each([
    ['debug', undefined],
    ['info', undefined],
    ['notice', 'warn falco'],
    ['Warning', 'error falco'],
  ])('with priority: %s', async (priority, said) => {
    plant('0.43.1', on.replace('priority: debug', `priority: ${priority}`));
    bench.host.file('/etc/falco/rules.d/lanner.yaml', readFileSync(rulesFile, 'utf8'));
    const found = (await look(falcoSettings, grpc)).find((one) => one.includes('leaves out rules'));
    expect(found?.split(':')[0]).toBe(said);
  });

  it('are not known elsewhere, and nobody asks without Falco', async () => {
    expect(await look(falcoSettings, some)).toEqual([expect.stringContaining('skipped falco')]);
    expect(await look(falcoSettings, source('type: tetragon'))).toEqual([]);
  });
});

it("Lanner's own port for Falco is free, or taken by another", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const config = source(`type: falco_http, listen: "127.0.0.1:${port}"`);
  expect((await look(falcoHttp, config))[0]).toContain('EADDRINUSE');
  await new Promise((resolve) => server.close(resolve));
  expect(await look(falcoHttp, config)).toEqual([`ok source s: 127.0.0.1:${port} can be listened at`]);
});

describe('what the sensor lost', () => {
  const scraped = async (body: string, date?: string) => {
    const agent = await openReceiver();
    bench.later(agent.close);
    agent.answer = (_request, response) =>
      void response.writeHead(200, date === undefined ? {} : { date }).end(body);
    const clocks: Checkup['clocks'] = [];
    const found = await look(losses, source(`type: tetragon, metrics_url: "${agent.url}"`), { clocks });
    return { found: found[0]!, clocks };
  };

  it.each([
    ['tetragon_bpf_missed_events_total{msg_op="5"} 0\n', 'ok source s: the sensor lost nothing'],
    [
      'tetragon_bpf_missed_events_total{msg_op="5"} 12\ntetragon_notify_overflowed_events_total 3\n',
      'warn source s: the sensor lost 15 events',
    ],
  ])('by its metrics: %s', async (body, said) => {
    expect((await scraped(body)).found).toContain(said);
  });

  it('is not known where its metrics are not', async () => {
    expect(
      (await look(losses, source('type: tetragon, metrics_url: "http://127.0.0.1:1/metrics"')))[0],
    ).toContain('warn source s: what the sensor lost is not known');
  });

  it("shows the sensor's clock", async () => {
    const { clocks } = await scraped('', new Date(Date.now() - 60_000).toUTCString());
    expect((await look(clock, some, { clocks }))[0]).toMatch(
      /^warn clock: differs from http.* by -6\d\.\d s/,
    );
    expect(await look(clock, some)).toEqual(['skipped clock: no other clock could be seen']);
  });
});

it('canaries: off, on, and hidden', async () => {
  expect((await look(canary, some))[0]).toContain('warn canary: off');
  expect((await look(canary, `${some}\ncanary: {enabled: true}`))[0]).toContain(
    'ok source s: held to reporting',
  );
  const hidden = `${source('type: tetragon, address: "10.1.2.3:54321"')}\ncanary: {enabled: true}`;
  expect((await look(canary, hidden))[0]).toContain('warn source s: may never report the canary');
});
