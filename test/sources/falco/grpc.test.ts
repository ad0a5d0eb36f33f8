import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Source } from '../../../src/model/intake.ts';
import { falcoGrpcSchema } from '../../../src/sources/falco/config.ts';
import { openFalcoGrpc } from '../../../src/sources/falco/grpc.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { createAuthority, writeFiles } from '../../support/certificates.ts';
import {
  type FalcoServer,
  type FalcoServerOptions,
  startFailing,
  startFalco,
  startTetragonLike,
} from '../../support/falco-server.ts';
import { type TestIntake, testIntake } from '../../support/intake.ts';
import type { RawServer } from '../../support/raw-grpc.ts';
import { recordedMessages } from '../../support/recordings.ts';

const scenario = recordedMessages('falco/scenario-lean');
const execs = scenario.length - 21;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

interface Line {
  level: string;
  message: string;
  code?: unknown;
}
interface Running {
  intake: TestIntake;
  source: Source;
  log: Line[];
  stop(): Promise<void>;
}

/** Starts a source; it is stopped after the test. */
function start(config: Record<string, unknown>, deps: { now?: () => number } = {}): Running {
  const log: Line[] = [];
  const line =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      void log.push({ level, message, code: fields.code });
  const parsed = falcoGrpcSchema.parse({ type: 'falco_grpc', poll_min_ms: 10, poll_max_ms: 20, ...config });
  const source = openFalcoGrpc('falco', parsed, {
    log: { ...silentLog, info: line('info'), warn: line('warn'), error: line('error') },
    backoff: { first_ms: 10, max_ms: 20 },
    ...deps,
  });
  const intake = testIntake();
  const controller = new AbortController();
  const run = source.run(intake, controller.signal);
  const stop = async () => {
    controller.abort();
    await run;
  };
  cleanups.push(stop);
  return { intake, source, log, stop };
}

async function falco(options: FalcoServerOptions = {}): Promise<FalcoServer> {
  const server = await startFalco(options);
  cleanups.push(() => server.kill());
  return server;
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lanner-falco-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 5 });
const healthIs = (source: Source, expected: object) =>
  eventually(() => expect(source.health()).toMatchObject(expected));

describe.each(['get', 'sub'] as const)('%s', (method) => {
  it('brings every alert once, and the sensor version', async () => {
    const server = await falco();
    server.queue.push(...scenario);
    const { intake, source } = start({ address: server.address, method });
    await intake.until(() => intake.counts.messages === scenario.length);
    expect(intake.events).toHaveLength(execs);
    await healthIs(source, { state: 'ok', sensor_version: '0.43.1' });
    expect(intake.counts).toMatchObject({ connects: 1, disconnects: 0, unreadable: 0 });
  });

  it('works over a unix socket', async () => {
    const server = await falco({ address: `unix://${temporary()}/falco.sock` });
    server.queue.push(...scenario);
    const { intake } = start({ address: server.address, method });
    await intake.until(() => intake.events.length === execs);
  });

  it('goes on asking, so that alerts raised later come too', async () => {
    const server = await falco();
    const { intake, source } = start({ address: server.address, method });
    await healthIs(source, { state: 'ok' });
    server.queue.push(scenario[0]!);
    await intake.until(() => intake.counts.messages === 1);
    server.queue.push(scenario[1]!);
    await intake.until(() => intake.counts.messages === 2);
  });

  it('reconnects when Falco is killed, counts the gap, and says degraded meanwhile', async () => {
    const directory = temporary();
    const address = `unix://${directory}/falco.sock`;
    const first = await falco({ address });
    let time = Date.parse('2026-11-22T12:00:00Z');
    const { intake, source } = start({ address, method }, { now: () => time });
    await healthIs(source, { state: 'ok' });
    first.kill();
    rmSync(`${directory}/falco.sock`, { force: true });
    await healthIs(source, { state: 'degraded' });
    time += 42_000;
    const second = await falco({ address });
    second.queue.push(...scenario);
    await intake.until(() => intake.events.length === execs);
    await healthIs(source, { state: 'ok' });
    expect(intake.counts).toMatchObject({ connects: 2, disconnects: 1, gap_seconds: 42 });
  });

  it('decodes what a strict decoder would refuse', async () => {
    const server = await falco();
    server.queue.push(...recordedMessages('falco/bad-utf8'));
    const { intake } = start({ address: server.address, method });
    await intake.until(() => intake.counts.messages === 7);
    expect(intake.counts.unreadable).toBe(0);
  });

  it('counts garbage and goes on', async () => {
    const server = await falco();
    server.queue.push(Buffer.from([0x22, 0x7f, 1]), scenario[0]!, Buffer.alloc(0));
    const { intake } = start({ address: server.address, method });
    await intake.until(() => intake.counts.messages === 3);
    expect(intake.unread).toEqual([expect.objectContaining({ reason: 'undecodable' })]);
    expect(intake.events).toHaveLength(1);
  });

  it('counts a message above the bound and goes on', async () => {
    const server = await falco();
    server.queue.push(Buffer.concat([Buffer.from([0x2a, 0x80, 0x80, 0x10]), Buffer.alloc(0x40000)]));
    const { intake } = start({ address: server.address, method, max_message_bytes: 65_536 });
    await eventually(() => expect(server.requests[method]).toBeGreaterThan(0));
    const [broken] = server.subscribed;
    await eventually(() => expect(intake.counts.dropped).toEqual({ oversized: 1 }));
    // As long as Falco does not know of its end, it gives the broken subscription what comes.
    if (broken !== undefined) await eventually(() => expect(server.subscribed).not.toContain(broken));
    server.queue.push(scenario[0]!);
    await intake.until(() => intake.events.length === 1);
  });

  it('takes over what Falco has already sent when it stops', async () => {
    const server = await falco();
    const { intake, source, stop } = start({ address: server.address, method });
    await healthIs(source, { state: 'ok' });
    server.queue.push(...recordedMessages('falco/storm-lean').slice(0, 1_000));
    await intake.until(() => intake.counts.messages > 0);
    await stop();
    expect(intake.counts.messages + server.queue.length).toBe(1_000);
    expect(source.health().state).toBe('stopped');
  });

  it('works with a server that tells no version', async () => {
    const server = await falco({ version: null });
    server.queue.push(...scenario);
    const { intake, source } = start({ address: server.address, method });
    await intake.until(() => intake.events.length === execs);
    await healthIs(source, { state: 'ok' });
    expect(source.health()).not.toHaveProperty('sensor_version');
  });

  it('stops at once while it waits for a server', async () => {
    const server = createServer((socket) => void cleanups.push(() => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { source, stop } = start({
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      method,
    });
    await stop();
    expect(source.health().state).toBe('stopped');
  });
});

describe('get', () => {
  it('holds no stream open and does not take the end of an answer for a lost connection', async () => {
    const server = await falco();
    const { intake } = start({ address: server.address });
    await eventually(() => expect(server.requests.get).toBeGreaterThan(5));
    expect(server.requests.sub).toBe(0);
    expect(intake.counts).toMatchObject({ connects: 1, disconnects: 0 });
  });

  it('gives up a request that never ends', async () => {
    const server = await falco({ silent: true });
    const { source } = start({ address: server.address, answer_timeout_secs: 0.05 });
    await healthIs(source, { state: 'degraded', code: 'connect_timeout' });
  });
});

describe('sub', () => {
  it('asks again and again, and never closes its side', async () => {
    const server = await falco();
    const { source } = start({ address: server.address, method: 'sub' });
    await healthIs(source, { state: 'ok' });
    await eventually(() => expect(server.requests.sub).toBeGreaterThan(5));
    expect(server.halfClosed).toBe(false);
    expect(server.subscribed.size).toBe(1);
  });

  it('subscribes anew when a reload ends the stream with status OK', async () => {
    const server = await falco();
    const { intake, source, log } = start({ address: server.address, method: 'sub' });
    await healthIs(source, { state: 'ok' });
    server.reload();
    await eventually(() => expect(intake.counts.connects).toBe(2));
    server.queue.push(...scenario);
    await intake.until(() => intake.events.length === execs);
    expect(log.filter((line) => line.code === 'stream_ended')).toHaveLength(1);
  });
});

describe('two clients of one Falco', () => {
  it('split the alerts, and the log says so from the start', async () => {
    const server = await falco();
    const [one, other] = [start({ address: server.address }), start({ address: server.address })];
    server.queue.push(...scenario);
    await eventually(() =>
      expect(one.intake.counts.messages + other.intake.counts.messages).toBe(scenario.length),
    );
    expect(one.log[0]?.message).toContain('one gRPC client only');
  });
});

describe('mutual TLS', () => {
  const authority = createAuthority();
  const own = authority.server(['falco.example']);
  const client = authority.client('lanner');
  const files = writeFiles({ ca: authority.cert, cert: client.cert, key: client.key });
  const server = (over: Partial<FalcoServerOptions> = {}) =>
    falco({
      credentials: ServerCredentials.createSsl(
        Buffer.from(authority.cert),
        [{ cert_chain: Buffer.from(own.cert), private_key: Buffer.from(own.key) }],
        true,
      ),
      ...over,
    });
  const tls = { ca_file: files.paths.ca, cert_file: files.paths.cert, key_file: files.paths.key };

  it('brings alerts, with the name of the certificate given', async () => {
    const { address, queue } = await server();
    queue.push(...scenario);
    const { intake } = start({ address, tls: { ...tls, server_name: 'falco.example' } });
    await intake.until(() => intake.events.length === execs);
  });

  it.each([
    ['tls_name', tls],
    ['tls_client_rejected', { ca_file: files.paths.ca, server_name: 'falco.example' }],
    ['tls_untrusted', { ...tls, ca_file: undefined, server_name: 'falco.example' }],
    ['tls_file', { ...tls, ca_file: '/nowhere/ca.crt' }],
    ['tls_mismatch', undefined],
  ])('that fails says %s', async (code, broken) => {
    const { address } = await server();
    const { source } = start({ address, ...(broken && { tls: broken }) });
    await healthIs(source, { state: 'degraded', code });
  });

  it('reads the files anew for each connection', async () => {
    const { address, queue } = await server();
    const replaced = writeFiles({ ca: authority.cert, cert: client.cert, key: createAuthority().key });
    cleanups.push(replaced.remove);
    const { paths } = replaced;
    const { intake, source } = start({
      address,
      tls: { ca_file: paths.ca, cert_file: paths.cert, key_file: paths.key, server_name: 'falco.example' },
    });
    await healthIs(source, { code: 'tls_file' });
    queue.push(...scenario);
    writeFileSync(paths.key, client.key);
    await intake.until(() => intake.events.length === execs);
  });
});

describe('what is no Falco with gRPC', () => {
  it.each([
    ['a missing socket', 'socket_missing', () => Promise.resolve(`unix://${temporary()}/none.sock`)],
    ['a port nobody listens at', 'connect_refused', () => Promise.resolve('127.0.0.1:1')],
  ])('%s is %s, and the mend names the HTTP source', async (_name, code, address) => {
    const { source, log } = start({ address: await address() });
    await healthIs(source, { state: 'degraded', code });
    expect(source.health().reason).toContain('falco_http');
    expect(log.filter((line) => line.level === 'warn')).toHaveLength(1);
  });

  it('an HTTP server is the wrong protocol', async () => {
    const server = createHttp((_request, response) => void response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { source } = start({ address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
    await healthIs(source, { state: 'degraded', code: 'wrong_protocol' });
  });

  it.each(['get', 'sub'])('a Tetragon socket is the wrong service for %s', async (method) => {
    const server: RawServer = await startTetragonLike(`unix://${temporary()}/tetragon.sock`);
    cleanups.push(() => server.kill());
    const { source } = start({ address: server.address, method });
    await healthIs(source, { state: 'degraded', code: 'wrong_service' });
  });

  it.each(['get', 'sub'])('a Falco without output service is named as such for %s', async (method) => {
    const server = await startFailing(status.UNIMPLEMENTED, 'unknown service');
    cleanups.push(() => server.kill());
    const { source } = start({ address: server.address, method });
    await healthIs(source, { state: 'degraded', code: 'falco_grpc_removed' });
    expect(source.health().reason).toContain('falco_http');
  });

  it('one that fails otherwise is tried again', async () => {
    const server = await startFailing(status.INTERNAL, 'out of order');
    cleanups.push(() => server.kill());
    const { source, intake } = start({ address: server.address });
    await healthIs(source, { state: 'degraded', code: 'stream_ended' });
    expect(intake.counts.connects).toBe(0);
  });
});

describe('json_output: true over gRPC', () => {
  it('gives one loud warning with the mend', async () => {
    const server = await falco();
    server.queue.push(...recordedMessages('falco/scenario-jsonout'));
    const { intake, log } = start({ address: server.address });
    await intake.until(() => intake.counts.messages === 125);
    const warnings = log.filter((line) => line.code === 'falco_json_danger');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toContain('json_output: true');
    expect(intake.events).toHaveLength(104);
  });

  it('is not suspected in text output', async () => {
    const server = await falco();
    server.queue.push(...scenario);
    const { intake, log } = start({ address: server.address });
    await intake.until(() => intake.counts.messages === scenario.length);
    expect(log.filter((line) => line.code === 'falco_json_danger')).toEqual([]);
  });
});

describe('configuration', () => {
  it.each([
    ['an address that is none', { address: 'falco' }],
    ['an unknown key', { adress: '/run/falco.sock' }],
    ['an unknown method', { method: 'push' }],
    ['a pause above the longest', { poll_min_ms: 500, poll_max_ms: 100 }],
    ['a certificate without key', { tls: { cert_file: 'a' } }],
  ])('with %s is refused', (_name, config) => {
    expect(falcoGrpcSchema.safeParse({ type: 'falco_grpc', ...config }).success).toBe(false);
  });

  it('needs nothing but the type', () => {
    expect(falcoGrpcSchema.parse({ type: 'falco_grpc' })).toMatchObject({
      address: 'unix:///run/falco/falco.sock',
      method: 'get',
    });
  });

  it('constructs without touching anything', () => {
    const config = falcoGrpcSchema.parse({ type: 'falco_grpc', tls: { ca_file: '/nowhere' } });
    expect(openFalcoGrpc('falco', config, { log: silentLog }).health().state).toBe('starting');
  });
});
