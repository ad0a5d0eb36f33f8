// node test/bench/delivery.mjs [ROUNDS]: findings through the deliverer to a receiver in another process, with
// the durable spool and without, one each and in batches, interleaved in one run. Two loads: as fast as `accept`
// lets 64 callers, and 200 findings a second. Prints medians over the rounds with the range.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
if (process.argv[2] === 'receiver') receive();
else await measure(Number(process.argv[2] ?? 5));

/** Notes when each finding arrived; tells on request. */
function receive() {
  let arrived = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const now = performance.timeOrigin + performance.now();
      for (const finding of [JSON.parse(Buffer.concat(chunks).toString())].flat()) arrived.push(now - finding.score);
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
  process.on('message', () => {
    process.send({ arrived });
    arrived = [];
  });
}

async function measure(rounds) {
  const { holdingClock: systemClock } = await import('../../dist/lib/clock.js');
  const { openDeliverer } = await import('../../dist/deliver/dispatcher.js');
  const { openWebhookSink, webhookSinkSchema } = await import('../../dist/deliver/sinks/webhook.js');
  const { durableStore } = await import('../../dist/deliver/store/durable.js');
  const { memoryStore } = await import('../../dist/deliver/store/memory.js');
  const receiver = fork(self, ['receiver']);
  const answer = () => new Promise((resolve) => receiver.once('message', resolve));
  const { port } = await answer();
  const nothing = () => {};
  const events = Object.fromEntries(
    ['accepted', 'recovered', 'attempted', 'delivered', 'dead', 'shed', 'sinkState', 'storeDegraded', 'storeRecovered', 'storeSetAside'].map((name) => [name, nothing]),
  );
  const finding = (id) => ({
    schema: 'lanner.finding/v1', id, revision: 1, time: new Date().toISOString(), severity: 'high',
    // The time of origin, where the receiver finds it.
    score: performance.timeOrigin + performance.now(),
    title: 'bench', why: ['x'.repeat(1500)], indicators: [], mitre: [], triage: [],
    exec: { id, ancestors: [], process: { argv: ['curl'], argv_quality: 'exact', argv0_known: true } },
  });

  async function once({ durable, batch, load }) {
    const directory = mkdtempSync(join(tmpdir(), 'lanner-bench-'));
    const sink = openWebhookSink('ops', webhookSinkSchema.parse({ type: 'webhook', url: `http://127.0.0.1:${port}/`, ...(batch ? { batch: { max_count: 50, max_wait_secs: 0.01 } } : {}) }));
    const deliverer = openDeliverer({
      sinks: [sink], store: durable ? durableStore(directory) : memoryStore(),
      log: { error: console.error, warn: nothing, info: nothing, debug: nothing }, clock: systemClock, random: Math.random, events,
    });
    await deliverer.start();
    await deliverer.accept(finding('warm'), ['ops']);
    await sleep(100);
    receiver.send('tell');
    await answer();
    const count = load === 'full' ? 3000 : 300;
    const cpu = process.cpuUsage();
    const began = performance.now();
    let next = 0;
    if (load === 'full') {
      await Promise.all(Array.from({ length: 64 }, async () => {
        while (next < count) await deliverer.accept(finding(`f-${next++}`), ['ops']);
      }));
    } else {
      for (; next < count; next++) {
        void deliverer.accept(finding(`f-${next}`), ['ops']);
        await sleep(5);
      }
    }
    while (deliverer.status().sinks[0].delivered < count + 1) await sleep(1);
    const took = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    receiver.send('tell');
    const { arrived } = await answer();
    await deliverer.drain(5_000);
    rmSync(directory, { recursive: true });
    arrived.sort((a, b) => a - b);
    const at = (share) => arrived[Math.min(arrived.length - 1, Math.floor(arrived.length * share))];
    return { 'findings/s': (count / took) * 1000, 'µs CPU/finding': (user + system) / count, 'p50 ms': at(0.5), 'p99 ms': at(0.99) };
  }

  const cases = [];
  for (const load of ['full', '200/s']) for (const batch of [false, true]) for (const durable of [false, true]) cases.push({ load, batch, durable, results: [] });
  for (let round = 0; round < rounds; round++) for (const each of cases) each.results.push(await once(each));
  receiver.kill();
  const show = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const text = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
    return `${text(sorted[sorted.length >> 1])} [${text(sorted[0])}-${text(sorted.at(-1))}]`;
  };
  console.table(
    cases.map(({ load, batch, durable, results }) => ({
      load, batches: batch ? '≤ 50' : 'no', spool: durable ? 'durable' : 'memory',
      ...Object.fromEntries(Object.keys(results[0]).map((key) => [key, show(results.map((result) => result[key]))])),
    })),
  );
  console.log(`node ${process.version}, ${rounds} rounds, interleaved; receiver in another process on the same machine`);
}
