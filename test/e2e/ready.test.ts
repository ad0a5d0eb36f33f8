import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from '../support/fixtures.ts';
import { type Bench, openBench, post } from '../support/lanner.ts';
import { openReceiver } from '../support/receiver.ts';
import { recordedLines } from '../support/recordings.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

/** Status and JSON body, as a kubelet and an operator see them. */
function ask(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) as never }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('/healthz and /readyz of a running Lanner', () => {
  it('say degraded, with reasons, and stay ready, while a sensor is away and a sink is parked', async () => {
    const refusing = await openReceiver();
    bench.later(refusing.close);
    refusing.answer = (_request, response) => response.writeHead(401).end();
    const config = bench.config(`
sources:
  away: {type: tetragon, address: "unix://${bench.folder}/none.sock"}
  posted: {type: falco_http, listen: "127.0.0.1:0", path: /secret}
sinks: {ops: {type: webhook, url: "${refusing.url}"}}
`);
    const run = bench.lanner(['run', '--config', config]);
    await until(() => run.err().includes('listening for Falco'), 'the receiver');
    await until(() => run.err().includes('lanner runs'), 'HTTP');
    const http = run.logged('lanner runs', 'http');
    const falco = `http://${run.logged('listening for Falco', 'address')}/secret`;
    for (const line of recordedLines('falco/scenario.http').slice(0, 40))
      expect(await post(falco, line)).toBe(200);
    const reasons = [
      expect.stringMatching(/^source away is degraded: .*the unix socket does not exist/),
      expect.stringMatching(/^sink ops is parked: .*401/),
    ];
    await vi.waitFor(
      async () =>
        expect(await ask(`${http}/readyz`)).toEqual({
          status: 200,
          body: { ready: true, status: 'degraded', unready: [], degraded: reasons },
        }),
      { timeout: 10_000, interval: 50 },
    );
    expect(await ask(`${http}/healthz`)).toMatchObject({
      status: 200,
      body: {
        status: 'degraded',
        reasons,
        sources: [
          { name: 'away', state: 'degraded', code: 'socket_missing' },
          { name: 'posted', state: 'ok' },
        ],
      },
    });
    // Unready would stop the intake: it goes on.
    const [line] = recordedLines('falco/scenario.http').slice(41);
    expect(await post(falco, line!)).toBe(200);
  });
});
