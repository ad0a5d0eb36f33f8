import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Source } from '../../../src/model/intake.ts';
import { tetragonSchema } from '../../../src/sources/tetragon/config.ts';
import { openTetragon } from '../../../src/sources/tetragon/grpc.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { createAuthority } from '../../support/certificates.ts';
import { until } from '../../support/fixtures.ts';
import { noInterest, type TestIntake, testIntake } from '../../support/intake.ts';
import { buildGoAgent, type GoAgent, startGoAgent } from '../../support/real/grpc-agent.ts';
import { tellSkipped } from '../../support/real/system.ts';
import { recordedMessages } from '../../support/recordings.ts';

const built = buildGoAgent();
const missing = 'missing' in built ? built.missing : undefined;
tellSkipped('a server of grpc-go', missing);
const program = 'program' in built ? built.program : '';

const messages = recordedMessages('tetragon/scenario');
let folder: string;
let stop: (() => Promise<void> | void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  stop = [];
  writeFileSync(join(folder, 'scenario.bin'), Buffer.concat(messages.flatMap(framed)));
});
afterEach(async () => {
  for (const one of stop.reverse()) await one();
  rmSync(folder, { recursive: true, force: true });
});

function framed(message: Buffer): Buffer[] {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(message.length);
  return [head, message];
}

async function agent(at: string, ...options: string[]): Promise<GoAgent> {
  const started = await startGoAgent(program, at, ['-recording', join(folder, 'scenario.bin'), ...options]);
  stop.push(started.kill);
  return started;
}
const socket = () => `unix:${folder}/agent.sock`;

function run(config: object, intake = testIntake()): { source: Source; intake: TestIntake } {
  const source = openTetragon('t', tetragonSchema.parse({ type: 'tetragon', ...config }), {
    log: silentLog,
    backoff: { first_ms: 10, max_ms: 50 },
  });
  const abort = new AbortController();
  const done = source.run(intake, abort.signal);
  stop.push(async () => {
    abort.abort();
    await done;
  });
  return { source, intake };
}

const count = (from: GoAgent, event: string) => from.told.filter((one) => one.event === event).length;

describe.runIf(missing === undefined).each(['http2', 'grpc_js'] as const)('%s and grpc-go', (transport) => {
  it.each([
    ['a unix socket', socket],
    ['TCP', () => '127.0.0.1:0'],
  ])('reads every message over %s, and all that follow', async (_name, at) => {
    const { address } = await agent(at(), '-hold');
    const { source, intake } = run({ address, transport });
    await until(() => intake.counts.messages === messages.length, 'all messages');
    expect(intake.events).toHaveLength(105);
    expect(intake.counts).toMatchObject({ container_execs: 105, unreadable: 0, connects: 1, disconnects: 0 });
    expect(source.health()).toMatchObject({ state: 'ok', sensor_version: 'v1.7.0' });
  });

  it('keeps up with many windows full of messages, in order and whole', async () => {
    const total = messages.length * 150;
    const { address } = await agent(socket(), '-count', String(total), '-hold');
    const { source, intake } = run({ address, transport }, testIntake({ interest: noInterest }));
    await until(() => intake.counts.messages === total, 'all messages', 50_000);
    expect(intake.counts).toMatchObject({ container_execs: 105 * 150, unreadable: 0, connects: 1 });
    expect(source.health().state).toBe('ok');
  });

  it('with TLS and a client certificate', async () => {
    const authority = createAuthority();
    const write = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const server = authority.server(['127.0.0.1']);
    const client = authority.client('lanner');
    const options = {
      '-cert': write('server.crt', server.cert),
      '-key': write('server.key', server.key),
      '-client-ca': write('clients.crt', authority.cert),
    };
    const { address, told } = await agent('127.0.0.1:0', '-hold', ...Object.entries(options).flat());
    const { intake } = run({
      address,
      transport,
      tls: {
        ca_file: write('ca.crt', authority.cert),
        cert_file: write('client.crt', client.cert),
        key_file: write('client.key', client.key),
      },
    });
    await until(() => intake.counts.messages === messages.length, 'all messages');
    expect(told.find((one) => one.event === 'GetEvents')).toMatchObject({ tls: true });
  });

  it('comes back after each GOAWAY of a server that ends old connections', async () => {
    const server = await agent(socket(), '-hold', '-max-age', '300ms', '-grace', '100ms');
    const { source, intake } = run({ address: server.address, transport });
    await until(() => intake.counts.connects >= 3, 'three connections');
    await until(() => intake.counts.messages >= messages.length * 3, 'all messages of each');
    expect(intake.counts.unreadable).toBe(0);
    expect(['ok', 'degraded']).toContain(source.health().state);
    expect(source.health().code ?? 'stream_ended').toBe('stream_ended');
  });

  it('answers pings, and sends none that the server would punish', async () => {
    const server = await agent(socket(), '-hold', '-ping', '1s', '-ping-timeout', '1s', '-min-ping', '5m');
    const { source, intake } = run({ address: server.address, transport, liveness_secs: 5, silence_secs: 0 });
    await until(() => count(server, 'GetHealth') >= 1, 'a look at its health', 15_000);
    expect(intake.counts).toMatchObject({ connects: 1, disconnects: 0 });
    expect(source.health().state).toBe('ok');
  });

  it.each([
    ['UNKNOWN:no such field', 'filter_rejected'],
    ['UNAVAILABLE:shutting down', 'stream_ended'],
    ['UNIMPLEMENTED:unknown service', 'wrong_service'],
  ])('says why where the stream ends with %s', async (end, code) => {
    const { address } = await agent(socket(), '-end', end, '-count', '0');
    const { source } = run({ address, transport });
    await until(() => source.health().code === code, code);
  });

  it('notices that the agent no longer answers, and comes back when it does', async () => {
    const server = await agent(socket(), '-hold');
    const { source, intake } = run({
      address: server.address,
      transport,
      connect_timeout_secs: 0.5,
      silence_secs: 1,
    });
    await until(() => intake.counts.messages === messages.length, 'all messages');
    server.freeze();
    stop.push(server.thaw);
    await until(() => source.health().code === 'connect_timeout', 'connect_timeout', 15_000);
    server.thaw();
    await until(() => intake.counts.messages >= messages.length * 2, 'another stream', 15_000);
  });
});
