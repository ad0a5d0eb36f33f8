// One event in a hundred is a finding, each another command, each on disk before it is sent, each sent to a webhook in another process.
import { openReceiver, openSender } from '../lib/agent.mjs';
import { bareClient, goDecoder, lanner, tetragonConfig } from '../lib/candidates.mjs';
import { goClient } from '../lib/go.mjs';
import { sleep, spread } from '../lib/measure.mjs';
import { ratios, row, skipped, told } from '../lib/report.mjs';
import { interleaved, measured } from '../lib/run.mjs';

export const title = 'CPU per event end to end at 1 % findings';

/** Where no Go is: measured 2026-11 with Go 1.26 against the same decoders, 1.2 KB and 3.07 KB events. */
const FROM_FACTS = 'for scale, measured elsewhere: Go 19.4 µs for synthetic events, 39–47 µs for real ones';

export async function run({ folder, full, rounds, profile }) {
  const rows = [];
  const go = goClient(folder);
  const receiver = await openReceiver();
  for (const stream of full ? ['real', 'synthetic'] : ['real']) {
    const sender = await openSender(folder, { stream, share: 0.01 });
    const alike = full && stream === 'real' ? await openSender(folder, { stream, share: 0.01, alike: true }) : undefined;
    const { socket } = sender;
    const { url } = receiver;
    const own = (batch, from = sender) => ({
      from,
      open: () => lanner(folder, tetragonConfig({ socket: from.socket, url, batch }), { name: `end-to-end-${stream}${batch ? '-batch' : ''}${from === sender ? '' : '-alike'}`, profile }),
      // Judging is much code, seldom run: after 2,000 findings V8 has compiled most of it.
      warm: full ? 200_000 : 10_000,
      count: full ? 100_000 : 20_000,
      all: true,
    });
    const slow = { warm: full ? 20_000 : 5_000, count: full ? 30_000 : 10_000 };
    const env = go.protos === undefined ? {} : { BENCH_PROTOS: go.protos };
    const samples = await interleaved(
      rounds,
      {
        loader: { open: () => bareClient('loader-fetch', [socket, url], { profile, env }), ...slow, all: true },
        ...(go.binary !== undefined && { go: { open: () => goDecoder(go.binary, socket), ...slow } }),
        single: own(false),
        batch: own(true),
        ...(alike !== undefined && { alike: own(true, alike) }),
      },
      ({ from = sender, open, warm, count, all }) => measured({ sender: from, open, warm, count, after: (_candidate, sent) => (all ? arrived(receiver, sent) : receiver.take().then(() => {})) }),
    );
    for (const each of [sender, alike]) each?.close();
    const cost = (name) => told(spread(samples[name].map((one) => one.cpu_us)), ' µs');
    const protos = go.protos === undefined ? "with our own .proto files, which have only what Lanner reads" : "with upstream's .proto files";
    for (const [name, how] of [['batch', 'batched posts'], ['single', 'a post each']]) {
      rows.push(
        row({
          goal: `CPU per event at 1 % findings (fsync, webhook, ${how}), ${stream} events, against grpc-js + proto-loader + fetch`,
          measured: ratios(samples[name], samples.loader),
          most: 0.1,
          stretch: 0.067,
          detail: `${cost(name)}, of it main thread ${told(spread(samples[name].map((one) => one.main_us)), ' µs')}; loader + fetch ${cost('loader')} ${protos}`,
        }),
      );
      const goal = `… ${how}, ${stream} events, against a Go client that only decodes`;
      if (samples.go === undefined) rows.push(skipped(goal, `${go.reason}; ${FROM_FACTS}`));
      else rows.push(row({ goal, measured: ratios(samples[name], samples.go), most: 0.5, stretch: 0.3, detail: `Go ${cost('go')}` }));
    }
    if (alike !== undefined) rows.push(row({ goal: `… batched posts, ${stream} events, all findings the same command in other containers`, measured: ratios(samples.alike, samples.loader), detail: cost('alike') }));
  }
  receiver.close();
  return { rows };
}

/** Every finding has to come, or the figure is of something else. */
async function arrived(receiver, { first, stamps }) {
  const last = first + stamps.length - 1;
  for (let tries = 0; tries < 200 && (await receiver.count()) <= stamps.length * 0.99; tries += 1) await sleep(50);
  await sleep(200);
  const seen = await receiver.take();
  let missing = 0;
  for (let one = first; one <= last; one += 1) if (!seen.has(one)) missing += 1;
  if (missing > 0) throw new Error(`${missing} of ${stamps.length} findings did not arrive`);
}
