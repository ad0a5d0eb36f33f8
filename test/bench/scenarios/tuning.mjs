// The commands that look back: `replay` of a million events against decoding the recording alone, and `tune` over a
// million findings: time, and whether its memory is bounded. Shorter without --full.
import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../lib/candidates.mjs';
import { memoryOf, sleep, spread } from '../lib/measure.mjs';
import { figure, ratios, row, told } from '../lib/report.mjs';
import { interleaved } from '../lib/run.mjs';
import { openCycle } from '../lib/stream.mjs';

export const title = 'replay and tune';

const from = (path) => fileURLToPath(new URL(path, import.meta.url));

async function written(file, chunks) {
  const out = createWriteStream(file);
  for (const chunk of chunks) if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', resolve));
  await new Promise((resolve) => out.end(resolve));
  return file;
}

/** Length before each message, as `lanner record` writes it; one event in a thousand is a finding. */
function* recording(count) {
  const cycle = openCycle({ stream: 'synthetic', share: 0.001, alike: true });
  for (let at = 0, sequence = 0; at < count; at += 1) {
    const frame = at % cycle.ends.length;
    cycle.stamp(frame, Math.floor(at / cycle.ends.length), cycle.isFinding(frame) ? sequence++ : 0);
    yield Buffer.from(cycle.bytes.subarray((frame === 0 ? 0 : cycle.ends[frame - 1]) + 10, cycle.ends[frame]));
  }
}

/** Findings as the history exports them: those of the recorded scenario, in many workloads, over 30 days. */
function* noisyFindings(count) {
  const scenario = from('../../fixtures/recordings/tetragon/scenario-k8s.bin.gz');
  const lines = execFileSync(process.execPath, [main, 'replay', '--json', scenario], { maxBuffer: 64 * 2 ** 20, encoding: 'utf8' }).trim().split('\n');
  const templates = lines.slice(0, -1).map((line) => {
    const finding = JSON.parse(line);
    finding.id = '@ID@';
    finding.time = '@TIME@';
    if (finding.exec.pod !== undefined) finding.exec.pod.workload = '@WORKLOAD@';
    finding.exec.process.argv.push('/var/run/job/@RUN@');
    return JSON.stringify(finding).split(/@(ID|TIME|WORKLOAD|RUN)@/);
  });
  const start = Date.parse('2026-10-20T00:00:00Z');
  for (let at = 0; at < count; at += 1) {
    // Most of the noise is of few kinds.
    const parts = templates[Math.floor(templates.length * ((at * 0.618_034) % 1) ** 3)];
    const values = { ID: `f-${(Math.imul(at, 2_654_435_761) >>> 0).toString(16).padStart(12, '0')}${at.toString(16).padStart(12, '0')}`, TIME: new Date(start + (at / count) * 30 * 86_400_000).toISOString(), WORKLOAD: `worker-${at % 97}`, RUN: (1_000_000 + at * 7919).toString(16).padStart(16, '0') };
    yield `${parts.map((part, index) => (index % 2 === 0 ? part : values[part])).join('')}\n`;
  }
}

/** Runs to its end: seconds, and the most memory it held. */
async function command(script, args) {
  const began = performance.now();
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = [];
  child.stdout.on('data', (bytes) => {
    said.push(bytes);
    if (said.length > 64) said.shift();
  });
  let over;
  const code = new Promise((resolve) => child.on('close', resolve)).then((result) => (over = result));
  let peak = 0;
  while (over === undefined) {
    try {
      peak = memoryOf(child.pid).peak || peak;
    } catch {}
    await Promise.race([code, sleep(50)]);
  }
  if ((await code) !== 0) throw new Error(`${args.join(' ')} ended with ${over}`);
  return { seconds: (performance.now() - began) / 1000, peak, text: Buffer.concat(said).toString() };
}

export async function run({ folder, full, rounds }) {
  const events = full ? 1_000_000 : 20_000;
  // A finding with its context is 8 KB.
  const { bavail, bsize } = statfsSync(folder);
  const findings = Math.min(full ? 1_000_000 : 5_000, Math.floor((bavail * bsize) / 12_000 / 10) * 10);
  const recorded = await written(join(folder, 'recording.bin'), recording(events));
  const turns = await interleaved(
    Math.min(rounds, 3),
    { decode: [from('../clients/decode-recording.mjs'), [recorded]], own: [main, ['replay', '--json', recorded]] },
    ([script, args]) => command(script, args),
  );
  rmSync(recorded);
  const seconds = (name) => told(spread(turns[name].map((one) => one.seconds)), ' s');
  const tune = ['tune', '--json', '--max-severity', 'high'];
  const few = await written(join(folder, 'few.jsonl'), noisyFindings(findings / 10));
  const small = await command(main, [...tune, few]);
  const many = await written(join(folder, 'many.jsonl'), noisyFindings(findings));
  const large = await command(main, [...tune, many]);
  for (const file of [few, many]) rmSync(file);
  const { proposals, hidden } = JSON.parse(large.text);
  const all = Object.values(hidden).reduce((sum, one) => sum + one, 0);
  return {
    rows: [
      row({ goal: `replay of ${events.toLocaleString('en-US')} events, against decoding the recording alone`, measured: ratios(turns.own, turns.decode, 'seconds'), most: 3, detail: `${seconds('own')}, ${figure(events / spread(turns.own.map((one) => one.seconds)).median)} events/s, peak ${figure(spread(turns.own.map((one) => one.peak)).median)} MB; decoding ${seconds('decode')}` }),
      row({ goal: `tune over ${findings.toLocaleString('en-US')} findings, on the clock`, measured: spread([large.seconds]), unit: 's', most: 180, detail: `${figure(findings / large.seconds)} findings/s; ${proposals.length} proposals that hide ${all.toLocaleString('en-US')}` }),
      row({ goal: `tune's peak memory over ${findings.toLocaleString('en-US')} findings, against a tenth of them`, measured: spread([large.peak / small.peak]), most: 1.5, detail: `${figure(large.peak)} MB; a tenth ${figure(small.peak)} MB` }),
    ],
  };
}
