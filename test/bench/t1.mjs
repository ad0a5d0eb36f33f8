import { mkdtempSync } from 'node:fs';
import { openSender, openReceiver } from '/work/wt-bench/test/bench/lib/agent.mjs';
import { bareClient, lanner, tetragonConfig } from '/work/wt-bench/test/bench/lib/candidates.mjs';
import { measured } from '/work/wt-bench/test/bench/lib/run.mjs';
const folder = mkdtempSync('/tmp/lb-');
const receiver = await openReceiver();
for (const stream of ['real','synthetic']) {
const sender = await openSender(folder, { stream, share: 0.01 });
for (const [n, open] of Object.entries({
  pass: () => bareClient('pass-grpc-js', [sender.socket]),
  http2: () => bareClient('pass-http2', [sender.socket]),
  lanner: () => lanner(folder, tetragonConfig({ socket: sender.socket, url: receiver.url })),
  lannerb: () => lanner(folder, tetragonConfig({ socket: sender.socket, url: receiver.url, batch: true })),
  loader: () => bareClient('loader-fetch', [sender.socket, receiver.url]),
})) {
  const slow = n === 'loader';
  const r = await measured({ sender, open, warm: slow ? 10000 : 30000, count: slow ? 20000: 100000, after: async (c, sent) => {
    let got = 0; for (let i=0;/pass|http2/.test(n)===false && i<100 && (got = await receiver.count()) < sent.stamps.length; i++) await new Promise(r=>setTimeout(r,100));
    const arrived = await receiver.take(); return { early: await c.metric?.('lanner_source_early_rejected_total'), judged: await c.metric?.('lanner_source_judged_total'), dropped2: await c.dropped?.(), findings: sent.stamps.length, arrived: arrived.size } } });
  const { stamps, ...rest } = r; console.log(stream, n, rest);
}
sender.close();
}
receiver.close();
