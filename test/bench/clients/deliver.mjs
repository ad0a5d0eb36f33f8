// node deliver.mjs own|bare URL: findings to a webhook as fast as it takes them, by Lanner's deliverer without
// a spool on disk, or by undici's dispatch and nothing else. Asked by message {count}, it sends so many and
// tells its CPU in ms.
import { readFileSync } from 'node:fs';
import { Pool } from 'undici';

const [mode, url] = process.argv.slice(2);
const CALLERS = 32;
const template = JSON.parse(readFileSync(new URL('../../fixtures/formats/lanner.finding.json', import.meta.url), 'utf8'));
let made = 0;
const finding = () => ({ ...template, id: `bench-${made++}` });

async function own() {
  const { openDeliverer } = await import('../../../dist/deliver/dispatcher.js');
  const { openWebhookSink, webhookSinkSchema } = await import('../../../dist/deliver/sinks/webhook.js');
  const { memoryStore } = await import('../../../dist/deliver/store/memory.js');
  const { deliverEvents } = await import('../../../dist/telemetry/deliver-events.js');
  const { silentLog } = await import('../../../dist/telemetry/log.js');
  const { Metrics } = await import('../../../dist/telemetry/metrics.js');
  const { holdingClock } = await import('../../../dist/lib/clock.js');
  const sink = openWebhookSink('ops', webhookSinkSchema.parse({ type: 'webhook', url }));
  const told = deliverEvents(new Metrics(), silentLog);
  let arrived = () => {};
  const events = {
    ...told,
    delivered(...args) {
      told.delivered(...args);
      arrived();
    },
  };
  const deliverer = openDeliverer({ sinks: [sink], store: memoryStore(), log: silentLog, clock: holdingClock, random: Math.random, events });
  await deliverer.start();
  return async (count) => {
    let left = count;
    const caller = async () => {
      while (left-- > 0) {
        const arriving = new Promise((resolve) => waiting.push(resolve));
        await deliverer.accept(finding(), ['ops']);
        await arriving;
      }
    };
    const waiting = [];
    arrived = () => waiting.shift()();
    await Promise.all(Array.from({ length: CALLERS }, caller));
  };
}

function bare() {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: 8 });
  const post = (body) =>
    new Promise((resolve, reject) => {
      const handler = { onConnect() {}, onHeaders: () => true, onData: () => true, onComplete: resolve, onError: reject };
      pool.dispatch({ path: pathname, method: 'POST', body, headers: { 'content-type': 'application/json' } }, handler);
    });
  return async (count) => {
    let left = count;
    const caller = async () => {
      while (left-- > 0) await post(JSON.stringify(finding()));
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  };
}

const send = mode === 'own' ? await own() : bare();
process.on('message', async ({ count }) => {
  const before = process.cpuUsage();
  await send(count);
  const { user, system } = process.cpuUsage(before);
  process.send({ cpu_us: (user + system) / count });
});
process.on('disconnect', () => process.exit(0));
