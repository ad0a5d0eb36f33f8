// What the history costs: `npm run bench:history` (short) or `-- --full`; `--json` for tools. On the pipeline's
// thread: a finding that is kept, an exec that did not fire and is kept or only counted, beside its judgement.
// In the store's thread: a written finding. Medians of interleaved rounds; real findings of a recorded scenario.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../../dist');
const load = (path) => import(join(dist, path));
const { durableStore } = await load('deliver/store/durable.js');
const { defaultDetectConfig } = await load('detect/config.js');
const { exampleEvent } = await load('detect/examples.js');
const { createDetector, redactEvent } = await load('detect/index.js');
const { historySchema } = await load('history/config.js');
const { openMissRecorder } = await load('history/misses.js');
const { openRecorder, recordOf } = await load('history/recorder.js');
const { systemClock } = await load('lib/clock.js');
const { findingId } = await load('pipeline.js');

const full = process.argv.includes('--full');
const rounds = full ? 9 : 3;
const findingsEach = full ? 10_000 : 2_000;
const execsEach = full ? 200_000 : 50_000;
const config = historySchema.parse({});
const silent = { kept() {}, forgotten() {}, leftOut() {} };
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const took = (work, count) => {
  const began = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - began) / count;
};

const recording = join(dirname(fileURLToPath(import.meta.url)), '../fixtures/recordings/tetragon/scenario-k8s.bin.gz');
const told = execFileSync(process.execPath, [join(dist, 'main.js'), 'replay', recording, '--json', '--no-state'], { maxBuffer: 2 ** 28 })
  .toString().trim().split('\n').slice(0, -1).map((line) => JSON.parse(line));
let serial = 0;
const fresh = () => {
  serial += 1;
  return { ...told[serial % told.length], id: `f-${String(serial).padStart(24, '0')}` };
};

/** Findings: what the pipeline's thread pays at once, and what the store's thread pays for each, commit included. */
async function keptFindings(store) {
  const recorder = openRecorder({ store, config, clock: systemClock, events: silent, queue: { max_records: 1e6, max_bytes: 2 ** 31 } });
  const findings = Array.from({ length: findingsEach }, fresh);
  const began = process.hrtime.bigint();
  const sync = took(() => {
    for (const finding of findings) recorder.keep(recordOf(finding, { hidden: false, sinks: ['ops'] }, Date.now()));
  }, findingsEach);
  await recorder.flush();
  return { sync, whole: Number(process.hrtime.bigint() - began) / findingsEach };
}

/** Execs that did not fire: `of` makes each one. */
async function missed(store, of) {
  const recorder = openMissRecorder({ store, config: { ...config.misses, max_per_minute: 60_000 }, clock: systemClock, events: silent, findingId, redact: (miss) => ({ ...miss, exec: redactEvent(miss.exec) }) });
  const all = Array.from({ length: 1000 }, (_, i) => of(i));
  const nanos = took(() => {
    for (let i = 0; i < execsEach; i += 1) recorder.miss(all[i % all.length]);
  }, execsEach);
  const { kept } = recorder.counts();
  await recorder.close();
  return { nanos, kept };
}

const detector = createDetector(defaultDetectConfig());
const check = (i) => ({ ...exampleEvent({ run: `curl -fsS http://127.0.0.1:8080/healthz?n=${i}`, exec_probe: true, in_init_tree: false }), id: `e${i}` });
const verdict = detector.judge(check(0));
const asMissed = (event, seconds) => ({ event, verdict, facts: {}, floor: 'low', seconds });
const storm = () => { const event = check(0); return asMissed(event, 3600); };

const folder = mkdtempSync(join(tmpdir(), 'lanner-bench-'));
const store = durableStore(folder);
const samples = { judge: [], counted: [], kept: [], finding_sync: [], finding_whole: [] };
let keptShare = 0;
let perFinding = 0;
try {
  await store.open();
  for (let round = 0; round < rounds; round += 1) {
    const events = Array.from({ length: 1000 }, () => check(0));
    samples.judge.push(took(() => { for (let i = 0; i < execsEach; i += 1) detector.judge(events[i % 1000]); }, execsEach));
    samples.counted.push((await missed(store, storm)).nanos);
    // Every exec another structure: each is kept until the minute's bound, and costs its JSON.
    const recorder = openMissRecorder({ store, config: { ...config.misses, max_per_minute: 60_000 }, clock: systemClock, events: silent, findingId, redact: (miss) => ({ ...miss, exec: redactEvent(miss.exec) }) });
    const all = Array.from({ length: 1000 }, (_, i) => asMissed({ ...check(i), id: `r${round}-${i}`, process: { ...check(i).process, argv: ['curl', `http://h${i}q.example/`] } }, 7200 + round * 3600));
    samples.kept.push(took(() => { for (const one of all) recorder.miss(one); }, all.length));
    keptShare = recorder.counts().kept / (all.length * 1);
    await recorder.close();
    const { sync, whole } = await keptFindings(store);
    samples.finding_sync.push(sync);
    samples.finding_whole.push(whole);
  }
  await store.close();
  perFinding = statSync(join(folder, 'lanner.db')).size / (rounds * findingsEach);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const rows = [
  ['judge', 'for comparison: one judgement of a health check (curl to loopback)'],
  ['counted', 'an exec that did not fire, counted with one that was kept'],
  ['kept', `an exec that did not fire, kept (${Math.round(keptShare * 100)} % of these were): redacted, JSON, queued`],
  ['finding_sync', "a finding on the pipeline's thread: JSON, queued"],
  ['finding_whole', "a finding until it is committed, both threads' time"],
].map(([what, text]) => ({ what, text, ns: Math.round(median(samples[what])), min: Math.round(Math.min(...samples[what])), max: Math.round(Math.max(...samples[what])) }));
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds, rows, bytes_per_finding: Math.round(perFinding) })}\n`);
else {
  process.stdout.write(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}, ${rounds} interleaved rounds of ${findingsEach} findings and ${execsEach} execs\n\n| what | µs each, median [min-max] |\n|---|---|\n`);
  for (const { text, ns, min, max } of rows) process.stdout.write(`| ${text} | ${(ns / 1000).toFixed(2)} [${(min / 1000).toFixed(2)}-${(max / 1000).toFixed(2)}] |\n`);
  process.stdout.write(`\n${Math.round(perFinding)} bytes on disk for each finding\n`);
}
