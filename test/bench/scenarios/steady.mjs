// 10,000 events a second, one in a hundred a finding: CPU against a client that only takes the bytes, and how long
// a finding takes to its webhook against a client that posts at once. Lanner has it on disk before it sends it.
import { openReceiver, openSender } from '../lib/agent.mjs';
import { bareClient, lanner, tetragonConfig } from '../lib/candidates.mjs';
import { quantile, sleep, spread } from '../lib/measure.mjs';
import { ratios, row, told } from '../lib/report.mjs';
import { interleaved, measured } from '../lib/run.mjs';

export const title = '10,000 events/s steady, 1 % findings: CPU and latency';
const RATE = 10_000;

/** From the event's sending to the webhook's receiving, in milliseconds. */
async function latency(receiver, { first, stamps }) {
  for (let tries = 0; tries < 100 && (await receiver.count()) <= stamps.length; tries += 1) await sleep(20);
  await sleep(100);
  const seen = await receiver.take();
  const waits = stamps.map((sent, at) => seen.get(first + at) - sent).filter((wait) => !Number.isNaN(wait));
  if (waits.length < stamps.length) throw new Error(`${stamps.length - waits.length} of ${stamps.length} findings did not arrive`);
  return { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) };
}

export async function run({ folder, full, rounds, profile }) {
  const receiver = await openReceiver();
  const { url } = receiver;
  const sender = await openSender(folder, { stream: 'real', share: 0.01 });
  const { socket } = sender;
  const own = (durable) => ({ open: () => lanner(folder, tetragonConfig({ socket, url, durable }), { name: `steady${durable ? '' : '-memory'}`, profile }), tells: true });
  const samples = await interleaved(
    rounds,
    {
      http2: { open: () => bareClient('pass-http2', [socket], { profile }) },
      once: { open: () => bareClient('post-at-once', [socket, url], { profile }), tells: true },
      durable: own(true),
      memory: own(false),
    },
    ({ open, tells }) =>
      // Steady is what it is after hours: what V8 compiles of the code of findings it has by then.
      measured({ sender, open, warm: full ? 600_000 : 10_000, count: full ? 40_000 : 8_000, rate: RATE, after: (_one, sent) => (tells ? latency(receiver, sent) : receiver.take().then(() => {})) }),
  );
  sender.close();
  receiver.close();
  const of = (name, key, unit) => told(spread(samples[name].map((one) => one[key])), unit);
  const dropped = Object.values(samples).flat().reduce((sum, one) => sum + one.dropped, 0);
  const rows = [
    row({
      goal: '10,000 events/s, 1 % findings: CPU against bare node:http2 pass-through',
      measured: ratios(samples.durable, samples.http2),
      most: 2,
      stretch: 1.5,
      detail: `${of('durable', 'cpu_us', ' µs')} an event (not durable ${of('memory', 'cpu_us', ' µs')}); pass-through ${of('http2', 'cpu_us', ' µs')}${dropped > 0 ? `; ${dropped} dropped by the sender` : ''}`,
    }),
  ];
  for (const [key, most] of [['p50', 1.5], ['p99', 2]]) {
    const goal = (how) => `latency at 10,000/s, event sent → webhook received, ${key}, ${how} against a bare client that posts at once`;
    rows.push(row({ goal: goal('durable'), measured: ratios(samples.durable, samples.once, key), most, detail: `${of('durable', key, ' ms')}; bare ${of('once', key, ' ms')}` }));
    rows.push(row({ goal: goal('not durable'), measured: ratios(samples.memory, samples.once, key), detail: of('memory', key, ' ms') }));
  }
  return { rows };
}
