// The highest rate at which nothing is dropped, neither by our queue nor by a sender that keeps 10,000 events as the
// real agent does. Searched by steps: up while it holds, then between the last that held and the first that did not.
import { openReceiver, openSender } from '../lib/agent.mjs';
import { bareClient, lanner, tetragonConfig } from '../lib/candidates.mjs';
import { sleep, spread } from '../lib/measure.mjs';
import { ratios, row, told } from '../lib/report.mjs';
import { interleaved } from '../lib/run.mjs';

export const title = 'sustained events/s, nothing dropped';
const STEP = 1.25;

/** Whether everything of `ms` at this rate was taken; the reader goes on running between the steps. */
async function holds(sender, candidate, rate, ms) {
  const { dropped, took_ms } = await sender.send(Math.round((rate * ms) / 1000), rate);
  await sleep(100);
  // A sender that is itself too slow says nothing of the reader.
  return dropped === 0 && (await candidate.dropped()) === 0 && took_ms < ms * 1.5;
}

async function limit({ sender, open, start, ms, warm }) {
  sender.expect();
  const candidate = open();
  try {
    await Promise.race([sender.ready(), candidate.failed]);
    await sender.send(warm);
    await sleep(300);
    let rate = start;
    let held = 0;
    const seen = (await candidate.dropped()) ?? 0;
    const took = async (at) => (await holds(sender, { dropped: async () => (await candidate.dropped()) - seen }, at, ms));
    if (await took(rate)) {
      do held = rate;
      while (held < 1_000_000 && (await took((rate = held * STEP))));
    } else
      while (rate > 1000) {
        rate /= STEP;
        if (await took(rate)) {
          held = rate;
          break;
        }
      }
    const middle = held * Math.sqrt(STEP);
    return { rate: (await took(middle)) ? middle : held };
  } finally {
    await candidate.stop();
  }
}

export async function run({ folder, full, long, rounds, profile }) {
  const rows = [];
  const receiver = await openReceiver();
  for (const share of long ? [0, 0.01] : [0]) {
    const sender = await openSender(folder, { stream: 'real', share });
    const { socket } = sender;
    const starts = { pass: 40_000, own: share === 0 ? 40_000 : 10_000 };
    const samples = await interleaved(
      rounds,
      {
        pass: () => ({ ...bareClient('pass-grpc-js', [socket], { profile }), dropped: async () => 0 }),
        own: () => lanner(folder, tetragonConfig({ socket, ...(share > 0 && { url: receiver.url, batch: true }) }), { name: `sustained-${share}`, profile }),
      },
      async (open, name) => {
        const found = await limit({ sender, open, start: starts[name], ms: full ? 1000 : 250, warm: full ? 60_000 : 20_000 });
        // The next round begins near what this one found.
        if (found.rate > 0) starts[name] = found.rate / STEP;
        return found;
      },
    );
    sender.close();
    const what = share === 0 ? 'irrelevant events' : '1 % findings, durable, batched posts';
    rows.push(
      row({
        goal: `sustained events/s, nothing dropped (real events, ${what}), against bare grpc-js pass-through`,
        measured: ratios(samples.own, samples.pass, 'rate'),
        ...(share === 0 && { least: 0.8, stretch: 1.5 }),
        detail: `${told(spread(samples.own.map((one) => one.rate)), '/s')}; pass-through ${told(spread(samples.pass.map((one) => one.rate)), '/s')}`,
      }),
    );
  }
  receiver.close();
  return { rows };
}
