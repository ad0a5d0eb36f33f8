import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ExecEvent } from '../../../src/model/exec-event.ts';
import { falcoHttpSchema } from '../../../src/sources/falco/config.ts';
import { type Front, openFront } from '../../../src/sources/falco/front.ts';
import { closed, frontFor, listen, serverFor } from '../../../src/sources/falco/http-server.ts';
import { openFalcoReader } from '../../../src/sources/falco/reader.ts';
import { openReceiver, type Receiver } from '../../../src/sources/falco/receiver.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { createAuthority, writeFiles } from '../../support/certificates.ts';
import { type TestIntake, testIntake } from '../../support/intake.ts';
import { recordedLines } from '../../support/recordings.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

interface Running {
  server: Server;
  front: Front | undefined;
  intake: TestIntake;
  port: number;
  relayed: string[];
  /** Requests that node:http read. */
  read(): number;
  stop(): Promise<void>;
}
interface Setup {
  config?: Record<string, unknown>;
  accept?: (event: ExecEvent) => Promise<void> | undefined;
}

/** The receiver with its front, or as node:http alone. */
async function start(fronted: boolean, { config = {}, accept }: Setup = {}): Promise<Running> {
  const parsed = falcoHttpSchema.parse({ type: 'falco_http', listen: '127.0.0.1:0', ...config });
  const intake = testIntake(accept === undefined ? {} : { accept });
  const relayed: string[] = [];
  const controller = new AbortController();
  const receiver = openReceiver({
    config: parsed,
    intake,
    reader: openFalcoReader({ source: 'falco', intake, log: silentLog }),
    signal: controller.signal,
    relay: (body, type) => void relayed.push(`${type} ${body}`),
    onText: () => undefined,
    onGood: () => undefined,
  });
  let read = 0;
  const server = serverFor(parsed, (request, response) => {
    read += 1;
    receiver.request(request, response);
  });
  const front = fronted ? frontFor(server, parsed, receiver, controller.signal) : undefined;
  const address = await listen(server, 'falco', parsed);
  const end = closed(server, front, controller.signal);
  const stop = async () => {
    controller.abort();
    await end;
  };
  cleanups.push(() => {
    server.closeAllConnections();
    front?.closeAll();
    return stop();
  });
  return { server, front, intake, port: Number(address.split(':')[1]), relayed, read: () => read, stop };
}

interface Talk {
  /** Everything the server said, its date taken out. */
  text: string;
  socket: Socket;
  /** Fulfilled when so many answers, or the end, have come. */
  answered(count?: number): Promise<string>;
}

/** Answers that are whole. */
function answersIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('HTTP/1.1 '); at >= 0; ) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end < 0) return count;
    const length = Number(/content-length: (\d+)/i.exec(text.slice(at, end))?.[1] ?? 0);
    if (text.length < end + 4 + length) return count;
    if (!text.startsWith('HTTP/1.1 1', at)) count += 1;
    at = text.indexOf('HTTP/1.1 ', end + 4 + length);
  }
  return count;
}

function talkOn(socket: Socket): Talk {
  const talk: Talk = { text: '', socket, answered };
  let over = false;
  socket.on('data', (bytes: Buffer) => {
    talk.text += bytes.toString('latin1').replace(/Date: [^\r]+/g, 'Date');
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    over = true;
  });
  socket.on('end', () => {
    over = true;
    socket.end();
  });
  async function answered(count = 1): Promise<string> {
    await vi.waitFor(() => expect(over || answersIn(talk.text) >= count).toBe(true), {
      interval: 2,
      timeout: 5_000,
    });
    return talk.text;
  }
  return talk;
}

async function open(port: number): Promise<Talk> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  cleanups.push(() => socket.destroy());
  const talk = talkOn(socket);
  await once(socket, 'connect');
  return talk;
}

async function write(socket: Socket, pieces: readonly (string | Buffer)[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await nextTurn();
    await nextTurn();
  }
}

const bodies = recordedLines('falco/scenario.http').map(String);
const exec = JSON.stringify({
  rule: 'r',
  time: '2026-11-22T22:28:04.000000001Z',
  output_fields: { 'evt.type': 'execve', 'container.id': 'c1', 'proc.name': 'nc' },
});
const type = 'Content-Type: application/json';
const agents = ['User-Agent: falcosecurity/falco', 'Accept: */*'];
/** As libcurl writes it. */
function post(
  body = exec,
  { line = 'POST / HTTP/1.1', lines = [...agents, type], host = 'Host: lanner:2810' } = {},
) {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return [line, host, ...lines, length, '', body].filter((text, at) => text !== '' || at > 2).join('\r\n');
}
const raw = (head: string[], body = exec) => `${head.join('\r\n')}\r\n\r\n${body}`;
const length = `Content-Length: ${exec.length}`;
const accepts = () => Promise.resolve();
const falcoText = '22:28:04.300413560: Notice A shell (user=root)';

describe('both ways answer the same and do the same', () => {
  /** What one connection got and did, from each. */
  async function outcome(fronted: boolean, pieces: string[], ends: boolean, answers: number, setup: Setup) {
    const running = await start(fronted, setup);
    const talk = await open(running.port);
    await write(talk.socket, pieces);
    if (ends) talk.socket.end();
    const text = await talk.answered(ends ? 9 : answers);
    talk.socket.destroy();
    const { counts, unread } = running.intake;
    return { read: running.read(), seen: { text, counts, unread, relayed: running.relayed } };
  }

  it.each<[string, string[], Setup?]>([
    ["libcurl's request", [post()]],
    [
      "Go's request",
      [post(exec, { lines: ['User-Agent: Go-http-client/1.1', type, 'Accept-Encoding: gzip'] })],
    ],
    ['names in small letters', [raw(['POST / HTTP/1.1', 'host: a', length.toLowerCase()])]],
    ['another type', [post(exec, { lines: ['Content-Type: application/json; charset=utf-8'] })]],
    ['a query', [post(exec, { line: 'POST /?a=b HTTP/1.1' })]],
    ['a secret path', [post(exec, { line: 'POST /s-1 HTTP/1.1' })], { config: { path: '/s-1' } }],
    ['a request in three pieces', ['POST / HT', post().slice(9, 200), post().slice(200)]],
    ['what is no exec', [post(bodies[0]!.replace('execve', 'openat'))]],
    ['several alerts', [post(`${exec}\n${exec}\n`)]],
    ['a finding', [post()], { accept: accepts }],
    ['no JSON', [post('héllo')]],
    ['nothing', [post('')]],
    ['text output', [post(falcoText, { lines: ['Content-Type: text/plain'] })]],
  ])('%s, without node:http', async (_name, pieces, setup = {}) => {
    const own = await outcome(true, pieces, false, 1, setup);
    const other = await outcome(false, pieces, false, 1, setup);
    expect(own.seen).toEqual(other.seen);
    expect([own.read, other.read]).toEqual([0, 1]);
  });

  it.each<[string, string[], number?]>([
    ['another path', [post(exec, { line: 'POST /x HTTP/1.1' })]],
    ['another method', [raw(['GET / HTTP/1.1', 'Host: a'], '')]],
    ['another version', [post(exec, { line: 'POST / HTTP/1.0' })]],
    ['a whole address as path', [post(exec, { line: 'POST http://a/ HTTP/1.1' })]],
    ['no host', [raw(['POST / HTTP/1.1', length])]],
    ['two hosts', [post(exec, { lines: ['Host: b'] })]],
    ['two lengths', [post(exec, { lines: ['Content-Length: 5'] })]],
    ['a length with a sign', [raw(['POST / HTTP/1.1', 'Host: a', `Content-Length: +${exec.length}`])]],
    ['no length', [raw(['POST / HTTP/1.1', 'Host: a'], '')]],
    ['an announced body above the bound', [post('x'.repeat(5_000))]],
    ['chunks', [raw(['POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked'], `2\r\n{}\r\n0\r\n\r\n`)]],
    ['chunks beside a length', [post(exec, { lines: ['Transfer-Encoding: chunked'] })]],
    ['a request to go on', [post(exec, { lines: ['Expect: 100-continue'] })]],
    ['an unknown expectation', [post(exec, { lines: ['Expect: more'] })]],
    ['a wish to close', [post(exec, { lines: ['Connection: close'] })]],
    ['compress_uploads', [post(exec, { lines: ['Connection: TE', 'TE: gzip'] })]],
    ['a compressed body', [post(exec, { lines: ['Content-Encoding: gzip'] })]],
    ['a header of its own', [post(exec, { lines: ['X-Team: a'] })]],
    ['a folded header', [post(exec, { lines: ['User-Agent: a', ' b'] })]],
    ['a blank before the colon', [post(exec, { lines: ['User-Agent : a'] })]],
    ['a control character', [post(exec, { lines: ['User-Agent: a\x01'] })]],
    ['bare line feeds', [post().replaceAll('\r\n', '\n')]],
    ['an empty line before', [`\r\n${post()}`]],
    ['a head above all bounds', [post(exec, { lines: [`User-Agent: ${'a'.repeat(20_000)}`] })]],
    ['garbage', ['\x16\x03\x01\x02\x00garbage\r\n\r\n']],
    ['two requests at once', [post() + post()], 2],
    ['one and a half', [post() + post().slice(0, 60), post().slice(60)], 2],
    ['a good one, then another path', [post(), post(exec, { line: 'POST /x HTTP/1.1' })], 2],
  ])('%s, by node:http', async (_name, pieces, answers = 1) => {
    const setup = { config: { max_body_bytes: 4_096 } };
    const own = await outcome(true, pieces, false, answers, setup);
    const other = await outcome(false, pieces, false, answers, setup);
    expect(own.seen).toEqual(other.seen);
    expect(own.seen.text).toMatch(/^HTTP\/1\.1 /);
  });

  it.each<[string, string[]]>([
    ['behind a request', [post()]],
    ['inside a body', [post().slice(0, -9)]],
    ['inside a head', ['POST / HTTP/1.1\r\nHo']],
    ['before anything', []],
    ['inside the second request', [post(), post().slice(0, -9)]],
  ])('an end %s', async (_name, pieces) => {
    const own = await outcome(true, pieces, true, 1, {});
    expect(own.seen).toEqual((await outcome(false, pieces, true, 1, {})).seen);
    expect(own.read).toBe(0);
  });

  it.each<[string, string[], number]>([
    ['a body', [post().slice(0, -9)], 1],
    ['a head', ['POST / HTTP/1.1\r\nHo'], 0],
    ['a connection that says nothing', [], 0],
  ])('%s that comes too late', async (_name, pieces, counted) => {
    const setup = { config: { body_timeout_secs: 0.1 } };
    const own = await outcome(true, pieces, true, 1, setup);
    const late = await outcome(true, pieces, false, 1, setup);
    const other = await outcome(false, pieces, false, 1, setup);
    expect(late.seen.text).toBe('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
    expect(late.seen).toEqual(other.seen);
    expect([late.read, late.seen.counts.messages, own.seen.counts.messages]).toEqual([0, counted, counted]);
  });
});

it('however requests are cut, each is read once and whole', async () => {
  const requests = [...bodies.slice(0, 12).map((body) => post(body)), post(exec, { lines: ['X-Odd: 1'] })];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(requests.length - 1), { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(12_000), { maxLength: 8 }),
      async (chosen, cuts) => {
        const { port, intake, relayed } = await start(true);
        const bytes = Buffer.from(chosen.map((at) => requests[at]!).join(''));
        const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
        const talk = await open(port);
        await write(
          talk.socket,
          places.slice(1).map((to, at) => bytes.subarray(places[at]!, to)),
        );
        const text = await talk.answered(chosen.length);
        expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(chosen.length);
        expect(intake.counts).toMatchObject({ messages: chosen.length, unreadable: 0 });
        const sent = chosen.map((at) => requests[at]!.slice(requests[at]!.indexOf('\r\n\r\n') + 4));
        expect(relayed).toEqual(sent.map((body) => `application/json ${body}`));
        talk.socket.destroy();
      },
    ),
    { numRuns: 60 },
  );
});

describe('one connection', () => {
  it('is read for as long as its requests are simple', async () => {
    const { port, intake, read } = await start(true);
    const talk = await open(port);
    for (const [at, body] of bodies.entries()) {
      talk.socket.write(post(body));
      await talk.answered(at + 1);
    }
    expect([intake.counts.messages, intake.counts.unreadable, read()]).toEqual([bodies.length, 0, 0]);
  });

  it('that asks before a finding is answered gets its answers in order', async () => {
    const accepted: (() => void)[] = [];
    const accept = () => new Promise<void>((resolve) => void accepted.push(resolve));
    const { port, intake } = await start(true, { accept, config: { answer_within_ms: 1_000 } });
    const talk = await open(port);
    talk.socket.write(post());
    await vi.waitFor(() => expect(accepted).toHaveLength(1), { interval: 2 });
    await write(talk.socket, [post('no JSON'), post(exec, { line: 'GET / HTTP/1.1' })]);
    expect([talk.text, intake.counts.messages]).toEqual(['', 1]);
    accepted[0]!();
    const text = await talk.answered(3);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 405']);
  });

  it('whose client has ended still gets the answer to a finding', async () => {
    const accepted: (() => void)[] = [];
    const accept = () => new Promise<void>((resolve) => void accepted.push(resolve));
    const { port } = await start(true, { accept, config: { answer_within_ms: 1_000 } });
    const talk = await open(port);
    talk.socket.end(post());
    await vi.waitFor(() => expect(accepted).toHaveLength(1), { interval: 2 });
    await nextTurn();
    accepted[0]!();
    expect(await talk.answered(9)).toContain('200 OK');
  });

  it('that hangs up inside a body is counted, behind one it is not', async () => {
    const { port, intake } = await start(true, { accept: () => new Promise(() => undefined) });
    const talk = await open(port);
    await write(talk.socket, [post().slice(0, -9)]);
    talk.socket.resetAndDestroy();
    await intake.until(() => intake.counts.unreadable === 1);
    const other = await open(port);
    other.socket.write(post());
    await intake.until(() => intake.counts.messages === 2);
    other.socket.resetAndDestroy();
    await vi.waitFor(() => expect(intake.counts.late_answers).toBe(1), { interval: 2 });
    expect(intake.counts.unreadable).toBe(1);
  });
});

describe('the front alone', () => {
  const answering: Receiver = {
    isPath: () => true,
    take: (_body, exchange) => exchange.answer(200),
    broken: () => undefined,
    request: () => undefined,
  };
  const alone = (keepAliveMs: number) => {
    const { signal } = new AbortController();
    const front = openFront({
      receiver: answering,
      maxBodyBytes: 4_096,
      requestMs: 60_000,
      keepAliveMs,
      checkEveryMs: 5,
      signal,
    });
    front.start();
    cleanups.push(front.stop);
    return front;
  };

  it('closes a connection on which nothing has come for long', async () => {
    const front = alone(20);
    const server = createServer((socket) => front.take(socket, () => undefined)).listen(0, '127.0.0.1');
    cleanups.push(() => server.close());
    await once(server, 'listening');
    const talk = await open((server.address() as AddressInfo).port);
    talk.socket.write(post());
    expect(await talk.answered(9)).toContain('200 OK');
  });

  it('reads no more from a client that does not take its answers', async () => {
    const front = alone(60_000);
    const written: (() => void)[] = [];
    const slow = new Duplex({
      writableHighWaterMark: 100,
      read: () => undefined,
      write: (_chunk, _encoding, done) => void written.push(done),
    });
    cleanups.push(() => slow.destroy());
    front.take(slow as Socket, () => undefined);
    slow.push(post());
    await vi.waitFor(() => expect(written).toHaveLength(1), { interval: 2 });
    expect(slow.isPaused()).toBe(true);
    written[0]!();
    await vi.waitFor(() => expect(slow.isPaused()).toBe(false), { interval: 2 });
  });
});

describe('stopping', () => {
  it('closes at once what is idle, and what has said nothing yet', async () => {
    const { port, stop, front } = await start(true);
    const [idle, silent] = [await open(port), await open(port)];
    idle.socket.write(post());
    await idle.answered();
    const givenUp = vi.spyOn(front!, 'closeAll');
    await stop();
    expect(givenUp).not.toHaveBeenCalled();
    await Promise.all([idle, silent].map((talk) => talk.answered(9)));
  });

  it('lets a request that has begun become whole, and closes with its answer', async () => {
    const { port, stop, intake } = await start(true);
    const talk = await open(port);
    await write(talk.socket, [post().slice(0, -9)]);
    const stopped = stop();
    talk.socket.write(post().slice(-9));
    expect(await talk.answered(9)).toBe(
      'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\nDate\r\n\r\n',
    );
    await stopped;
    expect(intake.counts.messages).toBe(1);
  });
});

describe('TLS', () => {
  const authority = createAuthority();
  const client = authority.client('falco');
  const { paths } = writeFiles({ ...authority.server(['127.0.0.1']), ca: authority.cert });
  const tls = { cert_file: paths.cert, key_file: paths.key, client_ca_file: paths.ca };

  it.each([
    ['simple requests without node:http', post(), 0, 200],
    ['all others by node:http', post(exec, { line: 'POST /x HTTP/1.1' }), 1, 404],
  ])('reads %s', async (_name, request, read, status) => {
    const running = await start(true, { config: { tls } });
    const socket = connectTls({ port: running.port, host: '127.0.0.1', ca: authority.cert, ...client });
    cleanups.push(() => socket.destroy());
    const talk = talkOn(socket);
    await once(socket, 'secureConnect');
    await write(socket, [request.slice(0, 50), request.slice(50)]);
    expect(await talk.answered()).toContain(`HTTP/1.1 ${status} `);
    expect(running.read()).toBe(read);
  });
});
