import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type CloudEventV1, HTTP } from 'cloudevents';
import { afterEach, describe, expect, it } from 'vitest';
import { openSink, type SinkConfig, sinkSchema } from '../../../src/deliver/sinks/index.ts';
import { openFileSink, openStdoutSink } from '../../../src/deliver/sinks/lines.ts';
import { holdingClock } from '../../../src/lib/clock.ts';
import type { BatchDelivery, Delivery, Outcome, Sink } from '../../../src/model/delivery.ts';
import { manualClock } from '../../support/clock.ts';
import { aFinding, findings } from '../../support/finding.ts';
import { openReceiver, type Receiver } from '../../support/receiver.ts';
import { temporaryDirectory } from '../../support/spool.ts';

const delivery: Delivery = { id: 'f-1a2b3c:1:ops', sink: 'ops', finding: aFinding() };
const never = new AbortController().signal;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function receiving(): Promise<Receiver> {
  const receiver = await openReceiver();
  closers.unshift(() => receiver.close());
  return receiver;
}

function sink(config: object): Sink {
  const made = openSink('ops', sinkSchema.parse(config) as SinkConfig, { clock: holdingClock });
  closers.unshift(() => made.close());
  return made;
}

/** Every sink over HTTP, as the configuration writes it. */
const overHttp: [string, (url: string) => object][] = [
  ...['lanner', 'cloudevents', 'cloudevents_binary', 'falcosidekick', 'ocsf', 'slack', 'teams'].map(
    (format): [string, (url: string) => object] => [
      `webhook ${format}`,
      (url) => ({ type: 'webhook', url, format }),
    ],
  ),
  [
    'webhook template',
    (url) => ({ type: 'webhook', url, format: 'template', template: { body: '{{ finding | json }}' } }),
  ],
  ['slack', (url) => ({ type: 'slack', url })],
  ['teams', (url) => ({ type: 'teams', url })],
  ['pagerduty', (url) => ({ type: 'pagerduty', url, routing_key: 'R0UT1NGKEY' })],
  ['alertmanager', (url) => ({ type: 'alertmanager', urls: [new URL(url).origin] })],
];

describe.each(overHttp)('the sink %s', (_name, config) => {
  it('sends one finding and tells what the answer means, for every status', async () => {
    const receiver = await receiving();
    const made = sink(config(receiver.url));
    let status = 200;
    receiver.answer = (_request, response) =>
      response.writeHead(status, { 'retry-after': '9' }).end('{"status":"x"}');
    const kinds: Record<string, number[]> = {};
    for (status of [
      200, 201, 202, 204, 206, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409,
      410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 500, 501,
      502, 503, 504, 505, 507, 508, 511, 520, 599,
    ]) {
      const outcome = await made.send(delivery, never);
      const key = 'reason' in outcome ? `${outcome.kind} ${outcome.reason}` : outcome.kind;
      kinds[key] = [...(kinds[key] ?? []), status];
      if (outcome.kind === 'retry') expect(outcome.after_ms).toBe(9_000);
    }
    expect(kinds).toEqual({
      delivered: [200, 201, 202, 204, 206],
      'rejected redirect': [300, 301, 302, 303, 307, 308],
      'rejected unauthorized': [401, 403, 407],
      'rejected gone': [410],
      'rejected too_large': [413],
      'rejected not_implemented': [501],
      'rejected client_error': [
        400, 402, 404, 405, 406, 409, 411, 412, 414, 415, 416, 417, 418, 421, 422, 423, 424, 426, 428, 431,
        451,
      ],
      'retry request_timeout': [408],
      'retry too_early': [425],
      'retry throttled': [429],
      'retry server_error': [500, 502, 503, 504, 505, 507, 508, 511, 520, 599],
    });
    for (const request of receiver.received) {
      expect(request.headers['webhook-id']).toBe(delivery.id);
      expect(() => JSON.parse(request.body.toString()) as unknown).not.toThrow();
    }
  });
});

describe('CloudEvents', () => {
  const batch: BatchDelivery = {
    id: 'd_1',
    sink: 'ops',
    batch: findings(3).map((finding) => ({ id: `${finding.id}:1:ops`, sink: 'ops', finding })),
  };

  it.each(['cloudevents', 'cloudevents_binary'])(
    'in mode %s are read by the independent library',
    async (format) => {
      const receiver = await receiving();
      const made = sink({ type: 'webhook', url: receiver.url, format, batch: {} });
      await made.send(delivery, never);
      await made.send(batch, never);
      const [single, several] = receiver.received.map(({ headers, body }) =>
        HTTP.toEvent<unknown>({ headers: headers as Record<string, string>, body: body.toString() }),
      );
      const event = single as CloudEventV1<unknown>;
      expect(event).toMatchObject({
        id: 'f-1a2b3c:1',
        source: '/lanner/prod-eu/node-1',
        type: 'lanner.finding.v1',
        subject: 'shop/web-7d9f',
        severity: 'high',
      });
      expect(new Date(event.time ?? '').toISOString()).toBe('2026-11-22T12:00:00.123Z');
      expect(event.data).toEqual(delivery.finding);
      expect((several as CloudEventV1<unknown>[]).map((each) => each.id)).toEqual([
        'f-0:1',
        'f-1:1',
        'f-2:1',
      ]);
    },
  );
});

describe('PagerDuty', () => {
  it('reads its key from a file for each attempt, and no log sees it', async () => {
    const receiver = await receiving();
    const routing_key_file = join(temporaryDirectory(), 'key');
    const made = sink({ type: 'pagerduty', url: receiver.url, routing_key_file });
    expect(await made.send(delivery, never)).toMatchObject({
      kind: 'retry',
      reason: 'credentials_unreadable',
    });
    writeFileSync(routing_key_file, 'SECRETKEY1\n');
    receiver.answer = (request, response) =>
      response.writeHead(400).end(`invalid: ${request.body.toString()}`);
    const outcome = await made.send(delivery, never);
    expect(JSON.parse(receiver.received[0]!.body.toString())).toMatchObject({ routing_key: 'SECRETKEY1' });
    expect(outcome).toMatchObject({ kind: 'rejected', reason: 'client_error' });
    expect(outcome.detail).not.toContain('SECRETKEY1');
  });
});

describe('Alertmanager', () => {
  it('gives every peer the alert, and has delivered when one took it', async () => {
    const peers = [await receiving(), await receiving(), await receiving()];
    const made = sink({ type: 'alertmanager', urls: peers.map(({ url }) => new URL(url).origin) });
    peers[0]!.answer = (_request, response) => response.writeHead(500).end();
    peers[1]!.answer = (_request, _response, socket) => socket.resetAndDestroy();
    expect(await made.send(delivery, never)).toMatchObject({ kind: 'delivered' });
    expect(peers.map(({ received }) => received.map(({ path }) => path))).toEqual([
      ['/api/v2/alerts'],
      ['/api/v2/alerts'],
      ['/api/v2/alerts'],
    ]);
    peers[2]!.answer = (_request, response) => response.writeHead(400).end();
    const outcome: Outcome = await made.send(delivery, never);
    expect(outcome.kind).toBe('retry');
  });
});

describe('lines', () => {
  const lines = (path: string) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
  const of = (id: string): Delivery => ({ id: `${id}:1:ops`, sink: 'ops', finding: aFinding({ id }) });

  it('are appended to the file, one for each finding, and the folder is made', async () => {
    const path = join(temporaryDirectory(), 'deep', 'findings.jsonl');
    const made = sink({ type: 'file', path });
    for (const id of ['a', 'b']) expect(await made.send(of(id), never)).toEqual({ kind: 'delivered' });
    expect(lines(path).map(({ id }) => id)).toEqual(['a', 'b']);
    await made.close();
    const again = sink({ type: 'file', path });
    await again.send(of('c'), never);
    expect(lines(path).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('go to a new file when the old one is full, and so many files are kept', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'f');
    const made = sink({ type: 'file', path, max_bytes: 5_000, max_files: 3 });
    for (const finding of findings(12)) await made.send(of(finding.id), never);
    expect(readdirSync(directory).sort()).toEqual(['f', 'f.1', 'f.2']);
    const kept = ['f.2', 'f.1', 'f'].flatMap((name) => lines(join(directory, name)).map(({ id }) => id));
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => `f-${12 - kept.length + index}`));
    expect(kept.length).toBeGreaterThanOrEqual(5);
  });

  it('find the new file when someone else has rotated it', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'f');
    const clock = manualClock();
    const made = openFileSink('ops', sinkSchema.parse({ type: 'file', path }) as never, { clock });
    closers.unshift(() => made.close());
    await made.send(of('a'), never);
    renameSync(path, `${path}.moved`);
    await clock.advance(10_000);
    await made.send(of('b'), never);
    expect(lines(`${path}.moved`).map(({ id }) => id)).toEqual(['a']);
    expect(lines(path).map(({ id }) => id)).toEqual(['b']);
  });

  it('that cannot be written are retried', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'f');
    mkdirSync(path);
    const made = sink({ type: 'file', path });
    expect(await made.send(delivery, never)).toMatchObject({ kind: 'retry', reason: 'io_error' });
    expect(existsSync(path)).toBe(true);
  });

  it('on standard output end with a line break, and a broken pipe is retried', async () => {
    const stream = new PassThrough();
    const made = openStdoutSink('ops', stream);
    expect(await made.send(delivery, never)).toEqual({ kind: 'delivered' });
    expect(JSON.parse(String(stream.read()))).toEqual(delivery.finding);
    stream.destroy();
    expect(await made.send(delivery, never)).toMatchObject({ kind: 'retry', reason: 'io_error' });
  });
});

describe('the configuration of sinks', () => {
  it('has a lowest severity for chat and paging', () => {
    const least = (config: object) => (sinkSchema.parse(config) as { min_severity?: string }).min_severity;
    expect(least({ type: 'slack', url: 'https://x.example/' })).toBe('medium');
    expect(least({ type: 'teams', url: 'https://x.example/' })).toBe('medium');
    expect(least({ type: 'pagerduty', routing_key: 'k' })).toBe('high');
    expect(least({ type: 'webhook', url: 'https://x.example/' })).toBeUndefined();
  });

  it.each([
    [{ type: 'webhook', url: 'https://x.example/', format: 'slack', batch: {} }],
    [{ type: 'webhook', url: 'https://x.example/', format: 'template' }],
    [{ type: 'webhook', url: 'https://x.example/', template: { body: 'x' } }],
    [
      {
        type: 'webhook',
        url: 'https://x.example/',
        format: 'template',
        template: { body: 'x', body_file: 'y' },
      },
    ],
    [{ type: 'pagerduty' }],
    [{ type: 'pagerduty', routing_key: 'a', routing_key_file: 'b' }],
    [{ type: 'alertmanager', urls: [] }],
    [{ type: 'carrier_pigeon' }],
  ])('refuses %j', (config) => {
    expect(sinkSchema.safeParse(config).success).toBe(false);
  });

  it('of a template that is not there or no Liquid is a coded error', () => {
    const open = (template: object) => () =>
      sink({ type: 'webhook', url: 'https://x.example/', format: 'template', template });
    expect(open({ body_file: '/nowhere' })).toThrow(expect.objectContaining({ code: 'template' }));
    expect(open({ body: '{% if %}' })).toThrow(expect.objectContaining({ code: 'template' }));
  });
});
