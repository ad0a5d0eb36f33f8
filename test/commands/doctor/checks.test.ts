import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Check, Result } from '../../../src/commands/doctor/check.ts';
import { clock } from '../../../src/commands/doctor/clock.ts';
import { enrichment } from '../../../src/commands/doctor/enrichment.ts';
import { exceptions } from '../../../src/commands/doctor/exceptions.ts';
import { files } from '../../../src/commands/doctor/files.ts';
import { nodeVersion, openFiles, user } from '../../../src/commands/doctor/process.ts';
import { findRunning, running } from '../../../src/commands/doctor/running.ts';
import { sinks } from '../../../src/commands/doctor/sinks.ts';
import { stateDir } from '../../../src/commands/doctor/state-dir.ts';
import { doctor } from '../../../src/commands/doctor.ts';
import { parseConfig } from '../../../src/config.ts';
import { openService } from '../../../src/service/index.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { createAuthority } from '../../support/certificates.ts';
import { type CheckupBench, openCheckup } from '../../support/checkup.ts';
import { startDockerServer } from '../../support/docker-server.ts';
import { until } from '../../support/fixtures.ts';
import { startKubeApi } from '../../support/kube-api.ts';
import { openReceiver } from '../../support/receiver.ts';

let bench: CheckupBench;
beforeEach(() => {
  bench = openCheckup();
});
afterEach(() => bench.clean());

const look: CheckupBench['look'] = (check, yaml, more) => bench.look(check, yaml, more);
const some = 'sources: {s: {type: falco_http}}';

describe('the process', () => {
  it('is looked at', async () => {
    expect(await look(nodeVersion, some)).toEqual([expect.stringMatching(/^ok node: Node.js 2\d/)]);
    expect(await look(user, some)).toEqual([expect.stringMatching(/^ok user: uid \d+/)]);
  });

  it.each([
    ['524288', 'ok limits: open files: 524288'],
    ['unlimited', 'ok limits: open files: unlimited'],
    ['256', 'warn limits: open files: 256 | Raise it to 1024 or more (LimitNOFILE=, ulimit -n).'],
  ])('with a limit of %s open files', async (limit, said) => {
    bench.host.file(
      '/proc/self/limits',
      `Limit  Soft Limit\nMax open files            ${limit}   524288  files\n`,
    );
    expect(await look(openFiles, some)).toEqual([said]);
  });

  it('whose limits cannot be read', async () => {
    expect(await look(openFiles, some)).toEqual(['skipped limits: the limit of open files cannot be read']);
  });
});

describe('the state directory', () => {
  it('may be made, or is there and closed', async () => {
    expect((await look(stateDir, some))[0]).toBe(`ok state: ${bench.folder}/state will be made`);
    chmodSync(bench.folder, 0o700);
    expect((await look(stateDir, `${some}\nstate_dir: ${bench.folder}`))[0]).toMatch(
      /is writable, owner uid/,
    );
  });

  it('is open to others, or too small, or not asked for', async () => {
    chmodSync(bench.folder, 0o755);
    expect((await look(stateDir, `${some}\nstate_dir: ${bench.folder}`))[0]).toContain('warn state');
    expect((await look(stateDir, `${some}\nspool: {max_bytes: 9000000000000000}`))[1]).toContain(
      'warn state',
    );
    expect(await look(stateDir, `${some}\ndurable: false`)).toEqual([
      expect.stringContaining('warn state: durable: false'),
    ]);
  });
});

describe('files and certificates', () => {
  const authority = createAuthority();
  const days = (count: number) => new Date(Date.now() + count * 86_400_000);
  const webhook = (tls: string) => `${some}\nsinks: {a: {type: webhook, url: "https://h/", ${tls}}}`;

  it.each([
    [365, 'ok file sinks.a.tls.ca_file'],
    [5, 'warn file sinks.a.tls.ca_file'],
    [-1, 'error file sinks.a.tls.ca_file'],
  ])('a certificate that ends in %i days', async (count, said) => {
    const path = join(bench.folder, 'ca.crt');
    writeFileSync(path, authority.server(['h'], { notBefore: days(-30), notAfter: days(count) }).cert);
    expect((await look(files, webhook(`tls: {ca_file: ${path}}`)))[0]).toContain(said);
  });

  it('a secret that everybody may read, one that nobody else may, one that is not there', async () => {
    const path = join(bench.folder, 'token');
    writeFileSync(path, 'secret', { mode: 0o644 });
    const config = webhook(`auth: {bearer_file: ${path}}`);
    expect(await look(files, config)).toEqual([
      `warn file sinks.a.auth.bearer_file: ${path} is readable by everybody | It holds a secret: chmod o= ${path}`,
    ]);
    chmodSync(path, 0o600);
    expect(await look(files, config)).toEqual([`ok file sinks.a.auth.bearer_file: ${path} is readable`]);
    rmSync(path);
    expect((await look(files, config))[0]).toContain('error file sinks.a.auth.bearer_file');
  });
});

it('exceptions that have expired, will soon, and hold', async () => {
  const now = () => Date.parse('2026-11-23T00:00:00Z');
  const with_ = (...expires: string[]) =>
    `${some}\nexceptions: [${expires.map((day, i) => `{name: e${i}, match: {tool: curl}, reason: r, expires: ${day}}`).join(', ')}]`;
  expect(await look(exceptions, with_('2020-01-01', '2026-12-01'), { now })).toEqual([
    'warn exception e0: expired 2020-01-01 and does not apply | Renew it if it is still expected, else take it out.',
    'warn exception e1: expires 2026-12-01 | Renew it if it is still expected, else take it out.',
  ]);
  expect(await look(exceptions, with_('2099-01-01'), { now })).toEqual([
    'ok exceptions: 1, none expires soon',
  ]);
  expect(await look(exceptions, some, { now })).toEqual(['ok exceptions: none']);
});

describe('sinks', () => {
  const authority = createAuthority();
  const sink = (text: string) => `${some}\nsinks: {a: {${text}}}`;

  it('are reached and sent nothing', async () => {
    const receiver = await openReceiver();
    expect((await look(sinks, sink(`type: webhook, url: "${receiver.url}/secret-path"`)))[0]).toBe(
      `ok sink a: 127.0.0.1:${receiver.port} accepts connections`,
    );
    expect(receiver.received).toEqual([]);
    await receiver.close();
    expect((await look(sinks, sink(`type: webhook, url: "${receiver.url}"`)))[0]).toContain('error sink a');
  });

  it.each([
    [365, 'ok sink a', /TLSv1\.\d: valid until/],
    [5, 'warn sink a', /a certificate expires/],
    [-1, 'error sink a', /expired/],
  ])('over TLS with a certificate that ends in %i days', async (count, status, text) => {
    const options = {
      notBefore: new Date(Date.now() - 30 * 86_400_000),
      notAfter: new Date(Date.now() + count * 86_400_000),
    };
    const receiver = await openReceiver({ ...authority.server(['127.0.0.1', 'localhost'], options) });
    bench.later(receiver.close);
    const path = join(bench.folder, 'ca.crt');
    writeFileSync(path, authority.cert);
    const [found] = await look(
      sinks,
      sink(`type: webhook, url: "https://localhost:${receiver.port}/", tls: {ca_file: ${path}}`),
    );
    expect(found).toContain(status);
    expect(found).toMatch(text);
    expect(receiver.received).toEqual([]);
  });

  it('that ask for a client certificate are told apart from those that take ours', async () => {
    const server = authority.server(['localhost']);
    const receiver = await openReceiver({
      ...server,
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    bench.later(receiver.close);
    const mine = authority.client('lanner');
    for (const [name, text] of Object.entries({ ca: authority.cert, crt: mine.cert, key: mine.key }))
      writeFileSync(join(bench.folder, name), text);
    const url = `type: webhook, url: "https://localhost:${receiver.port}/", tls: {ca_file: ${bench.folder}/ca`;
    expect((await look(sinks, sink(`${url}}`)))[0]).toContain('error sink a');
    expect(
      (await look(sinks, sink(`${url}, cert_file: ${bench.folder}/crt, key_file: ${bench.folder}/key}`)))[0],
    ).toContain('ok sink a');
  });

  it('that are files, standard output, none, or not named by a route', async () => {
    expect(await look(sinks, sink('type: stdout'))).toEqual(['ok sink a: standard output']);
    expect(await look(sinks, sink(`type: file, path: ${bench.folder}/f.jsonl`))).toEqual([
      `ok sink a: ${bench.folder}/f.jsonl can be written`,
    ]);
    expect((await look(sinks, some))[0]).toContain('warn sinks: none is configured');
    const two = `${some}\nsinks: {a: {type: stdout}, b: {type: stdout}}\nroute: {sinks: [a]}`;
    expect((await look(sinks, two))[2]).toContain('warn sink b: no route names it');
  });

  it('that are far away without TLS', async () => {
    const [found] = await look(sinks, sink('type: webhook, url: "http://192.0.2.1/"'), { timeoutMs: 50 });
    expect(found).toMatch(/^error sink a: 192\.0\.2\.1:80: /);
  });
});

describe('enrichment', () => {
  it('answers, does not, or is off', async () => {
    const docker = await startDockerServer(`${bench.folder}/docker.sock`);
    const yaml = `${some}\nenrich: {runtimes: [${bench.folder}/docker.sock]}`;
    expect((await look(enrichment, yaml))[0]).toMatch(/^ok enrichment docker:.*: /);
    await docker.stop();
    expect((await look(enrichment, yaml))[0]).toContain('error enrichment docker:');
    expect(await look(enrichment, `${some}\nenrich: {enabled: false}`)).toEqual([
      'skipped enrichment: switched off (enrich.enabled)',
    ]);
  });
});

describe('the Kubernetes API', () => {
  const kubeconfig = (url: string, token: string) => {
    const path = join(bench.folder, 'kubeconfig');
    writeFileSync(
      path,
      `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: "${url}", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: "${token}"}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
`,
    );
    return `${some}\nenrich: {runtimes: off, kubernetes: {kubeconfig: ${path}, node_name: n1}}`;
  };

  it('answers, with its clock; refuses; is not there', async () => {
    const api = await startKubeApi();
    const yaml = kubeconfig(api.url, api.token);
    expect((await look(enrichment, yaml))[0]).toMatch(/^ok enrichment kubernetes:/);
    expect(await look(clock, yaml)).toEqual([`ok clock: agrees with ${api.url}`]);
    const ahead = await look(clock, yaml, { now: () => Date.now() + 3_600_000 });
    expect(ahead[0]).toMatch(/^warn clock: differs from .* by -3[56]\d\d\.\d s/);
    expect((await look(enrichment, kubeconfig(api.url, 'another')))[0]).toContain(
      'error enrichment kubernetes:',
    );
    await api.stop();
    expect((await look(enrichment, yaml))[0]).toContain('error enrichment kubernetes:');
  });
});

describe('a Lanner that runs', () => {
  it('and hangs is said to, and not waited for', async () => {
    const server = createServer();
    mkdirSync(join(bench.folder, 'state'));
    await new Promise<void>((resolve) => server.listen(join(bench.folder, 'state/control.sock'), resolve));
    bench.later(() => new Promise((resolve) => server.close(resolve)));
    const sockets: Socket[] = [];
    server.on('connection', (socket) => sockets.push(socket));
    bench.later(() => sockets.forEach((socket) => void socket.destroy()));
    const config = parseConfig(
      `version: 1\n${some}\nstate_dir: ${bench.folder}/state\nhttp: {enabled: false}\n`,
      'test',
      {},
    );
    const one = await findRunning(config, 200);
    const [found] = await look(running, some, { running: one });
    expect(found).toContain(
      'warn lanner: its control socket is there and gives no answer: the running Lanner does not answer',
    );
  });

  it('is asked how it is', async () => {
    const text = `version: 1\ndurable: false\nsources: {s: {type: falco_http, listen: "127.0.0.1:0"}}\nenrich: {enabled: false}\n`;
    const service = openService({
      config: parseConfig(`${text}http: {listen: "127.0.0.1:0"}`, 'test', {}),
      version: '9.9',
      log: silentLog,
    });
    bench.later(() => service.stop(0));
    const { http } = await service.start();
    const listen = http!.replace('http://', '');
    const one = await findRunning(parseConfig(`${text}http: {listen: "${listen}"}`, 'test', {}), 1_000);
    await until(() => service.sources[0]!.health().state === 'ok', 'the source');
    const again = await findRunning(parseConfig(`${text}http: {listen: "${listen}"}`, 'test', {}), 1_000);
    expect(one?.health?.version).toBe('9.9');
    expect(await look(running, some, { running: again })).toEqual(['ok lanner: 9.9 runs and is ok']);
    expect(await look(running, some)).toEqual(['skipped lanner: none runs by this configuration']);
    const sick = {
      ...again!,
      health: {
        ...again!.health!,
        status: 'degraded' as const,
        reasons: ['sink a is broken'],
        canary: [{ source: 's', state: 'blind' as const, reason: 'no' }],
      },
    };
    const said = await look(running, some, { running: sick });
    expect(said[0]).toContain('warn lanner: 9.9 runs and is degraded: sink a is broken');
    expect(said[1]).toContain('error source s: blind: no');
  });
});

describe('lanner doctor', () => {
  const run = async (yaml: string, json = false, checks?: Check[]) => {
    const file = join(bench.folder, 'lanner.yaml');
    writeFileSync(
      file,
      `version: 1\nhttp: {listen: "127.0.0.1:1"}\nstate_dir: ${bench.folder}/state\nenrich: {enabled: false}\n${yaml}\n`,
    );
    let out = '';
    const code = await doctor(
      { config: file, json, timeout: '1', root: bench.host.root },
      {
        env: {},
        write(text) {
          out += text;
        },
        ...(checks !== undefined && { checks }),
      },
    );
    return { code, out };
  };

  it('ends with 0 where only warnings are left, with 1 where something is wrong', async () => {
    const { code, out } = await run(
      'sources: {s: {type: falco_http, listen: "127.0.0.1:0"}}\nsinks: {a: {type: stdout}}',
    );
    expect(out).toMatch(/^ok {6}node {13}Node\.js/);
    expect(out).toMatch(/\d+ ok, [1-9] warnings?, 0 errors, \d+ skipped\n$/);
    expect(code).toBe(0);
    expect(await run('sources: {s: {type: tetragon}}')).toMatchObject({ code: 1 });
  });

  it('tells tools each result with its check and code', async () => {
    const { out, code } = await run('sources: {s: {type: tetragon}}', true);
    const { results, error } = JSON.parse(out) as { results: (Result & { check: string })[]; error: number };
    expect(results.find((one) => one.check === 'tetragon')).toMatchObject({
      status: 'error',
      code: 'socket_missing',
    });
    expect([error, code]).toEqual([1, 1]);
  });

  it('shows a check that breaks, and goes on', async () => {
    const broken: Check = { id: 'broken', run: () => Promise.reject(new Error('oh')) };
    const { out, code } = await run(some, false, [broken, nodeVersion]);
    expect(out).toContain('this check broke: oh');
    expect(out).toContain('Node.js');
    expect(code).toBe(1);
  });
});
