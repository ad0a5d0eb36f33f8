// The process that is killed: accepts findings as fast as it may and says each one on standard output, after
// `accept` said that it is durable. With `drain` it accepts nothing and ends when all that was left has arrived.
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdingClock as systemClock } from '../../dist/lib/clock.js';
import { openDeliverer } from '../../dist/deliver/dispatcher.js';
import { openWebhookSink, webhookSinkSchema } from '../../dist/deliver/sinks/webhook.js';
import { durableStore } from '../../dist/deliver/store/durable.js';

const [directory, urls, mode, run] = process.argv.slice(2);
const nothing = () => {};
const sinks = JSON.parse(urls).map(([name, options]) =>
  openWebhookSink(name, webhookSinkSchema.parse({ type: 'webhook', retry_initial_secs: 0.02, timeout_secs: 2, ...options })),
);
const deliverer = openDeliverer({
  sinks,
  store: durableStore(directory),
  log: { error: console.error, warn: nothing, info: nothing, debug: nothing },
  clock: systemClock,
  random: Math.random,
  events: {
    accepted: nothing,
    recovered: nothing,
    attempted: nothing,
    delivered: nothing,
    dead: (sink, reason, id) => writeSync(1, `dead ${sink} ${reason} ${id}\n`),
    shed: (sink, reason) => writeSync(1, `shed ${sink} ${reason}\n`),
    sinkState: nothing,
    storeDegraded: (detail) => writeSync(1, `degraded ${detail}\n`),
    storeRecovered: nothing,
    storeSetAside: (path) => writeSync(1, `set_aside ${path}\n`),
  },
});
await deliverer.start();
writeSync(1, 'started\n');

const finding = (id, severity) => ({
  schema: 'lanner.finding/v1',
  id,
  revision: 1,
  time: new Date().toISOString(),
  severity,
  score: 50,
  title: `torture ${id}`,
  why: ['x'.repeat(800)],
  indicators: [],
  mitre: [],
  triage: [],
  exec: { id, ancestors: [], process: { argv: ['curl'], argv_quality: 'exact', argv0_known: true } },
});

async function load(worker) {
  for (let i = 0; ; i++) {
    const id = `r${run}-w${worker}-${i}`;
    await deliverer.accept(finding(id, i % 3 === 0 ? 'low' : 'high'), sinks.map((sink) => sink.name));
    writeSync(1, `accepted ${id}\n`);
    await sleep(Math.random() * 10);
  }
}

if (mode === 'load') for (let worker = 0; worker < 16; worker++) void load(worker);
else {
  for (let i = 0; i < 2400 && deliverer.status().spool.waiting > 0; i++) await sleep(50);
  const { left } = await deliverer.drain(10_000);
  writeSync(1, `left ${left}\n`);
}
