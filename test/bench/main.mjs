// What an event costs: `npm run bench` (short) or `npm run bench -- --full`; `--json` for tools.
// Each way of reading runs in its own process against a sender in another; rounds are interleaved, so that a
// machine that changes its speed changes it for all. Medians of the rounds; only ratios travel between machines.
import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const full = process.argv.includes('--full');
const json = process.argv.includes('--json');
const rounds = full ? 7 : 3;
const count = full ? 200_000 : 40_000;
const modes = [
  ['pass', 'grpc-js pass-through'],
  ['reject', 'Lanner on grpc-js: early test, process table, judging of what remains'],
  ['http2_pass', 'node:http2 pass-through'],
  ['http2_reject', 'Lanner on node:http2: the same'],
  ['decode', 'Lanner: every message decoded and normalized'],
  ['loader', 'grpc-js with proto-loader decode'],
];
const streams = [
  ['storm', 'recorded storm (execs in containers, with caps, ns, ancestors)'],
  ['scenario-k8s', 'recorded scenario (half exits; attacks among the execs)'],
];

const folder = mkdtempSync(join(tmpdir(), 'lanner-bench-'));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const tables = [];
try {
  for (const [name, title] of streams) {
    const socket = join(folder, `${name}.sock`);
    const recording = join(here, `../fixtures/recordings/tetragon/${name}.bin.gz`);
    const sender = fork(join(here, 'sender.mjs'), [socket, recording, String(count)]);
    await new Promise((resolve) => sender.once('message', resolve));
    const samples = new Map(modes.map(([mode]) => [mode, []]));
    for (let round = 0; round < rounds; round += 1)
      for (const [mode] of modes) {
        const out = execFileSync(process.execPath, [join(here, 'client.mjs'), mode, socket, String(count)]);
        const { events, cpu_us, wall_ms } = JSON.parse(out.toString());
        samples.get(mode).push({ cpu: cpu_us / events, rate: (events / wall_ms) * 1000 });
      }
    sender.kill();
    const pass = median(samples.get('pass').map((one) => one.cpu));
    tables.push({
      stream: name,
      title,
      rows: modes.map(([mode, what]) => {
        const cpu = samples.get(mode).map((one) => one.cpu);
        return {
          mode,
          what,
          cpu_us: median(cpu),
          min: Math.min(...cpu),
          max: Math.max(...cpu),
          ratio: median(cpu) / pass,
          events_per_s: median(samples.get(mode).map((one) => one.rate)),
        };
      }),
    });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (json) process.stdout.write(`${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds, count, tables })}\n`);
else {
  process.stdout.write(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}, ${rounds} interleaved rounds of ${count} messages\n`);
  for (const { title, rows } of tables) {
    process.stdout.write(`\n${title}\n| reading | CPU µs/event, median [min-max] | ratio | events/s |\n|---|---|---|---|\n`);
    for (const { what, cpu_us, min, max, ratio, events_per_s } of rows)
      process.stdout.write(`| ${what} | ${cpu_us.toFixed(2)} [${min.toFixed(2)}-${max.toFixed(2)}] | ${ratio.toFixed(2)} | ${Math.round(events_per_s)} |\n`);
  }
}
