// What an event costs that becomes no finding, against a client that only takes the bytes.
import { openSender } from '../lib/agent.mjs';
import { bareClient, lanner, tetragonConfig } from '../lib/candidates.mjs';
import { spread } from '../lib/measure.mjs';
import { ratios, row } from '../lib/report.mjs';
import { told } from '../lib/report.mjs';
import { interleaved, measured } from '../lib/run.mjs';

export const title = 'CPU per irrelevant event';

export async function run({ folder, full, rounds, profile }) {
  const rows = [];
  for (const stream of full ? ['real', 'synthetic'] : ['real']) {
    const sender = await openSender(folder, { stream });
    const { socket } = sender;
    const on = (transport) => () => lanner(folder, tetragonConfig({ socket, transport }), { name: `irrelevant-${stream}-${transport}`, profile });
    const samples = await interleaved(
      rounds,
      {
        pass: () => bareClient('pass-grpc-js', [socket], { profile }),
        http2_pass: () => bareClient('pass-http2', [socket], { profile }),
        grpc_js: on('grpc_js'),
        http2: on('http2'),
      },
      (open) => measured({ sender, open, warm: full ? 200_000 : 20_000, count: full ? 150_000 : 60_000 }),
    );
    sender.close();
    const cost = (name) => told(spread(samples[name].map((one) => one.cpu_us)), ' µs');
    for (const transport of ['http2', 'grpc_js'])
      rows.push(
        row({
          goal: `CPU per irrelevant event, transport ${transport}, ${stream} events, against bare grpc-js pass-through`,
          measured: ratios(samples[transport], samples.pass),
          // What stands on grpc-js costs more than grpc-js alone; its row tells how much.
          ...(transport === 'http2' && { most: 0.5, stretch: 0.2 }),
          detail: `${cost(transport)}; pass-through grpc-js ${cost('pass')}, node:http2 ${cost('http2_pass')}`,
        }),
      );
  }
  return { rows };
}
