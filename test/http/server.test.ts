import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { httpSchema } from '../../src/http/config.ts';
import type { Readiness } from '../../src/http/readiness.ts';
import { type HttpServer, type HttpView, serveHttp } from '../../src/http/server.ts';
import { createAuthority, writeFiles } from '../support/certificates.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const ready: Readiness = { ready: true, status: 'degraded', unready: [], degraded: ['sink ops is parked'] };
const unready: Readiness = { ready: false, status: 'unready', unready: ['it is stopping'], degraded: [] };

async function serve(config: object, readiness = ready): Promise<HttpServer> {
  const view: HttpView = {
    health: () => ({ status: 'degraded', version: '1', sources: [], enrichment: [], reasons: ['secret'] }),
    ready: () => readiness,
    metrics: async () => ({ body: 'lanner_x 1\n', type: 'text/plain' }),
  };
  const server = await serveHttp(httpSchema.parse({ listen: '127.0.0.1:0', ...config }), view);
  stops.push(server.close);
  return server;
}

interface Answer {
  status: number;
  body: string;
  headers: Record<string, unknown>;
}

function ask(url: string, headers: Record<string, string> = {}, ca?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https') ? secureRequest : plainRequest;
    const sent = request(url, { headers, ...(ca !== undefined && { ca }) }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('the HTTP server', () => {
  it('is ready while it can take events, whatever else is wrong, and says what', async () => {
    const { url } = await serve({});
    const { status, body } = await ask(`${url}/readyz`);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual(ready);
  });

  it('answers 503 and the reasons when it cannot take events, and lives all the same', async () => {
    const { url } = await serve({}, unready);
    const answer = await ask(`${url}/readyz?verbose`);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toEqual(unready);
    expect((await ask(`${url}/healthz`)).status).toBe(200);
  });

  it('shows metrics only to who has the token, and probes without it the bare status', async () => {
    const token = 'a-token-of-some-length';
    const { url } = await serve({ token });
    const refused = await ask(`${url}/metrics`);
    expect([refused.status, refused.headers['www-authenticate'], refused.body]).toEqual([
      401,
      'Bearer',
      'a bearer token is needed\n',
    ]);
    for (const wrong of ['Bearer wrong', `Basic ${token}`, `Bearer ${token}x`, token])
      expect((await ask(`${url}/metrics`, { authorization: wrong })).status, wrong).toBe(401);
    expect(JSON.parse((await ask(`${url}/healthz`)).body)).toEqual({ status: 'degraded' });
    expect(JSON.parse((await ask(`${url}/readyz`)).body)).toEqual({ ready: true, status: 'degraded' });
    const authorization = `Bearer ${token}`;
    expect((await ask(`${url}/metrics`, { authorization })).body).toBe('lanner_x 1\n');
    expect((await ask(`${url}/healthz`, { authorization })).body).toContain('secret');
  });

  it('takes the token from a file, without its line end', async () => {
    const { paths, remove } = writeFiles({ token: 'a-token-of-some-length\n', short: 'short\n' });
    stops.push(remove);
    const { url } = await serve({ token_file: paths.token });
    const authorization = 'Bearer a-token-of-some-length';
    expect((await ask(`${url}/metrics`, { authorization })).status).toBe(200);
    await expect(serve({ token_file: paths.short })).rejects.toMatchObject({ code: 'config_unreadable' });
    await expect(serve({ token_file: '/none' })).rejects.toMatchObject({ code: 'config_unreadable' });
  });

  it('speaks HTTPS with the given certificate', async () => {
    const authority = createAuthority();
    const { cert, key } = authority.server(['127.0.0.1']);
    const { paths, remove } = writeFiles({ cert, key, other: authority.server(['x']).key });
    stops.push(remove);
    const { url } = await serve({ tls: { cert_file: paths.cert, key_file: paths.key } });
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect((await ask(`${url}/metrics`, {}, authority.cert)).status).toBe(200);
    await expect(serve({ tls: { cert_file: paths.cert, key_file: paths.other } })).rejects.toMatchObject({
      code: 'tls_file',
    });
  });

  it('refuses what it does not serve', async () => {
    const { url } = await serve({});
    expect((await ask(`${url}/`)).status).toBe(404);
    await expect(serve({ listen: new URL(url).host })).rejects.toMatchObject({ code: 'listen_failed' });
  });
});

describe('section http', () => {
  const tls = { cert_file: '/c', key_file: '/k' };
  const token = 'a-token-of-some-length';
  it.each([
    { listen: '127.0.0.1:2114' },
    { listen: '127.8.9.10:1' },
    { listen: '[::1]:2114' },
    { listen: 'localhost:2114' },
    { listen: '0.0.0.0:2114', tls, token },
    { listen: '0.0.0.0:2114', tls, token_file: '/t' },
    { listen: '0.0.0.0:2114', insecure: true },
    { listen: '0.0.0.0:2114', enabled: false },
  ])('accepts %j', (config) => {
    expect(httpSchema.safeParse(config).success).toBe(true);
  });

  it.each([
    [{ listen: '0.0.0.0:2114' }, 'set token (or token_file) and tls'],
    [{ listen: '[::]:2114', token }, 'set tls,'],
    [{ listen: '10.0.0.1:2114', tls }, 'set token (or token_file),'],
    [{ listen: '127.evil.example:2114' }, 'is reached from outside'],
    [{ token: 'short' }, '>=16'],
    [{ token, token_file: '/t' }, 'not both'],
  ])('refuses %j: %s', (config, message) => {
    const problems = httpSchema.safeParse(config).error?.issues.map((issue) => issue.message);
    expect(problems?.join('\n')).toContain(message);
  });
});
