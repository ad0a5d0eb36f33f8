// What a finding costs the main thread, from a candidate's bytes to the redacted finding: `npm run bench:finding`;
// `-- --json` for tools, `-- --full` for more rounds, `-- --against DIST` to compare with another build (its `dist`),
// round by round in processes of their own. The finding is the recorded reverse shell among recorded events that
// concern nobody. Warm: one after the other. Cold: 100 other events and 32 MB of other memory between two of them,
// which is nearer to what one costs at 100 a second. `-- --distinct`: each speaks to another host, so that no judgement is
// of use for the next.
import { execFileSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openCycle } from './lib/stream.mjs';

const here = fileURLToPath(import.meta.url);
const own = join(dirname(here), '../../dist');
const option = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const full = process.argv.includes('--full');
const distinct = process.argv.includes('--distinct');
const FINDINGS = full ? 6000 : 2000;
const ROUNDS = Number(option('rounds') ?? (full ? 9 : 3));

/** In the order they come; each ends where the next begins. */
const STAGES = ['early test, copy', 'decode', 'memory', 'judge as it came', 'enrich', 'judge with facts', 'make', 'fold, context', 'redact', 'route, hand over'];
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const CONFIG = 'version: 1\nstate_dir: /nowhere\nsources: {agent: {type: tetragon, address: "127.0.0.1:9"}}\nsinks: {ops: {type: webhook, url: "http://127.0.0.1:9/"}}\nroute: {sinks: [ops]}\n';

/** Which stage an interval was, by what was called at its end. */
function openClock() {
  const spent = new Map(STAGES.map((stage) => [stage, 0]));
  let before = 0n;
  return {
    spent,
    on: false,
    begin() {
      for (const stage of STAGES) spent.set(stage, 0);
      before = process.hrtime.bigint();
    },
    end(stage) {
      if (!this.on) return;
      const now = process.hrtime.bigint();
      spent.set(stage, spent.get(stage) + Number(now - before));
      before = now;
    },
  };
}

/** The pipeline as `run` puts it together, of a build, with a clock at its seams. */
async function openBench(dist) {
  const load = (path) => import(pathToFileURL(join(dist, path)));
  const [{ openPipeline }, { openJudging, placeOf }, { openMemory }, { createEnricher }, { parseConfig }, { Metrics }, { silentLog }, { earlyTest }, { decodeMessage }, { normalizeMessage }] = await Promise.all(
    ['pipeline.js', 'service/judging.js', 'service/memory.js', 'enrich/index.js', 'config.js', 'telemetry/metrics.js', 'telemetry/log.js', 'sources/tetragon/early.js', 'sources/tetragon/message.js', 'sources/tetragon/normalize.js'].map(load),
  );
  const config = parseConfig(CONFIG, 'bench.yaml');
  const { detector, exceptions, router, minSeverity, redact } = openJudging(config);
  const enricher = createEnricher(config.enrich, { metrics: new Metrics({ process: false }), log: silentLog });
  const clock = openClock();
  const told = [];
  let enriched = false;
  /** A call of the detection, between what came before it and what comes after it. */
  const judging = (call) => (...args) => {
    clock.end(enriched ? 'enrich' : 'memory');
    const answer = call?.(...args);
    clock.end(enriched ? 'judge with facts' : 'judge as it came');
    return answer;
  };
  const pipeline = openPipeline({
    detector: { interest: detector.interest, judge: judging(detector.judge), names: judging(detector.names) },
    minSeverity,
    redact(finding) {
      clock.end('fold, context');
      const redacted = redact(finding);
      clock.end('redact');
      return redacted;
    },
    place: placeOf(config),
    except(finding) {
      clock.end('make');
      return exceptions.apply(finding);
    },
    route: (finding) => router.route(finding),
    ...openMemory(config, true),
    enrich: (event) => {
      clock.end('memory');
      enriched = true;
      const known = enricher.enrich(event);
      clock.end('enrich');
      return known;
    },
    later: enricher.later,
    accept(finding) {
      told.push(finding);
      return Promise.resolve();
    },
    log: silentLog,
    onFinding() {},
  });
  const intake = pipeline.intake('agent');
  const decode = (bytes) => {
    enriched = false;
    clock.end('early test, copy');
    const event = normalizeMessage(decodeMessage(bytes), 'agent', intake.processes);
    clock.end('decode');
    return event;
  };
  return { take: earlyTest(intake, decode), clock, told, idle: () => pipeline.idle() };
}

/** `some(count, marked, cold)` gives that many findings, and the median time of each stage where marked. */
async function openRun(dist) {
  const { take, clock, told, idle } = await openBench(dist);
  const cycle = openCycle({ stream: 'real', share: 0.01, alike: !distinct });
  const bounds = cycle.ends.map((end, frame) => [(frame === 0 ? 0 : cycle.ends[frame - 1]) + 14, end]);
  const findings = bounds.map((_, frame) => frame).filter(cycle.isFinding);
  const cold = Buffer.alloc(32 * 1024 * 1024, 1);
  let sequence = 0;
  let round = 0;
  let sum = 0;
  const give = (frame, on) => {
    sequence += 1;
    cycle.stamp(frame, round, sequence);
    clock.on = on;
    if (on) clock.begin();
    take(cycle.bytes, ...bounds[frame]);
    clock.end('route, hand over');
    clock.on = false;
  };
  const some = async (count, on, between) => {
    const rows = [];
    for (let at = 0; at < count; at += 1) {
      const frame = findings[at % findings.length];
      if (at % findings.length === 0) round += 1;
      if (between) {
        for (let other = frame - 99; other < frame; other += 1) {
          cycle.stamp(other, round, 0);
          take(cycle.bytes, ...bounds[other]);
        }
        for (let i = 0; i < cold.length; i += 64) sum += cold[i];
      }
      give(frame, on);
      if (on) rows.push([...clock.spent.values()]);
      if (at % 16 === 15 || between) await new Promise(setImmediate);
      told.length = 0;
    }
    await idle();
    return STAGES.map((_, stage) => median(rows.map((row) => row[stage] ?? 0)) / 1000);
  };
  return { some, sum: () => sum };
}

async function measure(dist) {
  const { some, sum } = await openRun(dist);
  await some(FINDINGS, false, false);
  await some(FINDINGS, true, false);
  const before = process.cpuUsage();
  const count = FINDINGS * 2;
  for (let at = 0; at < 2; at += 1) await some(FINDINGS, false, false);
  const { user, system } = process.cpuUsage(before);
  const warm = await some(FINDINGS, true, false);
  const coldly = await some(Math.min(FINDINGS, 1000), true, true);
  return { cpu: (user + system) / count, warm, cold: coldly, sum: sum() };
}

const run = (dist) => JSON.parse(execFileSync(process.execPath, [here, '--child', '--dist', dist, ...(full ? ['--full'] : []), ...(distinct ? ['--distinct'] : [])], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));

/** For a profiler, `--loop`: nothing but findings; `--cold` as above. */
async function loop(dist) {
  const { some } = await openRun(dist);
  for (let at = 0; at < ROUNDS; at += 1) await some(FINDINGS, false, process.argv.includes('--cold'));
}

if (process.argv.includes('--loop')) await loop(resolve(option('dist') ?? own));
else if (process.argv.includes('--child')) process.stdout.write(JSON.stringify(await measure(resolve(option('dist')))));
else {
  const other = option('against');
  const builds = [...(other === undefined ? [] : [['against', resolve(other)]]), ['this', own]];
  const results = new Map(builds.map(([name]) => [name, []]));
  for (let at = 0; at < ROUNDS; at += 1) for (const [name, dist] of builds) results.get(name).push(run(dist));
  const summary = Object.fromEntries(
    [...results].map(([name, runs]) => {
      const stage = (kind) => Object.fromEntries(STAGES.map((what, at) => [what, median(runs.map((one) => one[kind][at]))]));
      return [name, { cpu_us: median(runs.map((one) => one.cpu)), warm_us: stage('warm'), cold_us: stage('cold') }];
    }),
  );
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ node: process.version, rounds: ROUNDS, ...summary })}\n`);
  else {
    const names = builds.map(([name]) => name);
    const cells = (values) => `${values.map((value) => value.toFixed(1)).join(' | ')} |\n`;
    const all = (stage) => Object.values(stage).reduce((total, value) => total + value, 0);
    let text = `Node ${process.version}, median of ${ROUNDS} rounds, µs per finding\n\n| stage | ${names.map((name) => `${name}, warm`).join(' | ')} | ${names.map((name) => `${name}, cold`).join(' | ')} |\n|${'---|'.repeat(1 + 2 * names.length)}\n`;
    for (const stage of STAGES) text += `| ${stage} | ${cells(['warm_us', 'cold_us'].flatMap((kind) => names.map((name) => summary[name][kind][stage])))}`;
    text += `| all stages | ${cells(['warm_us', 'cold_us'].flatMap((kind) => names.map((name) => all(summary[name][kind]))))}`;
    text += `\nCPU of the process, garbage collection and its threads included, warm: ${names.map((name) => `${name} ${summary[name].cpu_us.toFixed(1)}`).join(', ')}\n`;
    process.stdout.write(text);
  }
}
