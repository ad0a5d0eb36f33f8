// What enrichment costs. Run after `npm run build`: node test/bench/enrich.mjs
//   1. a finding whose container is known (warm cache): microseconds
//   2. throughput of a pipeline with a runtime that answers, answers after 10 s, never answers, is not there
//   3. memory after 100,000 containers were seen
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { enrichSchema } from '../../dist/enrich/config.js';
import { createEnricher } from '../../dist/enrich/index.js';
import { silentLog } from '../../dist/telemetry/log.js';
import { Metrics } from '../../dist/telemetry/metrics.js';

const fixtures = new URL('../fixtures/containers/cri/', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, fixtures), 'utf8'));
const web = '6403692adba925e22d4868e96c7c02c5b320abfcf69a33945b05f785de91ac88';
const folder = mkdtempSync(join(tmpdir(), 'lanner-bench-'));
const socket = join(folder, 'c.sock');
const turn = () => new Promise((resolve) => setImmediate(resolve));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A runtime that knows every container asked for; `delay` holds for the answers about containers. */
const runtime = { delay: 0 };
async function startRuntime() {
  const definition = loadSync(new URL('../../proto/cri/api.proto', import.meta.url).pathname, {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
  });
  const status = read('ContainerStatus.web.verbose.json');
  const answer = (make) => (call, callback) => {
    if (runtime.delay === 'never') return;
    if (runtime.delay === 0) callback(null, make(call.request));
    else setTimeout(() => callback(null, make(call.request)), runtime.delay);
  };
  const server = new grpc.Server();
  server.addService(definition['runtime.v1.RuntimeService'], {
    Version: (_, callback) => callback(null, read('Version.json')),
    ListContainers: (call, callback) =>
      callback(null, { containers: call.request.filter?.id ? [{ id: call.request.filter.id.padEnd(64, '0') }] : [] }),
    ContainerStatus: answer(({ container_id }) => ({ ...status, status: { ...status.status, id: container_id } })),
    PodSandboxStatus: answer(() => read('PodSandboxStatus.web.verbose.json')),
    GetContainerEvents: (stream) => stream.emit('error', { code: grpc.status.UNIMPLEMENTED, details: 'no' }),
  });
  server.addService(definition['runtime.v1.ImageService'], {
    ImageStatus: answer(() => read('ImageStatus.web.verbose.json')),
  });
  await new Promise((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return server;
}

function execIn(id) {
  return {
    id: 'e',
    time: '2026-11-22T22:00:00.000000000Z',
    sensor: 'tetragon',
    source: 'bench',
    container: { id },
    process: {
      binary: '/usr/bin/curl',
      pid: 4711,
      argv: ['/usr/bin/curl', '-o', '/tmp/x', 'http://example.org'],
      argv_quality: 'exact',
      argv0_known: false,
      in_init_tree: true,
    },
    ancestors: [{ argv: ['sh'], argv_quality: 'exact', argv0_known: true, place: 'container', from: 'sensor' }],
  };
}

async function open(config = {}) {
  const parsed = enrichSchema.parse({ runtimes: [socket], kubernetes: { mode: 'off' }, ...config });
  const metrics = new Metrics();
  const enricher = createEnricher(parsed, { metrics, log: silentLog, env: {}, serviceAccount: '/nonexistent' });
  await enricher.start(new AbortController().signal);
  return { enricher, metrics };
}

async function warmCache() {
  const { enricher } = await open();
  await enricher.enrich(execIn(web));
  const rows = [];
  for (const [name, id] of [
    ['64 characters', web],
    ['31 characters', web.slice(0, 31)],
  ]) {
    const event = execIn(id);
    const times = [];
    for (let round = 0; round < 15; round += 1) {
      const start = performance.now();
      for (let i = 0; i < 20_000; i += 1) {
        if (enricher.enrich(event) instanceof Promise) throw new Error('not warm');
      }
      times.push(((performance.now() - start) * 1000) / 20_000);
    }
    times.sort((a, b) => a - b);
    rows.push({ id: name, 'enrich µs (median of 15 x 20,000)': times[7].toFixed(2) });
  }
  const start = performance.now();
  for (let i = 0; i < 1_000_000; i += 1) enricher.observe(web);
  rows.push({ id: 'observe, known', 'enrich µs (median of 15 x 20,000)': (performance.now() - start).toFixed(0) / 1000 });
  await enricher.close();
  return rows;
}

/**
 * Findings as fast as they can be made, over `containers` ids: each is enriched, and written as JSON when its
 * facts are there or its deadline is over. The maker never waits.
 */
async function pipeline(enrich, containers, ms) {
  const delays = [];
  let made = 0;
  let written = 0;
  let open = 0;
  let most = 0;
  const start = performance.now();
  const write = (event, since) => {
    JSON.stringify(event);
    written += 1;
    if (written % 16 === 0) delays.push(performance.now() - since);
  };
  while (performance.now() - start < ms) {
    for (let i = 0; i < 64; i += 1) {
      const since = performance.now();
      const event = enrich(execIn((made % containers).toString(16).padStart(31, 'a')));
      made += 1;
      if (!(event instanceof Promise)) write(event, since);
      else {
        open += 1;
        most = Math.max(most, open);
        event.then((done) => {
          open -= 1;
          write(done, since);
        });
      }
    }
    await turn();
  }
  const rate = made / ((performance.now() - start) / 1000);
  while (open > 0) await sleep(5);
  delays.sort((a, b) => a - b);
  return { rate, worst: delays.at(-1), p50: delays[delays.length >> 1], most, lost: made - written };
}

async function throughput() {
  const containers = 2000;
  const ms = 6000;
  const rows = [];
  let base;
  const row = (name, result, note = '') => {
    base ??= result.rate;
    rows.push({
      runtime: name,
      'findings/s': Math.round(result.rate),
      ratio: (result.rate / base).toFixed(2),
      'p50 ms': result.p50.toFixed(3),
      'worst ms': result.worst.toFixed(0),
      'most waiting': result.most,
      lost: result.lost,
      note,
    });
  };
  const unknown = async (metrics) => {
    const metric = await metrics.registry.getSingleMetric('lanner_enrich_unknown_total').get();
    return metric.values
      .filter(({ labels }) => labels.fact === 'image')
      .map(({ labels, value }) => `${labels.reason} ${value}`)
      .join(', ');
  };
  const absent = await open({ runtimes: ['/nonexistent/c.sock'] });
  await pipeline(absent.enricher.enrich, containers, 1000);
  row('no socket', await pipeline(absent.enricher.enrich, containers, ms), 'base: nothing to ask');
  await absent.enricher.close();
  for (const [name, delay] of [
    ['after 10 s', 10_000],
    ['never', 'never'],
    ['at once', 0],
  ]) {
    runtime.delay = delay;
    const { enricher, metrics } = await open();
    const result = await pipeline(enricher.enrich, containers, ms);
    row(name, result, `image unknown: ${(await unknown(metrics)) || 'none'}`);
    if (delay === 0) row('known', await pipeline(enricher.enrich, containers, ms), 'full facts, larger JSON');
    await enricher.close();
  }
  return rows;
}

async function memory() {
  runtime.delay = 0;
  const { enricher } = await open();
  const heap = () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed / 1e6;
  };
  const rows = [{ seen: 0, 'heap MB': heap().toFixed(1) }];
  for (const until of [4096, 25_000, 100_000]) {
    for (let at = Number(rows.at(-1).seen); at < until; at += 64) {
      await Promise.all(
        Array.from({ length: 64 }, (_, i) => enricher.enrich(execIn((at + i).toString(16).padStart(64, 'c')))),
      );
    }
    rows.push({ seen: until, 'heap MB': heap().toFixed(1) });
  }
  await enricher.close();
  return rows;
}

const server = await startRuntime();
console.log(`Node ${process.version}, ${cpus()[0].model} x ${cpus().length}`);
console.log('warm cache');
console.table(await warmCache());
console.log('throughput of a pipeline that does not wait, 2,000 containers');
console.table(await throughput());
console.log('memory, cache.containers 4096 (run with --expose-gc)');
console.table(await memory());
server.forceShutdown();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
