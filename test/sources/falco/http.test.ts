import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ExecEvent } from '../../../src/model/exec-event.ts';
import { falcoHttpSchema } from '../../../src/sources/falco/config.ts';
import { type FalcoHttpDeps, type FalcoHttpSource, openFalcoHttp } from '../../../src/sources/falco/http.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { createAuthority, writeFiles } from '../../support/certificates.ts';
import { type TestIntake, testIntake } from '../../support/intake.ts';
import { recordedLines } from '../../support/recordings.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

interface Line {
  message: string;
  fields: Record<string, unknown>;
}
interface Running {
  intake: TestIntake;
  source: FalcoHttpSource;
  address: string;
  warnings: Line[];
  stop(): Promise<void>;
}

async function start(
  config: Record<string, unknown> = {},
  deps: Partial<FalcoHttpDeps> & { accept?: (event: ExecEvent) => Promise<void> | undefined } = {},
): Promise<Running> {
  const { accept, ...rest } = deps;
  const warnings: Line[] = [];
  const parsed = falcoHttpSchema.parse({ type: 'falco_http', listen: '127.0.0.1:0', ...config });
  const log = {
    ...silentLog,
    warn: (message: string, fields = {}) => void warnings.push({ message, fields }),
  };
  const source = openFalcoHttp('falco', parsed, { log, ...rest });
  const intake = testIntake(accept === undefined ? {} : { accept });
  const controller = new AbortController();
  const run = source.run(intake, controller.signal);
  const stop = async () => {
    controller.abort();
    await run;
  };
  cleanups.push(stop);
  await vi.waitFor(() => expect(source.address()).toBeDefined(), { interval: 2 });
  return { intake, source, address: source.address()!, warnings, stop };
}

interface Answer {
  status: number;
  body: string;
  headers: NodeJS.Dict<string | string[]>;
}

interface Call {
  method?: string;
  path?: string;
  type?: string;
  headers?: Record<string, string>;
  agent?: Agent;
  tls?: { ca: string; cert?: string; key?: string };
}

function post(address: string, body: string | Buffer, call: Call = {}): Promise<Answer> {
  const [hostname, port] = address.split(':');
  const options = {
    hostname,
    port: Number(port),
    method: call.method ?? 'POST',
    path: call.path ?? '/',
    headers: { 'content-type': call.type ?? 'application/json', ...call.headers },
    ...(call.agent && { agent: call.agent }),
    ...call.tls,
  };
  return new Promise((resolve, reject) => {
    const sent = (call.tls === undefined ? httpRequest : httpsRequest)(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          headers: response.headers,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const bodies = recordedLines('falco/scenario.http');
const exec = (fields: Record<string, unknown> = {}) =>
  JSON.stringify({
    rule: 'r',
    source: 'syscall',
    priority: 'Notice',
    time: '2026-11-22T22:28:04.000000001Z',
    output_fields: { 'evt.type': 'execve', 'container.id': 'c1', 'proc.name': 'nc', ...fields },
  });
const openat = JSON.stringify({
  rule: 'Read sensitive file',
  time: '2026-11-22T22:28:04Z',
  output_fields: { 'evt.type': 'openat' },
});
const never = new Promise<void>(() => undefined);

describe("bodies of Falco's http_output", () => {
  it('are all read and answered with 200 over one kept connection', async () => {
    const { intake, address } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    const statuses = new Set<number>();
    for (const body of bodies) statuses.add((await post(address, body, { agent })).status);
    expect(statuses).toEqual(new Set([200]));
    expect(intake.counts).toMatchObject({ messages: 125, execs: 104, failed_execs: 21, unreadable: 0 });
    expect(intake.events).toHaveLength(104);
  });

  it.each([
    ['an array', `[${bodies[0]},\n ${bodies[1]}]`],
    ['one a line', `${bodies[0]}\r\n${bodies[1]}\n\n`],
  ])('may hold several alerts: %s', async (_name, body) => {
    const { intake, address } = await start();
    expect((await post(address, body)).status).toBe(200);
    expect(intake.events).toHaveLength(2);
  });

  it('may hold one alert over several lines', async () => {
    const { intake, address } = await start();
    await post(address, JSON.stringify(JSON.parse(exec({ 'proc.args': '}\n{' })), undefined, 2));
    expect(intake.counts).toMatchObject({ messages: 1, unreadable: 0 });
  });

  it("may be falcosidekick's", async () => {
    const { intake, address } = await start();
    const payload = { uuid: 'a', ...JSON.parse(exec()), hostname: 'node-1' };
    expect((await post(address, JSON.stringify(payload))).status).toBe(200);
    expect(intake.events[0]?.node).toBe('node-1');
  });

  it('with invalid UTF-8 are read', async () => {
    const { intake, address } = await start();
    const body = Buffer.from(exec({ 'proc.cmdline': 'nc X' }));
    body[body.indexOf('X')] = 0xff;
    expect((await post(address, body)).status).toBe(200);
    expect(intake.events[0]?.process.argv).toEqual(['nc', '\uFFFD']);
  });
});

describe('an answer', () => {
  it('comes at once for what is no finding', async () => {
    const { address, intake } = await start({ answer_within_ms: 1_000 }, { accept: () => undefined });
    expect((await post(address, exec())).status).toBe(200);
    expect(intake.counts.late_answers).toBe(0);
  });

  it('waits until delivery has accepted a finding', async () => {
    const accepted: (() => void)[] = [];
    const accept = () => new Promise<void>((resolve) => void accepted.push(resolve));
    const { address, intake } = await start({ answer_within_ms: 1_000 }, { accept });
    let answered = false;
    const answer = post(address, exec()).then((one) => {
      answered = true;
      return one;
    });
    await vi.waitFor(() => expect(accepted).toHaveLength(1), { interval: 2 });
    expect(answered).toBe(false);
    accepted[0]!();
    expect((await answer).status).toBe(200);
    expect(intake.counts.late_answers).toBe(0);
  });

  it('does not wait longer than it may, and the overrun is counted', async () => {
    const { address, intake } = await start({ answer_within_ms: 5 }, { accept: () => never });
    expect((await post(address, exec())).status).toBe(200);
    expect(intake.counts.late_answers).toBe(1);
  });
});

describe('what is not taken', () => {
  it.each([
    ['text that is no JSON', 'hello', 400, 'not_json'],
    ['nothing', '', 400, 'not_json'],
    ['half a document', bodies[0]!.subarray(0, 300), 400, 'not_json'],
    ['an array cut off', `[${exec()}`, 400, 'not_json'],
    ['JSON that is no alert', '{"kind":"Event"}', 400, 'not_falco_json'],
    ['text output', '22:28:04.300413560: Notice A shell (user=root)', 415, 'falco_text_output'],
  ])('%s is answered and counted', async (_name, body, status, reason) => {
    const { address, intake } = await start();
    const answer = await post(address, body);
    expect([answer.status, intake.counts.dropped]).toEqual([status, { [reason]: 1 }]);
    expect(JSON.parse(answer.body)).toHaveProperty('error');
    expect((await post(address, exec())).status).toBe(200);
    expect(intake.counts).toMatchObject({ messages: 2, unreadable: 1 });
  });

  it('text output is logged once a minute, with the mend, and health says so until JSON comes', async () => {
    let time = Date.parse('2026-11-22T12:00:00Z');
    const { address, warnings, source } = await start({}, { now: () => time });
    const text = '22:28:04.300413560: Notice A shell (user=root)';
    for (let i = 0; i < 3; i += 1) await post(address, text, { type: 'text/plain' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.fields).toMatchObject({
      code: 'falco_text_output',
      mend: expect.stringContaining('json_output: true'),
    });
    expect(source.health()).toMatchObject({ state: 'degraded', code: 'falco_text_output' });
    time += 60_000;
    await post(address, text, { type: 'text/plain' });
    expect(warnings).toHaveLength(2);
    await post(address, exec());
    expect(source.health().state).toBe('ok');
  });

  it.each([
    ['announced', { 'content-length': '5000' }],
    ['not announced', { 'transfer-encoding': 'chunked' }],
  ])('a body above the bound, its length %s, is refused', async (_name, headers) => {
    const { address, intake } = await start({ max_body_bytes: 4_096 });
    const answer = await post(address, Buffer.alloc(5_000, 0x20), { headers });
    expect(answer.status).toBe(413);
    expect(intake.counts).toMatchObject({ messages: 1, dropped: { oversized: 1 } });
  });

  it('a compressed body is refused', async () => {
    const { address, intake } = await start();
    expect((await post(address, exec(), { headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
    expect(intake.counts.unreadable).toBe(1);
  });

  it.each<[string, Call, number]>([
    ['another path', { path: '/other' }, 404],
    ['a longer path', { path: '/secret-1/x' }, 404],
    ['no path', { path: '/' }, 404],
    ['another method', { method: 'GET', path: '/secret-1' }, 405],
    ['another method on another path', { method: 'GET', path: '/' }, 404],
    ['the path', { path: '/secret-1' }, 200],
    ['the path with a query', { path: '/secret-1?a=b' }, 200],
  ])('%s gets its status', async (_name, call, status) => {
    const { address, intake } = await start({ path: '/secret-1' });
    expect((await post(address, call.method === 'GET' ? '' : exec(), call)).status).toBe(status);
    expect(intake.counts.messages).toBe(status === 200 ? 1 : 0);
  });
});

describe('clients that behave badly', () => {
  async function open(address: string): Promise<Socket> {
    const [host, port] = address.split(':');
    const socket = connect(Number(port), host);
    cleanups.push(() => socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }
  async function everything(socket: Socket): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  it('one that never sends the rest of its body is cut off and counted', async () => {
    const { address, intake } = await start({ body_timeout_secs: 0.1 });
    const socket = await open(address);
    socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"rule"');
    expect(await everything(socket)).toContain('408');
    await intake.until(() => intake.counts.unreadable === 1);
  });

  it('one that sends half a header is cut off', async () => {
    const { address } = await start({ body_timeout_secs: 0.1 });
    const socket = await open(address);
    socket.write('POST / HTTP/1.1\r\nhos');
    expect(await everything(socket)).toContain('408');
  });

  it('one that hangs up inside the body is counted', async () => {
    const { address, intake } = await start();
    const socket = await open(address);
    socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"rule"', () =>
      socket.resetAndDestroy(),
    );
    await intake.until(() => intake.counts.unreadable === 1);
    expect(intake.counts.messages).toBe(1);
  });

  it('one that speaks no HTTP is cut off, and others are served', async () => {
    const { address, intake } = await start();
    const socket = await open(address);
    socket.write('\x16\x03\x01\x02\x00garbage\r\n\r\n');
    expect(await everything(socket)).toContain('400');
    expect((await post(address, exec())).status).toBe(200);
    expect(intake.counts.messages).toBe(1);
  });

  it('too many connections are refused, and the log says so once', async () => {
    const { address, warnings } = await start({ max_connections: 1 });
    await open(address);
    for (let i = 0; i < 3; i += 1) await everything(await open(address));
    expect(warnings.map((line) => line.fields.max_connections)).toEqual([1]);
  });
});

describe('relay', () => {
  it('gets every alert unchanged, execs included', async () => {
    const relayed: [string, string][] = [];
    const { address } = await start(
      {},
      { relay: (body, type) => void relayed.push([body.toString(), type]) },
    );
    const odd = ` ${openat}\n`;
    await post(address, odd, { type: 'application/json; charset=utf-8' });
    await post(address, exec());
    expect(relayed).toEqual([
      [odd, 'application/json; charset=utf-8'],
      [exec(), 'application/json'],
    ]);
  });

  it('gets only what is no exec if it is told so', async () => {
    const relayed: string[] = [];
    const { address } = await start(
      { relay_execs: false },
      { relay: (body) => void relayed.push(body.toString()) },
    );
    for (const body of [openat, exec(), exec({ 'evt.res': 'ENOENT' })]) await post(address, body);
    expect(relayed).toEqual([openat]);
  });

  it('gets nothing that could not be read', async () => {
    const relayed: string[] = [];
    const { address } = await start({}, { relay: (body) => void relayed.push(body.toString()) });
    for (const body of ['{', '22:28:04.300413560: Notice x', '{"a":1}']) await post(address, body);
    expect(relayed).toEqual([]);
  });
});

describe('Falco up to 0.43 over HTTP', () => {
  const snapshot = (version: string) =>
    JSON.stringify({
      rule: 'Falco internal: metrics snapshot',
      source: 'internal',
      output_fields: { 'falco.version': version },
    });

  it.each([
    ['0.43.1', 1],
    ['0.44.0', 0],
    ['1.0.0', 0],
  ])('%s: %i warning about json_output', async (version, count) => {
    const { address, warnings, source } = await start();
    await post(address, snapshot(version));
    await post(address, snapshot(version));
    expect(warnings.filter((line) => line.fields.code === 'falco_json_danger')).toHaveLength(count);
    expect(source.health().sensor_version).toBe(version);
  });
});

describe('HTTPS', () => {
  const authority = createAuthority();
  const own = authority.server(['127.0.0.1']);
  const client = authority.client('falco');
  const stranger = createAuthority('other').client('stranger');
  const { paths } = writeFiles({ cert: own.cert, key: own.key, ca: authority.cert });
  const tls = { cert_file: paths.cert, key_file: paths.key };

  it('serves', async () => {
    const { address } = await start({ tls });
    expect((await post(address, exec(), { tls: { ca: authority.cert } })).status).toBe(200);
  });

  it('with mutual TLS serves clients with a certificate of ours', async () => {
    const { address } = await start({ tls: { ...tls, client_ca_file: paths.ca } });
    expect((await post(address, exec(), { tls: { ca: authority.cert, ...client } })).status).toBe(200);
  });

  it.each([
    ['none', undefined],
    ['a foreign one', stranger],
  ])('with mutual TLS refuses a client with %s, and the log says so once', async (_name, certificate) => {
    const { address, warnings, intake } = await start({ tls: { ...tls, client_ca_file: paths.ca } });
    for (let i = 0; i < 2; i += 1)
      await expect(post(address, exec(), { tls: { ca: authority.cert, ...certificate } })).rejects.toThrow();
    await vi.waitFor(() => expect(warnings).toHaveLength(1), { interval: 2 });
    expect(intake.counts.messages).toBe(0);
  });

  it('with a broken file does not start', async () => {
    const config = falcoHttpSchema.parse({ type: 'falco_http', tls: { ...tls, key_file: paths.ca } });
    const source = openFalcoHttp('falco', config, { log: silentLog });
    await expect(source.run(testIntake(), new AbortController().signal)).rejects.toMatchObject({
      code: 'tls_file',
    });
  });
});

describe('start and stop', () => {
  it('an address in use is said at once', async () => {
    const { address } = await start();
    const config = falcoHttpSchema.parse({ type: 'falco_http', listen: address });
    const source = openFalcoHttp('second', config, { log: silentLog });
    await expect(source.run(testIntake(), new AbortController().signal)).rejects.toMatchObject({
      code: 'listen_failed',
      message: expect.stringContaining('EADDRINUSE'),
    });
  });

  it('stopping closes kept connections, and finishes the answer under way', async () => {
    const accepted: (() => void)[] = [];
    const accept = () => new Promise<void>((resolve) => void accepted.push(resolve));
    const { address, stop, source } = await start({ answer_within_ms: 1_000 }, { accept });
    const agent = new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    await post(address, openat, { agent });
    const answer = post(address, exec());
    await vi.waitFor(() => expect(accepted).toHaveLength(1), { interval: 2 });
    const stopped = stop();
    accepted[0]!();
    expect((await answer).status).toBe(200);
    await stopped;
    expect(source.health().state).toBe('stopped');
    await expect(post(address, exec())).rejects.toThrow('ECONNREFUSED');
  });
});

describe('configuration', () => {
  it.each([
    ['a port that is none', { listen: '0.0.0.0:99999' }],
    ['no port', { listen: 'localhost' }],
    ['a path without slash', { path: 'x' }],
    ['a path with query', { path: '/x?y' }],
    ['an unknown key', { lissten: ':1' }],
    ['a certificate without key', { tls: { cert_file: 'a' } }],
  ])('with %s is refused', (_name, config) => {
    expect(falcoHttpSchema.safeParse({ type: 'falco_http', ...config }).success).toBe(false);
  });

  it('constructs without touching anything', () => {
    const config = falcoHttpSchema.parse({
      type: 'falco_http',
      tls: { cert_file: '/nowhere', key_file: '/nowhere' },
    });
    expect(openFalcoHttp('falco', config, { log: silentLog }).health().state).toBe('starting');
  });
});
