// What the canary costs the execs that are none: `node test/bench/canary.mjs` (after npm run build). The early test over
// the recorded storm, without a canary and with one that is out; rounds are interleaved, medians shown.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCanaryWatch } from '../../dist/canary/watch.js';
import { recordedMessages } from '../../dist/commands/demo/agent.js';
import { newSourceCounts } from '../../dist/model/intake.js';
import { earlyTest } from '../../dist/sources/tetragon/early.js';
import { ProcessTable } from '../../dist/state/process-table.js';
import { RecentExecs } from '../../dist/state/recent.js';

const rounds = 41;
const passes = 4;
const recording = fileURLToPath(new URL('../fixtures/recordings/tetragon/storm.bin.gz', import.meta.url));
const messages = await recordedMessages(join(recording));

/** A watch with a canary out that nobody will report. */
let release = () => {};
const watch = openCanaryWatch({
  config: { enabled: true, interval_secs: 300, within_secs: 30, misses: 2 },
  names: ['s'],
  sources: () => [{ name: 's', type: 'tetragon', state: 'ok', since: '' }],
  clock: {
    now: Date.now,
    after(_ms, action) {
      release = action;
      return () => {};
    },
  },
  events: { ended() {}, reported() {}, blind() {}, repeated() {}, forgotten() {}, failed() {} },
  run: () => Promise.resolve(),
});
watch.start();
release();

function takerWith(canary) {
  const intake = {
    counts: newSourceCounts(),
    interest: { path: () => false, text: () => false, exec: () => false },
    processes: new ProcessTable({ maxBytes: 8 * 1024 * 1024 }),
    recent: new RecentExecs({ containers: 256 }),
    offer: () => true,
    judge() {},
    alert() {},
    unreadable() {},
    ...(canary === undefined ? {} : { canary }),
  };
  return earlyTest(intake, () => undefined);
}

const ways = { without: takerWith(), with: takerWith(watch.check('s')) };
const samples = { without: [], with: [] };
for (let round = 0; round < rounds; round += 1)
  for (const way of round % 2 === 0 ? ['without', 'with'] : ['with', 'without']) {
    const began = process.cpuUsage();
    for (let pass = 0; pass < passes; pass += 1) for (const message of messages) ways[way](message);
    const { user, system } = process.cpuUsage(began);
    samples[way].push(((user + system) * 1000) / (messages.length * passes));
  }
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
for (const way of ['without', 'with'])
  process.stdout.write(`${way.padEnd(8)} canary: ${median(samples[way]).toFixed(0)} ns of CPU per exec (min ${Math.min(...samples[way]).toFixed(0)})\n`);
process.stdout.write(`${messages.length} messages, ${rounds} rounds of ${passes} passes\n`);
