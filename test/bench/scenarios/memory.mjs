// Resident memory above an empty Node process: at rest, at 10,000 events/s, and whether it grows with millions.
import { spawn } from 'node:child_process';
import { openReceiver, openSender } from '../lib/agent.mjs';
import { lanner, tetragonConfig } from '../lib/candidates.mjs';
import { memoryOf, quiet, sleep, spread } from '../lib/measure.mjs';
import { row } from '../lib/report.mjs';

export const title = 'memory';
const MILLION = 1_000_000;

async function emptyNode() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
  await sleep(500);
  const { now } = memoryOf(child.pid);
  child.kill();
  return now;
}

/** What it holds, looked at again and again. */
async function while_(work, pid, seen, every = 250) {
  let over = false;
  const watching = (async () => {
    while (!over) {
      seen.push(memoryOf(pid).now);
      await sleep(every);
    }
  })();
  await work;
  over = true;
  await watching;
}

export async function run({ folder, full, long }) {
  const base = await emptyNode();
  const receiver = await openReceiver();
  const sender = await openSender(folder, { stream: 'real', share: 0.01 });
  const plain = await openSender(folder, { stream: 'real' });
  const above = (values) => spread(values.map((one) => one - base));
  const config = (socket) => tetragonConfig({ socket, url: receiver.url });
  const one = lanner(folder, config(sender.socket));
  await sender.ready();
  const idle = [];
  await quiet(one.pid, 500);
  await while_(sleep(full ? 3000 : 1000), one.pid, idle);
  const busy = [];
  await sender.send(20_000, 10_000);
  await while_(sender.send(full ? 100_000 : 20_000, 10_000), one.pid, busy);
  await one.stop();
  // As fast as it reads, without findings: the curve is about what each event leaves behind.
  const two = lanner(folder, config(plain.socket));
  await plain.ready();
  const curve = [];
  const total = long ? 10 : full ? 2 : 0.1;
  for (let part = 0; part < 10; part += 1) {
    await plain.send((total * MILLION) / 10);
    await quiet(two.pid);
    curve.push(memoryOf(two.pid).now - base);
  }
  await two.stop();
  for (const each of [sender, plain, receiver]) each.close();
  const later = curve.slice(4);
  return {
    rows: [
      row({ goal: 'RSS above an empty Node process, idle', measured: above(idle), unit: 'MB', most: 35, stretch: 20, detail: `empty Node ${base.toFixed(1)} MB` }),
      row({ goal: 'RSS above an empty Node process, at 10,000 events/s, 1 % findings', measured: above(busy), unit: 'MB', most: 85, stretch: 60 }),
      row({
        goal: `RSS growth between ${(total * 0.4).toFixed(1)} and ${total} million events`,
        measured: spread([later.at(-1) - later[0]]),
        unit: 'MB',
        // In the short form it is the heap that finds its size.
        ...(full && { most: 5 }),
        detail: `above an empty process after each tenth: ${curve.map((value) => value.toFixed(0)).join(' ')} MB`,
      }),
    ],
  };
}
