import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openWebhookSink, webhookSinkSchema } from '../../../src/deliver/sinks/webhook.ts';
import type { Delivery } from '../../../src/model/delivery.ts';
import { createAuthority, writeFiles } from '../../support/certificates.ts';
import { aFinding } from '../../support/finding.ts';
import { openReceiver, type Receiver } from '../../support/receiver.ts';

const delivery: Delivery = { id: 'f:1:ops', sink: 'ops', finding: aFinding() };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A real forward proxy: CONNECT tunnels, and absolute URLs for plain HTTP. */
async function openProxy(authorization?: string): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const denied = (given: string | undefined) => authorization !== undefined && given !== authorization;
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (denied(request.headers['proxy-authorization'])) return void response.writeHead(407).end();
    const { 'proxy-authorization': _own, ...headers } = request.headers;
    const onward = httpRequest(request.url ?? '', { method: request.method ?? 'POST', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (denied(request.headers['proxy-authorization'])) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    socket.on('error', () => onward.destroy());
    socket.on('close', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function receiving(tls?: object): Promise<Receiver> {
  const receiver = await openReceiver(tls);
  closers.unshift(() => receiver.close());
  return receiver;
}

function send(url: string, more: object) {
  const sink = openWebhookSink(
    'ops',
    webhookSinkSchema.parse({ type: 'webhook', url, timeout_secs: 3, ...more }),
  );
  closers.unshift(() => sink.close());
  return sink.send(delivery, new AbortController().signal);
}

describe('a proxy', () => {
  it('is asked for plain HTTP with the whole URL', async () => {
    const [receiver, proxy] = [await receiving(), await openProxy()];
    expect(await send(`${receiver.url}?a=b`, { proxy: proxy.url })).toMatchObject({ kind: 'delivered' });
    expect(proxy.asked).toEqual([`POST ${receiver.url}?a=b`]);
    expect(JSON.parse(receiver.received[0]!.body.toString())).toEqual(delivery.finding);
  });

  it('tunnels TLS, and the certificate is still checked', async () => {
    const ca = createAuthority();
    const { cert, key } = ca.server(['127.0.0.1']);
    const files = writeFiles({ ca: ca.cert, other: createAuthority().cert });
    closers.push(files.remove);
    const [receiver, proxy] = [await receiving({ cert, key }), await openProxy()];
    const good = { proxy: proxy.url, tls: { ca_file: files.paths.ca } };
    expect(await send(receiver.url, good)).toMatchObject({ kind: 'delivered' });
    expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${receiver.port}`]);
    const bad = { proxy: proxy.url, tls: { ca_file: files.paths.other } };
    expect(await send(receiver.url, bad)).toMatchObject({ kind: 'retry', reason: 'tls' });
  });

  it('is shown the user and password of its URL, and the receiver is not', async () => {
    const expected = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    const [receiver, proxy] = [await receiving(), await openProxy(expected)];
    const withUser = proxy.url.replace('http://', 'http://me:p%40ss@');
    expect(await send(receiver.url, { proxy: withUser })).toMatchObject({ kind: 'delivered' });
    expect(receiver.received[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('that refuses us or cannot reach the receiver is retried', async () => {
    const ca = createAuthority();
    const receiver = await receiving(ca.server(['127.0.0.1']));
    const strict = await openProxy('Basic other');
    const refused = await send(receiver.url, { proxy: strict.url, tls: { insecure_skip_verify: true } });
    expect(refused).toMatchObject({ kind: 'retry', reason: 'proxy' });
    const proxy = await openProxy();
    const { url } = receiver;
    await receiver.close();
    const unreachable = await send(url, { proxy: proxy.url, tls: { insecure_skip_verify: true } });
    expect(unreachable).toMatchObject({ kind: 'retry', reason: 'proxy' });
  });

  it('that is not there is retried', async () => {
    expect(await send('http://127.0.0.1:9/', { proxy: 'http://127.0.0.1:1' })).toMatchObject({
      kind: 'retry',
      reason: 'connect_refused',
    });
  });
});
