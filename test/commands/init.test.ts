import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rulesFile } from '../../src/commands/init/advice.ts';
import { type InitFlags, init } from '../../src/commands/init.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { falco43, falco44, type PlantedHost, plantHost } from '../support/planted-host.ts';

let host: PlantedHost;
let folder: string;
beforeEach(() => {
  host = plantHost();
  folder = mkdtempSync(join(tmpdir(), 'lanner-'));
});
afterEach(async () => {
  await host.clean();
  rmSync(folder, { recursive: true, force: true });
});

const noEnv: Record<string, string | undefined> = {};

function run(flags: Partial<InitFlags> = {}, env = noEnv) {
  let out = '';
  let report = '';
  const code = init(
    { out: '-', force: false, root: host.root, json: false, ...flags },
    {
      env,
      write(text) {
        out += text;
      },
      report(text) {
        report += text;
      },
    },
  );
  const config: Config | undefined =
    flags.json || !out.includes('version: 1') ? undefined : parseConfig(out, 'made', env);
  return { code, out, report, config };
}

const rules = () => host.file('/etc/falco/rules.d/lanner_rules.yaml', readFileSync(rulesFile, 'utf8'));

describe('lanner init', () => {
  it('says what is missing where there is no sensor, and writes nothing', () => {
    const path = join(folder, 'lanner.yaml');
    const { code, out } = run({ out: path });
    expect(code).toBe(1);
    expect(out).toContain('neither Tetragon nor Falco was found');
    expect(() => statSync(path)).toThrow();
  });

  it('takes the socket of Tetragon, its metrics and the runtimes, and runs at once', async () => {
    await host.socket('/var/run/tetragon/tetragon.sock');
    await host.socket('/run/containerd/containerd.sock');
    host.process(812, ['/usr/local/bin/tetragon', '--metrics-server', ':2112']);
    host.listens(22, 2112);
    const { code, config, out, report } = run();
    expect(code).toBe(0);
    expect(config?.sources.tetragon).toMatchObject({
      type: 'tetragon',
      address: 'unix:///var/run/tetragon/tetragon.sock',
      metrics_url: 'http://127.0.0.1:2112/metrics',
    });
    expect(config?.sinks).toEqual({ terminal: { type: 'stdout' } });
    expect(config?.enrich.runtimes).toBe('auto');
    expect(out).toContain('found here: /run/containerd/containerd.sock.');
    expect(config?.canary.enabled).toBe(true);
    expect(out).toContain(
      '# Tetragon: process 812 (/usr/local/bin/tetragon), /var/run/tetragon/tetragon.sock',
    );
    expect(report).toContain('/run/containerd/containerd.sock');
  });

  it('takes localhost:54321 only where something listens there', () => {
    host.process(812, ['/usr/bin/tetragon']);
    host.listens(54_321);
    expect(run().config?.sources.tetragon).toMatchObject({ address: 'localhost:54321' });
    host.listens(22);
    const { code, report } = run();
    expect(code).toBe(1);
    expect(report).toContain('it listens at no address that was looked at');
    expect(report).toContain(
      'echo -n unix:///var/run/tetragon/tetragon.sock > /etc/tetragon/tetragon.conf.d/server-address',
    );
  });

  it("reads the agent's own settings: files, then the command line", async () => {
    await host.socket('/srv/t.sock');
    host.file('/etc/tetragon/tetragon.conf.d/server-address', 'localhost:1\n');
    host.process(812, ['tetragon', '--server-address=unix:///srv/t.sock']);
    expect(run().config?.sources.tetragon).toMatchObject({ address: 'unix:///srv/t.sock' });
  });

  it('follows the export file where there is nothing else, without a canary', () => {
    host.file('/var/run/cilium/tetragon/tetragon.log', '');
    const { config, code } = run();
    expect(code).toBe(0);
    expect(config?.sources.tetragon).toMatchObject({
      type: 'tetragon_file',
      path: '/var/run/cilium/tetragon/tetragon.log',
    });
    expect(config?.canary.enabled).toBe(false);
  });

  it('takes the webhook where its URL is in the environment', async () => {
    await host.socket('/var/run/tetragon/tetragon.sock');
    const env = { LANNER_WEBHOOK_URL: 'https://hooks.example/secret' };
    const { config, out } = run({}, env);
    expect(config?.sinks.ops).toMatchObject({ type: 'webhook', url: 'https://hooks.example/secret' });
    expect(out).not.toContain('hooks.example');
  });
});

describe('lanner init beside Falco', () => {
  const installed = (version: string, config: string) => {
    host.file(
      '/var/lib/dpkg/status',
      `Package: falco\nStatus: install ok installed\nVersion: ${version}\n\n`,
    );
    host.file('/etc/falco/falco.yaml', config);
    host.process(900, ['/usr/bin/falco', '-o', 'engine.kind=modern_ebpf']);
  };
  const on = falco43
    .replaceAll('{enabled: false, bind', '{enabled: true, bind')
    .replace('grpc_output: {enabled: false}', 'grpc_output: {enabled: true}');

  it('0.43 with gRPC and our rules: nothing is left to do', async () => {
    installed('0.43.1', on);
    await host.socket('/run/falco/falco.sock');
    rules();
    const { code, config, report } = run();
    expect(config?.sources.falco).toMatchObject({
      type: 'falco_grpc',
      address: 'unix:///run/falco/falco.sock',
    });
    expect(report).not.toContain('To do');
    expect(code).toBe(0);
  });

  it('0.43 with gRPC off: the very lines for falco.yaml, and the rules', () => {
    installed('0.43.1', falco43);
    const { code, config, report } = run();
    expect(code).toBe(1);
    expect(config?.sources.falco?.type).toBe('falco_grpc');
    expect(report).toContain(
      '    grpc:\n      enabled: true\n      bind_address: "unix:///run/falco/falco.sock"\n      threadiness: 0\n    grpc_output:\n      enabled: true\n',
    );
    expect(report).toContain(`    cp ${rulesFile} /etc/falco/rules.d/\n`);
    expect(report).not.toContain('json_output');
  });

  it('0.43 with json_output: true is warned of, wherever the setting stands', () => {
    installed('0.43.1', on);
    rules();
    host.file('/etc/falco/config.d/json.yaml', 'json_output: true\n');
    const { code, report } = run();
    expect(code).toBe(1);
    expect(report).toContain('DANGER');
    expect(report).toContain('    json_output: false\n');
    host.process(900, ['/usr/bin/falco', '-o', 'json_output=false']);
    expect(run()).toMatchObject({ code: 0 });
  });

  it.each([
    ['by its version', () => installed('0.44.1', falco44)],
    ['by its configuration', () => installed('', falco44)],
  ])('0.44, known %s, posts over HTTP', (_how, install) => {
    install();
    rules();
    const { code, config, report } = run();
    expect(code).toBe(1);
    const source = config?.sources.falco as { type: string; path: string };
    expect(source).toMatchObject({ type: 'falco_http', listen: '127.0.0.1:2810' });
    expect(source.path).toMatch(/^\/[0-9a-f]{32}$/);
    expect(report).toContain(
      `    json_output: true\n    http_output:\n      enabled: true\n      url: "http://127.0.0.1:2810${source.path}"\n`,
    );
  });

  it('0.44 that posts to another receiver: it goes on getting every alert', () => {
    installed(
      '0.44.1',
      falco44.replace('{enabled: false, url: ""}', '{enabled: true, url: "http://sidekick:2801/"}'),
    );
    expect(run().config?.sources.falco).toMatchObject({ relay: { url: 'http://sidekick:2801/' } });
  });

  it('with rules of ours that are older', async () => {
    installed('0.43.1', on);
    await host.socket('/run/falco/falco.sock');
    host.file(
      '/etc/falco/falco_rules.local.yaml',
      '- rule: Lanner Suspicious Exec In Container\n  condition: x\n',
    );
    const { code, report } = run();
    expect(report).toContain("Better: Falco has Lanner's rules of another version");
    expect(code).toBe(0);
  });

  it('that runs in a container reads its files there', async () => {
    host.process(900, ['/usr/bin/falco', '-c', '/etc/falco/own.yaml']);
    host.file('/proc/900/root/etc/falco/own.yaml', on);
    host.file('/proc/900/root/lib/apk/db/installed', 'P:falco\nV:0.42.0-r1\n\n');
    await host.socket('/run/falco/falco.sock');
    const json = JSON.parse(run({ json: true }).out);
    expect(json.found.falco).toMatchObject({
      version: '0.42.0',
      hasGrpc: true,
      configFile: '/etc/falco/own.yaml',
    });
  });

  it('and Tetragon: the one that works is used, the other stands as a comment', async () => {
    installed('0.43.1', falco43);
    await host.socket('/var/run/tetragon/tetragon.sock');
    const { config, out, code } = run();
    expect(Object.keys(config!.sources)).toEqual(['tetragon']);
    expect(code).toBe(0);
    const [sources = '', rest = ''] = out.split('\nsinks:');
    const swapped = sources
      .replace(/^ {2}tetragon:\n(?: {4}.*\n)+/m, '')
      .replace(/^ {2}# ( *(?:falco|type|address):)/gm, '  $1');
    expect(Object.keys(parseConfig(`${swapped}\nsinks:${rest}`, 'swapped', {}).sources)).toEqual(['falco']);
  });
});

describe('the file', () => {
  beforeEach(() => host.file('/var/run/cilium/tetragon/tetragon.log', ''));

  it('is readable by its owner alone, and never overwritten without --force', () => {
    const out = join(folder, 'lanner.yaml');
    expect(run({ out }).out).toContain(`Next: lanner doctor -c ${out}`);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    writeFileSync(out, 'mine');
    expect(() => run({ out })).toThrow(expect.objectContaining({ code: 'file_exists' }));
    expect(readFileSync(out, 'utf8')).toBe('mine');
    run({ out, force: true });
    expect(readFileSync(out, 'utf8')).toContain('version: 1');
  });

  it('that cannot be written is said to be', () => {
    expect(() => run({ out: join(folder, 'no/such/lanner.yaml') })).toThrow(
      expect.objectContaining({ code: 'file_unwritable' }),
    );
  });

  it('is told to tools with what was found', () => {
    const out = join(folder, 'lanner.yaml');
    const json = JSON.parse(run({ out, json: true }).out);
    expect(json).toMatchObject({ source: 'tetragon_file', written: out, advice: [], found: { falco: null } });
    expect(json.config).toBe(readFileSync(out, 'utf8'));
  });
});
