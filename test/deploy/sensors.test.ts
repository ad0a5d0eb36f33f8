import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { documents, manifestsOf } from '../../.ci/deploy.mjs';
import { parseConfig } from '../../src/config.ts';
import type { openSource } from '../../src/sources/index.ts';

type Source = Parameters<typeof openSource>[1];
type Tree = { [key: string]: Tree | string | number | boolean };
const deploy = join(import.meta.dirname, '../../deploy');
const text = (file: string) => readFileSync(join(deploy, file), 'utf8');
const read = (file: string) => parse(text(file)) as Tree;
const env = { LANNER_FALCO_PATH: 'CHANGE-ME', LANNER_WEBHOOK_URL: 'https://hooks.example/' };

/** The one source of a configuration that deploy/ brings. */
function source(yaml: string, name: string): Source {
  return Object.values(parseConfig(yaml, name, env).sources)[0]!;
}
function presetSource(preset: string): Source {
  const map = documents(readFileSync(manifestsOf(preset), 'utf8')).find((one) => one.kind === 'ConfigMap');
  return source((map!.data as Record<string, string>)['lanner.yaml']!, preset);
}
const leaves = (tree: Tree, path = ''): string[] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'object' ? leaves(value, `${path}${key}.`) : [`${path}${key}`],
  );
const missing = (keys: string[], known: string[]) => keys.filter((key) => !known.includes(key));

/** Keys that Falco knows from 0.40 to 0.44, as far as they have to do with outputs. */
const everyFalco = [
  'json_output',
  'json_include_output_property',
  'json_include_output_fields_property',
  'json_include_tags_property',
  ...[
    'enabled',
    'url',
    'user_agent',
    'insecure',
    'ca_cert',
    'ca_bundle',
    'ca_path',
    'mtls',
    'client_cert',
    'client_key',
    'echo',
    'compress_uploads',
    'keep_alive',
    'max_consecutive_timeouts',
  ].map((key) => `http_output.${key}`),
  ...['enabled', 'interval', 'output_rule'].map((key) => `metrics.${key}`),
];
/** Gone with 0.44, which refuses a configuration that has them. */
const grpcFalco = [
  ...['enabled', 'bind_address', 'threadiness', 'private_key', 'cert_chain', 'root_certs'].map(
    (key) => `grpc.${key}`,
  ),
  'grpc_output.enabled',
];

/** What must be so in any Falco that posts to Lanner. */
function expectHttp(falco: Tree, of: Source, host: string): void {
  expect(missing(leaves(falco), everyFalco)).toEqual([]);
  expect(falco).toMatchObject({ json_output: true, http_output: { enabled: true } });
  if (of.type !== 'falco_http') throw new Error(`not over HTTP: ${of.type}`);
  const url = new URL(String((falco.http_output as Tree).url));
  expect([url.hostname, url.port, url.pathname]).toEqual([host, of.listen.split(':').at(-1), of.path]);
}

function expectGrpc(falco: Tree, of: Source): void {
  expect(missing(leaves(falco), [...everyFalco, ...grpcFalco])).toEqual([]);
  expect(falco).toMatchObject({
    json_output: false,
    grpc: { enabled: true },
    grpc_output: { enabled: true },
  });
  if (of.type !== 'falco_grpc') throw new Error(`not over gRPC: ${of.type}`);
  expect((falco.grpc as Tree).bind_address).toBe(of.address);
}

describe('deploy/falco', () => {
  it('has these files, each tried here or in falco-rules.test.ts', () => {
    expect(readdirSync(join(deploy, 'falco')).sort()).toEqual([
      'falco-grpc-mtls.yaml',
      'falco-grpc.yaml',
      'falco-http.yaml',
      'helm-values-grpc.yaml',
      'helm-values-http.yaml',
      'lanner_rules-0.40.yaml',
      'lanner_rules-0.41.yaml',
      'lanner_rules.yaml',
    ]);
  });

  it('lets a Falco on the host post where Lanner listens, with Lanner’s path', () => {
    expectHttp(read('falco/falco-http.yaml'), source(text('config/falco-http.yaml'), 'config'), '127.0.0.1');
  });

  it('lets a Falco in the cluster post to the Service of the preset', () => {
    const { falco } = read('falco/helm-values-http.yaml');
    expectHttp(falco as Tree, presetSource('falco-http'), 'lanner.lanner.svc');
    const service = documents(readFileSync(manifestsOf('falco-http'), 'utf8')).find(
      (one) => one.kind === 'Service',
    );
    expect(service).toMatchObject({
      metadata: { name: 'lanner', namespace: 'lanner' },
      spec: { ports: [{ port: 2810 }] },
    });
  });

  it('offers TLS to http_output with keys that Falco has', () => {
    const commented = text('falco/falco-http.yaml')
      .replace(/^ {2}url: http:.*\n/m, '')
      .replace(/^ {2}# (url|ca_cert|mtls|client_cert|client_key): /gm, '  $1: ');
    const { http_output } = parse(commented) as { http_output: Tree };
    expect(Object.keys(http_output)).toEqual(expect.arrayContaining(['ca_cert', 'mtls', 'client_key']));
    expect(missing(leaves({ http_output }), everyFalco)).toEqual([]);
    expect(http_output).toMatchObject({ mtls: true, url: expect.stringMatching(/^https:/) });
  });

  it('lets Falco serve gRPC where Lanner connects, on the host and in the cluster', () => {
    expectGrpc(read('falco/falco-grpc.yaml'), source(text('config/falco-grpc.yaml'), 'config'));
    const { falco, falcosidekick } = read('falco/helm-values-grpc.yaml');
    expectGrpc(falco as Tree, presetSource('falco-grpc'));
    expect(falcosidekick).toEqual({ enabled: false });
  });

  it('lets Falco demand the client certificate that Lanner’s configuration offers', () => {
    const falco = read('falco/falco-grpc-mtls.yaml');
    // The commented lines of the configuration, in place of the unix socket.
    const tls = text('config/falco-grpc.yaml')
      .replace(/^ {4}address: .*\n/m, '')
      .replace(/^ {4}# (address|tls): /gm, '    $1: ');
    const of = source(tls, 'config');
    expectGrpc(falco, of);
    expect(of).toMatchObject({
      tls: { ca_file: expect.any(String), cert_file: expect.any(String), key_file: expect.any(String) },
    });
    expect(falco.grpc).toMatchObject({
      private_key: expect.stringMatching(/\.key$/),
      cert_chain: expect.stringMatching(/\.crt$/),
      root_certs: expect.stringMatching(/\.crt$/),
    });
  });
});

describe('deploy/tetragon/values.yaml', () => {
  const values = read('tetragon/values.yaml');
  const agent = values.tetragon as Tree;

  it('uses keys of the chart of 1.7 only', () => {
    expect(
      missing(
        leaves(values),
        [
          'grpc.enabled',
          'grpc.address',
          'processAncestors.enabled',
          'enableProcessCred',
          'enableProcessNs',
          'cri.enabled',
          'cri.socketHostPath',
          'cgidmap.enabled',
          'prometheus.enabled',
          'prometheus.port',
          'exportAllowList',
          'exportDenyList',
          'exportRateLimit',
          'redactionFilters',
        ].map((key) => `tetragon.${key}`),
      ),
    ).toEqual([]);
  });

  it('has the agent listen where Lanner connects', () => {
    for (const of of [source(text('config/tetragon.yaml'), 'config'), presetSource('tetragon')])
      expect(of).toMatchObject({ type: 'tetragon', address: (agent.grpc as Tree).address });
  });

  it('serves metrics where the configuration would read them', () => {
    expect(text('config/tetragon.yaml')).toContain(
      `# metrics_url: http://127.0.0.1:${(agent.prometheus as Tree).port}/metrics`,
    );
  });

  it('has filters of the export that are JSON, one a line, and leave execs of every namespace in', () => {
    const lines = [agent.exportAllowList, agent.exportDenyList].flatMap((list) => String(list).split('\n'));
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      { event_set: ['PROCESS_EXEC'] },
      { health_check: true },
    ]);
  });
});
