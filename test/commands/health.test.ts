import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { health } from '../../src/commands/health.ts';
import { parseConfig } from '../../src/config.ts';
import { openService, type Service } from '../../src/service/index.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { createAuthority, writeFiles } from '../support/certificates.ts';
import { until } from '../support/fixtures.ts';
import { type Bench, get, openBench } from '../support/lanner.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

async function start(http: string): Promise<{ url: string; service: Service; configFile: string }> {
  const text = (section: string) =>
    `version: 1\ndurable: false\nenrich: {enabled: false}\nsources: {falco: {type: falco_http, listen: "127.0.0.1:0"}}\nhttp: ${section}\n`;
  const config = parseConfig(text(`{listen: "127.0.0.1:0", ${http}}`), 'test');
  const service = openService({ config, version: '1.2.3', log: silentLog });
  bench.later(() => service.stop(0));
  const { http: url } = await service.start();
  const configFile = join(bench.folder, 'health.yaml');
  writeFileSync(configFile, text(`{listen: "${new URL(url!).host}", ${http}}`));
  await until(() => service.ready().ready, 'readiness');
  return { url: url!, service, configFile };
}

async function outcome(flags: { config?: string; url?: string; json?: boolean }): Promise<[number, string]> {
  let text = '';
  const code = await health({ url: 'http://127.0.0.1:1', timeout: '3', ...flags }, (part) => {
    text += part;
  });
  return [code, text];
}

describe('lanner health', () => {
  it('ends with 0 where Lanner can take events', async () => {
    const { url, configFile } = await start('');
    expect(await outcome({ url })).toEqual([0, 'ok\n']);
    expect(await outcome({ config: configFile })).toEqual([0, 'ok\n']);
    expect(await outcome({ url, json: true })).toEqual([
      0,
      '{"ready":true,"status":"ok","unready":[],"degraded":[]}\n',
    ]);
    const [code, text] = await outcome({ json: true });
    expect([code, JSON.parse(text)]).toMatchObject([1, { ready: false, status: 'no_answer' }]);
    const metrics = await get(`${url}/metrics`);
    expect(metrics).toContain(`lanner_build_info{version="1.2.3",node="${process.version}"} 1`);
    expect(metrics).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect(metrics).toMatch(/^process_resident_memory_bytes \d/m);
  });

  it('takes token and certificate from the configuration', async () => {
    const authority = createAuthority();
    const { cert, key } = authority.server(['lanner.example']);
    const other = authority.server(['lanner.example']);
    const files = writeFiles({ cert, key, other: other.cert, otherKey: other.key });
    bench.later(files.remove);
    const http = (certificate: string, itsKey: string) =>
      `token: a-token-of-some-length, tls: {cert_file: ${certificate}, key_file: ${itsKey}}`;
    const { configFile, url } = await start(http(files.paths.cert, files.paths.key));
    expect(await outcome({ config: configFile })).toEqual([0, 'ok\n']);
    writeFileSync(
      configFile,
      `version: 1\nsources: {t: {type: tetragon}}\nhttp: {listen: "${new URL(url).host}", ${http(files.paths.other, files.paths.otherKey)}}\n`,
    );
    const [code, text] = await outcome({ config: configFile });
    expect(code).toBe(1);
    expect(text).toContain('no answer from https://');
  });

  it('ends with 1 where nobody answers, or somebody else', async () => {
    const { url, service } = await start('');
    await service.stop(0);
    expect(await outcome({ url })).toEqual([1, expect.stringContaining(`no answer from ${url}`)]);
    const other = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    bench.later(() => other.close());
    const { port } = other.address() as AddressInfo;
    expect(await outcome({ url: `http://127.0.0.1:${port}` })).toEqual([
      1,
      expect.stringContaining('HTTP 200, which is no answer of Lanner'),
    ]);
  });

  it('ends with 1 and says why where events cannot be taken', async () => {
    const { url, service } = await start('');
    const stopping = service.stop(5000);
    expect(service.ready()).toMatchObject({ ready: false, unready: ['Lanner is stopping'] });
    await stopping;
    const unready = createServer((_request, response) =>
      response.writeHead(503).end(JSON.stringify({ ...service.ready(), unready: ['no disk'], degraded: [] })),
    );
    await new Promise<void>((resolve) => unready.listen(Number(new URL(url).port), '127.0.0.1', resolve));
    bench.later(() => unready.close());
    expect(await outcome({ url })).toEqual([1, 'unready\n  no disk\n']);
  });

  it('refuses an address that is none, and a configuration without HTTP', async () => {
    await expect(outcome({ url: 'nowhere' })).rejects.toMatchObject({ code: 'usage' });
    const configFile = join(bench.folder, 'off.yaml');
    writeFileSync(configFile, 'version: 1\nsources: {t: {type: tetragon}}\nhttp: {enabled: false}\n');
    await expect(outcome({ config: configFile })).rejects.toMatchObject({ code: 'usage' });
  });
});
