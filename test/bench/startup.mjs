// What a start costs: CPU from process start until the agent sees the subscription, and RSS when all is quiet, both
// above a Node process that does nothing. `npm run bench:startup`, `--json` for tools, `--starts N` (11),
// `--node FILE`, `--main FILE`, `--transport auto|http2|grpc_js`, `--settle SECONDS` (15: V8 gives back what a start
// needed after some eight seconds without work). Each start of Lanner stands beside one of an empty Node.
// CPU is what the kernel counts for all threads (/proc/PID/task/*/schedstat), so this needs Linux.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const starts = Number(option('starts', '11'));
const node = option('node', process.execPath);
const main = option('main', join(here, '../../dist/main.js'));
const transport = option('transport', undefined);
const settleMs = Number(option('settle', '15')) * 1000;

const folder = mkdtempSync(join(tmpdir(), 'lanner-startup-'));
const socket = join(folder, 'tetragon.sock');
const config = join(folder, 'lanner.yaml');
writeFileSync(
  config,
  `version: 1
state_dir: ${folder}/state
http: {listen: "127.0.0.1:0"}
sources:
  tetragon: {type: tetragon, address: "unix://${socket}"${transport === undefined ? '' : `, transport: ${transport}`}}
sinks:
  soc: {type: webhook, url: "http://127.0.0.1:9/"}
`,
);
const empty = join(folder, 'empty.mjs');
writeFileSync(empty, 'setInterval(() => {}, 1e6);\n');

/** CPU of all threads of a process so far, in ms. */
function cpuOf(pid) {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).reduce(
    (sum, task) => sum + Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
    0,
  );
}

/** RSS and its anonymous part, in MB. */
function rssOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1]) / 1024;
  return { rss: mb('VmRSS'), anon: mb('RssAnon') };
}

let subscribed = () => {};
let begun = () => {};
const agent = createServer();
agent.on('session', (session) => session.on('error', () => {}));
agent.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.resume();
  if (headers[':path'].endsWith('/GetEvents')) return void stream.once('data', () => subscribed());
  // GetVersion: v1.7.0; GetHealth: nothing to say.
  const version = headers[':path'].endsWith('/GetVersion');
  stream.end(Buffer.from(version ? '00000000080a0676312e372e30' : '0000000000', 'hex'));
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function once(args, isLanner) {
  const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const began = performance.now();
  let cpu;
  let wall;
  if (isLanner)
    await Promise.race([
      new Promise((resolve) => {
        subscribed = () => {
          cpu = cpuOf(child.pid);
          wall = performance.now() - began;
          resolve();
          begun();
        };
      }),
      ended.then((code) => Promise.reject(new Error(`lanner ended with ${code}: ${said}`))),
    ]);
  await pause(settleMs);
  cpu ??= cpuOf(child.pid);
  const memory = rssOf(child.pid);
  child.kill('SIGTERM');
  await ended;
  return { cpu, wall, ...memory };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const samples = { empty: [], lanner: [] };
try {
  await new Promise((resolve) => agent.listen(socket, resolve));
  // The first start makes the store's file and, where it may, the code cache.
  await once([main, 'run', '--config', config], true);
  for (let start = 0; start < starts; start += 1) {
    // Its CPU is taken before the other begins; then both rest together.
    const subscription = new Promise((resolve) => {
      begun = resolve;
    });
    const lanner = once([main, 'run', '--config', config], true);
    await Promise.race([subscription, lanner]);
    const nothing = once([empty], false);
    samples.lanner.push(await lanner);
    samples.empty.push(await nothing);
  }
} finally {
  agent.close();
  rmSync(folder, { recursive: true, force: true });
}
const of = (kind, key) => {
  const values = samples[kind].map((one) => one[key]);
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
};
const result = {
  node: execFileSync(node, ['--version']).toString().trim(),
  cpu: cpus()[0]?.model,
  starts,
  empty: { cpu_ms: of('empty', 'cpu'), rss_mb: of('empty', 'rss'), anon_mb: of('empty', 'anon') },
  lanner: {
    cpu_ms: of('lanner', 'cpu'),
    wall_ms: of('lanner', 'wall'),
    rss_mb: of('lanner', 'rss'),
    anon_mb: of('lanner', 'anon'),
  },
};
result.above = {
  cpu_ms: result.lanner.cpu_ms.median - result.empty.cpu_ms.median,
  rss_mb: result.lanner.rss_mb.median - result.empty.rss_mb.median,
};
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
else {
  const show = ({ median: middle, min, max }) => `${middle.toFixed(1)} [${min.toFixed(1)}-${max.toFixed(1)}]`;
  process.stdout.write(`Node ${result.node}, ${result.cpu ?? '?'}, median [min-max] of ${starts} interleaved starts

| process | CPU ms to the subscribed stream | RSS idle, MB | of it anonymous |
|---|---|---|---|
| empty Node | ${show(result.empty.cpu_ms)} | ${show(result.empty.rss_mb)} | ${show(result.empty.anon_mb)} |
| lanner run | ${show(result.lanner.cpu_ms)} | ${show(result.lanner.rss_mb)} | ${show(result.lanner.anon_mb)} |
| above empty | ${result.above.cpu_ms.toFixed(1)} | ${result.above.rss_mb.toFixed(1)} | |
`);
}
