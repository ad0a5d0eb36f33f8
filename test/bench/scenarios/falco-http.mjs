// Falco's HTTP output: requests/s and requests per second of CPU, against a bare node:http server that reads the
// body and answers. The load keeps eight connections busy, each with one request at a time, as libcurl does.
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { bareServer, lanner } from '../lib/candidates.mjs';
import { cpuOf, sleep, spread } from '../lib/measure.mjs';
import { ratios, row, told } from '../lib/report.mjs';
import { interleaved, within } from '../lib/run.mjs';

export const title = 'Falco HTTP receiver';

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export async function run({ full, folder, rounds, profile }) {
  const load = fork(fileURLToPath(new URL('../falco-load.mjs', import.meta.url)));
  const loaded = (port, ms) => {
    load.send({ port, ms });
    return within(new Promise((resolve) => load.once('message', resolve)), 'load');
  };
  const config = (port) => `sources: {falco: {type: falco_http, listen: "127.0.0.1:${port}"}}\nhistory: {enabled: false}\n`;
  const samples = await interleaved(
    rounds,
    {
      bare: (port) => bareServer('http-server', [String(port)], { profile }),
      parse: (port) => bareServer('http-server', [String(port), 'parse'], { profile }),
      own: (port) => lanner(folder, config(port), { name: 'falco-http', profile }),
    },
    async (open) => {
      const port = await freePort();
      const one = open(port);
      try {
        await Promise.race([loaded(port, full ? 1200 : 500), one.failed]);
        const cpu = cpuOf(one.pid);
        const { requests, ms, bad } = await loaded(port, full ? 2500 : 1000);
        if (bad > 0) throw new Error(`${bad} of ${requests} requests were not answered with 2xx`);
        await sleep(50);
        return { rate: (requests / ms) * 1000, cpu_us: ((cpuOf(one.pid) - cpu) * 1000) / requests };
      } finally {
        await one.stop();
      }
    },
  );
  load.disconnect();
  const of = (name, key, unit) => told(spread(samples[name].map((one) => one[key])), unit);
  return {
    rows: [
      row({ goal: 'Falco HTTP receiver, requests/s against bare node:http', measured: ratios(samples.own, samples.bare, 'rate'), least: 0.8, detail: `${of('own', 'rate', '/s')}; bare ${of('bare', 'rate', '/s')}` }),
      row({ goal: '… requests/s against node:http that parses the JSON', measured: ratios(samples.own, samples.parse, 'rate'), detail: `${of('parse', 'rate', '/s')}; CPU ${of('parse', 'cpu_us', ' µs')}` }),
      row({ goal: '… CPU per request', measured: ratios(samples.own, samples.bare), detail: `${of('own', 'cpu_us', ' µs')}; bare ${of('bare', 'cpu_us', ' µs')}` }),
    ],
  };
}
