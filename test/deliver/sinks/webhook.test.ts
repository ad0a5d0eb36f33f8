import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openWebhookSink, webhookSinkSchema } from '../../../src/deliver/sinks/webhook.ts';
import type { Delivery, Outcome, Sink } from '../../../src/model/delivery.ts';
import { aFinding } from '../../support/finding.ts';
import { openReceiver, type Receiver } from '../../support/receiver.ts';

const finding = aFinding();
const delivery: Delivery = { id: 'f-1a2b3c:1:ops', sink: 'ops', finding };
const never = new AbortController().signal;

let receiver: Receiver;
let sinks: Sink[] = [];
beforeEach(async () => {
  receiver = await openReceiver();
});
afterEach(async () => {
  await Promise.all(sinks.map((sink) => sink.close()));
  sinks = [];
  await receiver.close();
});

function sinkTo(url: string, more: object = {}): Sink {
  const sink = openWebhookSink(
    'ops',
    webhookSinkSchema.parse({ type: 'webhook', url, timeout_secs: 2, ...more }),
  );
  sinks.push(sink);
  return sink;
}
const send = (sink: Sink, signal = never) => sink.send(delivery, signal);

describe('what a webhook sends', () => {
  it('is the finding as JSON with its id in two headers', async () => {
    expect(await send(sinkTo(receiver.url))).toMatchObject({ kind: 'delivered' });
    const [request] = receiver.received;
    expect(request?.method).toBe('POST');
    expect(request?.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(request?.headers['webhook-id']).toBe(delivery.id);
    expect(request?.headers['idempotency-key']).toBe(delivery.id);
    expect(JSON.parse(request?.body.toString() ?? '')).toEqual(finding);
  });

  it('goes to the path and query of the URL with the method and headers of the configuration', async () => {
    await send(sinkTo(`${receiver.url}?team=a%20b`, { method: 'PUT', headers: { 'X-Team': 'blue' } }));
    expect(receiver.received[0]).toMatchObject({ method: 'PUT', path: '/hook?team=a%20b' });
    expect(receiver.received[0]?.headers['x-team']).toBe('blue');
  });

  it('is compressed where configured, and says so', async () => {
    await send(sinkTo(receiver.url, { compression: 'gzip' }));
    expect(receiver.received[0]?.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(receiver.received[0]!.body).toString())).toEqual(finding);
  });

  it('carries basic credentials', async () => {
    await send(sinkTo(receiver.url, { auth: { basic: { user: 'lanner', password: 'pässword' } } }));
    const sent = Buffer.from(
      receiver.received[0]?.headers.authorization?.slice(6) ?? '',
      'base64',
    ).toString();
    expect(sent).toBe('lanner:pässword');
  });

  it('reads a bearer token anew for each attempt', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanner-'));
    const bearer_file = join(folder, 'token');
    try {
      await writeFile(bearer_file, 'first-token\n');
      const sink = sinkTo(receiver.url, { auth: { bearer_file } });
      await send(sink);
      await writeFile(bearer_file, 'second-token\n');
      await send(sink);
      await rm(bearer_file);
      expect(await send(sink)).toMatchObject({ kind: 'retry', reason: 'credentials_unreadable' });
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(receiver.received.map((request) => request.headers.authorization)).toEqual([
      'Bearer first-token',
      'Bearer second-token',
    ]);
  });
});

describe('an answer', () => {
  const expected = (status: number): Partial<Outcome> => {
    if (status < 300) return { kind: 'delivered' };
    if (status < 400) return { kind: 'rejected', reason: 'redirect' };
    if ([401, 403, 407].includes(status)) return { kind: 'rejected', reason: 'unauthorized' };
    if (status === 410) return { kind: 'rejected', reason: 'gone' };
    if (status === 413) return { kind: 'rejected', reason: 'too_large' };
    if (status === 408) return { kind: 'retry', reason: 'request_timeout' };
    if (status === 425) return { kind: 'retry', reason: 'too_early' };
    if (status === 429) return { kind: 'retry', reason: 'throttled' };
    if (status === 501) return { kind: 'rejected', reason: 'not_implemented' };
    if (status < 500) return { kind: 'rejected', reason: 'client_error' };
    if (status < 600) return { kind: 'retry', reason: 'server_error' };
    return { kind: 'rejected', reason: 'unexpected_status' };
  };

  it('of any status from 200 to 699 has the outcome of the table', async () => {
    receiver.answer = (request, response) => {
      response
        .writeHead(Number(request.headers['x-status']), { location: `${receiver.url}/elsewhere` })
        .end();
    };
    const seen = new Map<number, Outcome>();
    for (let status = 200; status < 700; status++) {
      const sink = openWebhookSink(
        'ops',
        webhookSinkSchema.parse({
          type: 'webhook',
          url: receiver.url,
          headers: { 'x-status': String(status) },
        }),
      );
      seen.set(status, await send(sink));
      await sink.close();
    }
    for (const [status, outcome] of seen)
      expect({ status, ...outcome }).toMatchObject({ status, ...expected(status) });
    // Not one redirect was followed.
    expect(receiver.received).toHaveLength(500);
  });

  it.each([
    ['7', 7_000],
    ['0', 0],
    ['1.5', 1_500],
    [' 3 ', 3_000],
    ['999999999', 3_600_000],
    [() => new Date(Date.now() + 30_000).toUTCString(), 30_000],
    [() => new Date(Date.now() - 30_000).toUTCString(), 0],
  ])('with Retry-After %s asks for that pause', async (header, expectedMs) => {
    const value = typeof header === 'string' ? header : header();
    receiver.answer = (_request, response) => response.writeHead(429, { 'retry-after': value }).end();
    const outcome = await send(sinkTo(receiver.url));
    expect(outcome.kind).toBe('retry');
    const after = outcome.kind === 'retry' ? outcome.after_ms : undefined;
    expect(after).toBeGreaterThanOrEqual(Math.max(0, expectedMs - 2_000));
    expect(after).toBeLessThanOrEqual(expectedMs);
  });

  it.each(['soon', '-5', '', '2026-11-22', 'NaN'])(
    'with Retry-After "%s" asks for nothing',
    async (value) => {
      receiver.answer = (_request, response) => response.writeHead(503, { 'retry-after': value }).end();
      expect(await send(sinkTo(receiver.url))).not.toHaveProperty('after_ms');
    },
  );

  it('may be endless: the status counts, and little of the rest is read', async () => {
    let written = 0;
    receiver.answer = (_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && written < 64 * 2 ** 20) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', more);
        }
      };
      more();
    };
    expect(await send(sinkTo(receiver.url))).toMatchObject({ kind: 'delivered' });
    expect(written).toBeLessThan(16 * 2 ** 20);
  });

  it('that ends in the middle of its body counts by its status', async () => {
    receiver.answer = (_request, response, socket) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half', () => socket.resetAndDestroy());
    };
    expect(await send(sinkTo(receiver.url))).toMatchObject({ kind: 'delivered' });
  });

  it('never puts a secret into the detail, though the receiver echoes it', async () => {
    receiver.answer = (request, response) =>
      response.writeHead(400).end(`bad ${request.headers.authorization}`);
    const outcome = await send(sinkTo(receiver.url, { auth: { bearer: 'very-secret-token' } }));
    expect(outcome.detail).toMatch(/^HTTP 400: bad/);
    expect(outcome.detail).not.toContain('very-secret-token');
  });
});

describe('a connection', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  /** A server of raw bytes. */
  async function raw(onSocket: (socket: import('node:net').Socket) => void): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      onSocket(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  }

  it('that is refused is retried', async () => {
    const url = receiver.url;
    await receiver.close();
    expect(await send(sinkTo(url))).toMatchObject({ kind: 'retry', reason: 'connect_refused' });
  });

  it('that is reset before an answer is retried', async () => {
    receiver.answer = (_request, _response, socket) => socket.resetAndDestroy();
    expect(await send(sinkTo(receiver.url))).toMatchObject({ kind: 'retry', reason: 'connection_lost' });
  });

  it('that ends in the middle of the head is retried', async () => {
    const url = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-')));
    expect(await send(sinkTo(url))).toMatchObject({ kind: 'retry', reason: 'connection_lost' });
  });

  it('that speaks no HTTP is retried as a bad response', async () => {
    const url = await raw((socket) =>
      socket.once('data', () => socket.end('220 smtp.example ready\r\n\r\n')),
    );
    expect(await send(sinkTo(url))).toMatchObject({ kind: 'retry', reason: 'bad_response' });
  });

  it('whose head has no end is retried as a bad response', async () => {
    const url = await raw((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n');
        for (let i = 0; i < 100; i++) socket.write(`x-${i}: ${'a'.repeat(500)}\r\n`);
      }),
    );
    expect(await send(sinkTo(url))).toMatchObject({ kind: 'retry', reason: 'bad_response' });
  });

  it('that never answers ends with the deadline', async () => {
    receiver.answer = () => {};
    expect(await send(sinkTo(receiver.url, { timeout_secs: 0.1 }))).toMatchObject({
      kind: 'retry',
      reason: 'timeout',
    });
  });

  it('that dribbles its head ends with the deadline', async () => {
    const url = await raw((socket) => {
      const timer = setInterval(() => socket.write('x'), 10);
      socket.write('HTTP/1.1 200 OK\r\nx-long: ');
      socket.on('close', () => clearInterval(timer));
    });
    expect(await send(sinkTo(url, { timeout_secs: 0.15 }))).toMatchObject({
      kind: 'retry',
      reason: 'timeout',
    });
  });

  it('to a name that does not exist is retried', async () => {
    const outcome = await send(sinkTo('http://no-such-host.invalid/'));
    expect(outcome).toMatchObject({ kind: 'retry' });
    expect(['name_unknown', 'timeout']).toContain(outcome.kind === 'retry' && outcome.reason);
  });

  it('of plain HTTP to a TLS address is a TLS matter', async () => {
    expect(await send(sinkTo(receiver.url.replace('http:', 'https:')))).toMatchObject({
      kind: 'retry',
      reason: 'tls',
    });
  });

  it('that waits for a connection ends at once when the caller aborts, and is never sent', async () => {
    const sink = sinkTo(receiver.url, { concurrency: 1 });
    const answers: (() => void)[] = [];
    receiver.answer = (_request, response) => void answers.push(() => response.writeHead(204).end());
    const first = send(sink);
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    const controller = new AbortController();
    const second = send(sink, controller.signal);
    controller.abort();
    expect(await second).toEqual({ kind: 'retry', reason: 'aborted' });
    answers[0]?.();
    expect(await first).toMatchObject({ kind: 'delivered' });
    const third = send(sink);
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]?.();
    expect(await third).toMatchObject({ kind: 'delivered' });
    expect(receiver.received).toHaveLength(2);
  });

  it('is given up when the caller aborts', async () => {
    const abort = new AbortController();
    receiver.answer = () => abort.abort();
    expect(await send(sinkTo(receiver.url), abort.signal)).toEqual({ kind: 'retry', reason: 'aborted' });
  });
});

describe('the configuration of a webhook', () => {
  it.each([
    ['an ftp URL', { url: 'ftp://x.example/' }],
    ['a URL with a password in it', { url: 'https://a:b@x.example/' }],
    ['a header Lanner sets itself', { headers: { Host: 'y' } }],
    ['a header with a line break', { headers: { 'x-a': 'a\r\nb: c' } }],
    ['two ways to show who we are', { auth: { bearer: 'a', bearer_file: 'b' } }],
    ['a client certificate without its key', { tls: { cert_file: 'a' } }],
    ['a key that does not exist', { urls: [] }],
    ['signing without a key', { signing: {} }],
  ])('refuses %s', (_what, change) => {
    const result = webhookSinkSchema.safeParse({ type: 'webhook', url: 'https://x.example/', ...change });
    expect(result.success).toBe(false);
  });
});
