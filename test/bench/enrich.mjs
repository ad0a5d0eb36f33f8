// What enrichment costs. Run after `npm run build`: node test/bench/enrich.mjs
//   1. a finding whose container is known (warm cache): microseconds
//   2. throughput of a pipeline with a runtime that is not there, answers after 10 s, never answers
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
const rounds = Number(process.env.ROUNDS ?? 7);
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
  const cpu = process.cpuUsage();
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
  const { user, system } = process.cpuUsage(cpu);
  while (open > 0) await sleep(5);
  delays.sort((a, b) => a - b);
  return { rate, cpu: (user + system) / made, worst: delays.at(-1), p50: delays[delays.length >> 1], most, lost: made - written };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Rounds take turns, so that what else the machine does falls on all alike. */
async function throughput() {
  const containers = 2000;
  const kinds = [
    ['no socket', 0, ['/nonexistent/c.sock']],
    ['after 10 s', 10_000, [socket]],
    ['never', 'never', [socket]],
  ];
  const results = new Map(kinds.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, delay, runtimes] of kinds) {
      runtime.delay = delay;
      const { enricher } = await open({ runtimes });
      results.get(name).push(await pipeline(enricher.enrich, containers, 3000));
      await enricher.close();
    }
  }
  const base = results.get('no socket');
  return kinds.map(([name]) => {
    const all = results.get(name);
    return {
      runtime: name,
      'findings/s': Math.round(median(all.map(({ rate }) => rate))),
      'ratio (median of rounds)': median(all.map(({ rate }, at) => rate / base[at].rate)).toFixed(2),
      'CPU µs each': median(all.map(({ cpu }) => cpu)).toFixed(2),
      'p50 ms': median(all.map(({ p50 }) => p50)).toFixed(3),
      'longest wait ms': Math.max(...all.map(({ worst }) => worst)).toFixed(0),
      'most waiting': Math.max(...all.map(({ most }) => most)),
      lost: all.reduce((sum, { lost }) => sum + lost, 0),
    };
  });
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
