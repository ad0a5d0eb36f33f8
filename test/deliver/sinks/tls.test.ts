import { writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openWebhookSink, webhookSinkSchema } from '../../../src/deliver/sinks/webhook.ts';
import type { Delivery, Outcome } from '../../../src/model/delivery.ts';
import { createAuthority, writeFiles } from '../../support/certificates.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import { aFinding } from '../../support/finding.ts';
import { openReceiver, type Receiver } from '../../support/receiver.ts';

const ours = createAuthority('ours');
const theirs = createAuthority('theirs');
const server = ours.server(['127.0.0.1', 'hooks.example']);
const client = ours.client('lanner');
const stranger = theirs.client('stranger');
const old = ours.server(['127.0.0.1'], { notAfter: new Date(Date.now() - 86_400_000) });
const { paths, remove } = writeFiles({
  ca: ours.cert,
  other_ca: theirs.cert,
  cert: client.cert,
  key: client.key,
  stranger_cert: stranger.cert,
  stranger_key: stranger.key,
});
afterAll(remove);

const delivery: Delivery = { id: 'f:1:ops', sink: 'ops', finding: aFinding() };
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function receiver(options: object): Promise<Receiver> {
  const made = await openReceiver({ cert: server.cert, key: server.key, ...options });
  open.unshift(made);
  return made;
}

function sinkTo(url: string, tls: object | undefined, more: object = {}, clock?: ManualClock) {
  const config = webhookSinkSchema.parse({
    type: 'webhook',
    url,
    timeout_secs: 5,
    ...(tls ? { tls } : {}),
    ...more,
  });
  const sink = openWebhookSink('ops', config, clock);
  open.unshift(sink);
  return (): Promise<Outcome> => sink.send(delivery, new AbortController().signal);
}

describe('TLS of a sink', () => {
  it('trusts the CA of the configuration', async () => {
    const { url } = await receiver({});
    expect(await sinkTo(url, { ca_file: paths.ca })()).toMatchObject({ kind: 'delivered' });
  });

  it.each([
    ['the public CAs do not know', undefined, {}],
    ['another CA signed', { ca_file: paths.other_ca }, {}],
    ['is for another name', { ca_file: paths.ca, server_name: 'other.example' }, {}],
    ['has expired', { ca_file: paths.ca }, { cert: old.cert, key: old.key }],
  ])('refuses a certificate that %s', async (_what, tls, certificate) => {
    const { url, received } = await receiver(certificate);
    expect(await sinkTo(url, tls)()).toMatchObject({ kind: 'retry', reason: 'tls' });
    expect(received).toHaveLength(0);
  });

  it('accepts a certificate for the name it is told to expect', async () => {
    const { url } = await receiver({});
    const send = sinkTo(url, { ca_file: paths.ca, server_name: 'hooks.example' });
    expect(await send()).toMatchObject({ kind: 'delivered' });
  });

  it('accepts anything where it is told so', async () => {
    const { url } = await receiver({});
    expect(await sinkTo(url, { insecure_skip_verify: true })()).toMatchObject({ kind: 'delivered' });
  });

  it('shows its client certificate, each sink its own', async () => {
    const made = await receiver({ ca: ours.cert, requestCert: true, rejectUnauthorized: false });
    const names: unknown[] = [];
    made.answer = (_request, response, socket) => {
      names.push((socket as TLSSocket).getPeerCertificate().subject?.CN);
      response.writeHead(204).end();
    };
    await sinkTo(made.url, { ca_file: paths.ca, cert_file: paths.cert, key_file: paths.key })();
    await sinkTo(made.url, {
      ca_file: paths.ca,
      cert_file: paths.stranger_cert,
      key_file: paths.stranger_key,
    })();
    await sinkTo(made.url, { ca_file: paths.ca })();
    expect(names).toEqual(['lanner', 'stranger', undefined]);
  });

  it('without the client certificate that the receiver demands is retried', async () => {
    const { url } = await receiver({ ca: ours.cert, requestCert: true, rejectUnauthorized: true });
    const outcome = await sinkTo(url, { ca_file: paths.ca })();
    expect(outcome.kind).toBe('retry');
    expect(['tls', 'connection_lost']).toContain(outcome.kind === 'retry' && outcome.reason);
  });

  it('takes up a certificate that was renewed, without a restart', async () => {
    const made = await receiver({
      ca: [ours.cert, theirs.cert],
      requestCert: true,
      rejectUnauthorized: false,
    });
    const names: unknown[] = [];
    made.answer = (_request, response, socket) => {
      names.push((socket as TLSSocket).getPeerCertificate().subject?.CN);
      response.writeHead(204).end();
    };
    const own = writeFiles({ cert: client.cert, key: client.key });
    const clock = manualClock();
    const tls = { ca_file: paths.ca, cert_file: own.paths.cert, key_file: own.paths.key };
    const send = sinkTo(made.url, tls, {}, clock);
    await send();
    writeFileSync(own.paths.cert, `${stranger.cert}\n`);
    writeFileSync(own.paths.key, `${stranger.key}\n`);
    await send();
    await clock.advance(15_000);
    await send();
    own.remove();
    expect(names).toEqual(['lanner', 'lanner', 'stranger']);
  });

  it('with a file that is not there says which, and is retried', async () => {
    const { url } = await receiver({});
    expect(await sinkTo(url, { ca_file: '/nowhere/ca.pem' })()).toMatchObject({
      kind: 'retry',
      reason: 'credentials_unreadable',
      detail: expect.stringContaining('/nowhere/ca.pem'),
    });
  });
});

describe('HTTP/2', () => {
  async function http2Server(answer: (headers: object) => { status: number; retryAfter?: string }) {
    const seen: string[] = [];
    const made = createSecureServer({ cert: server.cert, key: server.key, allowHTTP1: true });
    made.on('request', (request, response) => {
      request.resume();
      request.on('end', () => {
        seen.push(request.httpVersion);
        const { status, retryAfter } = answer(request.headers);
        response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
        response.end();
      });
    });
    const sessions = new Set<{ destroy(): void; goaway(): void }>();
    made.on('session', (session) => sessions.add(session));
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    open.push({
      close: () =>
        new Promise<void>((resolve) => {
          for (const session of sessions) session.destroy();
          made.close(() => resolve());
        }),
    });
    return { url: `https://127.0.0.1:${(made.address() as AddressInfo).port}/hook`, seen, sessions };
  }

  it('is spoken where it is offered, and not where it is switched off', async () => {
    const { url, seen } = await http2Server(() => ({ status: 200 }));
    expect(await sinkTo(url, { ca_file: paths.ca })()).toMatchObject({ kind: 'delivered' });
    expect(await sinkTo(url, { ca_file: paths.ca }, { http2: false })()).toMatchObject({ kind: 'delivered' });
    expect(seen).toEqual(['2.0', '1.1']);
  });

  it('has the same outcomes', async () => {
    let status = 0;
    const { url } = await http2Server(() => ({ status, retryAfter: '3' }));
    const send = sinkTo(url, { ca_file: paths.ca });
    const outcomes: unknown[] = [];
    for (status of [204, 308, 400, 401, 410, 413, 429, 500, 501, 503]) {
      const outcome = await send();
      outcomes.push([
        status,
        outcome.kind,
        'reason' in outcome ? outcome.reason : '',
        'after_ms' in outcome && outcome.after_ms,
      ]);
    }
    expect(outcomes).toEqual([
      [204, 'delivered', '', false],
      [308, 'rejected', 'redirect', false],
      [400, 'rejected', 'client_error', false],
      [401, 'rejected', 'unauthorized', false],
      [410, 'rejected', 'gone', false],
      [413, 'rejected', 'too_large', false],
      [429, 'retry', 'throttled', 3000],
      [500, 'retry', 'server_error', 3000],
      [501, 'rejected', 'not_implemented', false],
      [503, 'retry', 'server_error', 3000],
    ]);
  });

  it('goes on after the server said GOAWAY or broke the session', async () => {
    const { url, sessions, seen } = await http2Server(() => ({ status: 200 }));
    const send = sinkTo(url, { ca_file: paths.ca });
    const outcomes: Outcome[] = [await send()];
    for (const session of sessions) session.goaway();
    outcomes.push(await send(), await send());
    for (const session of sessions) session.destroy();
    outcomes.push(await send(), await send());
    expect(outcomes.every((outcome) => outcome.kind !== 'rejected')).toBe(true);
    expect(outcomes.at(-1)).toMatchObject({ kind: 'delivered' });
    expect(seen.length).toBeGreaterThanOrEqual(3);
  });
});
