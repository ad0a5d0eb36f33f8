// What a webhook request costs, without the spool's disk, against undici's dispatch alone.
import { openReceiver } from '../lib/agent.mjs';
import { bareServer } from '../lib/candidates.mjs';
import { spread } from '../lib/measure.mjs';
import { ratios, row, told } from '../lib/report.mjs';
import { interleaved, within } from '../lib/run.mjs';

export const title = 'webhook delivery';

export async function run({ full, rounds, profile }) {
  const receiver = await openReceiver();
  const samples = await interleaved(rounds, { bare: 'bare', own: 'own' }, async (mode) => {
    const one = bareServer('deliver', [mode, receiver.url], { profile });
    const sent = (count) => {
      one.child.send({ count });
      return Promise.race([within(new Promise((resolve) => one.child.once('message', resolve)), `${mode} delivery`), one.failed]);
    };
    await sent(full ? 6000 : 1500);
    const result = await sent(full ? 12_000 : 3000);
    await one.stop();
    return result;
  });
  receiver.close();
  const of = (name) => told(spread(samples[name].map((one) => one.cpu_us)), ' µs');
  return {
    rows: [row({ goal: "webhook delivery, CPU per request without the store's, against bare undici dispatch", measured: ratios(samples.own, samples.bare), most: 1.5, detail: `${of('own')}; undici dispatch ${of('bare')}` })],
  };
}
