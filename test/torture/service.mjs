// npm run torture:service [-- KILLS]: as torture.mjs, but what is killed is `lanner run` itself, reading a growing
// export file of Tetragon. What it accepted is read off the spool each death left behind (from a copy: reading
// must not mend what the next start has to mend). Ends with 1 if a delivery that was ever on disk did not arrive
// under its webhook-id, if none ever was, or if a finding came to one receiver under two webhook-ids.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';

const kills = Number(process.argv[2] ?? 20);
if (!Number.isInteger(kills) || kills < 1) {
  console.error('usage: service.mjs [KILLS], a number from 1');
  process.exit(2);
}
const from = (path) => fileURLToPath(new URL(path, import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'lanner-torture-run-'));
const state = join(directory, 'state');
const log = join(directory, 'tetragon.log');
writeFileSync(log, '');
const template = readFileSync(from('../corpus/dev.tetragon.jsonl'), 'utf8')
  .split('\n')
  .find((line) => line.includes('/tmp/nc -e /bin/sh'));
const container = JSON.parse(template).process_exec.process.pod.container.id.replace('containerd://', '');
const exec = JSON.parse(template).process_exec.process.exec_id;
const parent = JSON.parse(template).process_exec.process.parent_exec_id;

const arrived = new Map();
/** `receiver finding` -> the webhook-ids it came under. */
const names = new Map();
const receivers = { steady: 0, moody: 0.15 };
const servers = [];
let config = `version: 1
state_dir: ${state}
http: {listen: "127.0.0.1:0"}
enrich: {enabled: false}
sources:
  tetragon: {type: tetragon_file, path: ${log}}
sinks:
`;
for (const [name, failing] of Object.entries(receivers)) {
  const seen = new Map();
  arrived.set(name, seen);
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (Math.random() < failing) return Math.random() < 0.5 ? request.socket.resetAndDestroy() : response.writeHead(503).end();
      const id = request.headers['webhook-id'];
      seen.set(id, (seen.get(id) ?? 0) + 1);
      const key = `${name} ${JSON.parse(Buffer.concat(chunks).toString()).id}`;
      names.set(key, (names.get(key) ?? new Set()).add(id));
      setTimeout(() => response.writeHead(204).end(), Math.random() * 30);
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  servers.push(server);
  config += `  ${name}: {type: webhook, url: "http://127.0.0.1:${server.address().port}/", retry_initial_secs: 0.05}\n`;
}
writeFileSync(join(directory, 'lanner.yaml'), `${config}route: {sinks: [steady, moody]}\n`);

let written = 0;
/** Each exec in a container of its own, so that none is folded into another. */
function write(count) {
  let text = '';
  for (let i = 0; i < count; i++, written++) {
    const hex = createHash('sha256').update(String(written)).digest('hex');
    const id = (word) => Buffer.from(`torture:${word}${written}:${written}`).toString('base64');
    text += `${template
      .replaceAll(container, hex)
      .replaceAll(container.slice(0, 31), hex.slice(0, 31))
      .replaceAll(exec, id('p'))
      .replaceAll(parent, id('q'))}\n`;
  }
  appendFileSync(log, text);
}

function start() {
  const child = spawn(process.execPath, [from('../../dist/main.js'), 'run', '--config', join(directory, 'lanner.yaml')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  return { child, said: () => said, ended: new Promise((resolve) => child.on('close', resolve)) };
}

/** webhook-id -> sink of what waits on disk. */
function onDisk() {
  const file = existsSync(state) && readdirSync(state).find((name) => name.endsWith('.db'));
  if (!file) return [];
  const copy = join(directory, 'copy');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  for (const name of readdirSync(state)) if (name.startsWith(file)) copyFileSync(join(state, name), join(copy, name));
  const database = new Database(join(copy, file));
  try {
    return database.prepare('SELECT id, sink FROM deliveries').all();
  } catch (error) {
    if (/no such table/.test(String(error))) return [];
    throw error;
  } finally {
    database.close();
  }
}

const accepted = new Map();
const settle = (limit, done) =>
  (async () => {
    for (const until = Date.now() + limit; Date.now() < until && !done(); ) await sleep(50);
    return done();
  })();
const count = () => [...arrived.values()].reduce((sum, seen) => sum + seen.size, 0);
const began = Date.now();
let died = 0;
for (let kill = 0; kill < kills; kill++) {
  const before = count();
  const running = start();
  const feed = setInterval(() => write(5), 10);
  // It is up and delivering before its time is cut, else nothing of the load is tested.
  if (!(await settle(20_000, () => count() > before + 10 || running.child.exitCode !== null))) console.log(`run ${kill}: it delivers nothing\n${running.said()}`);
  await sleep(Math.random() * 400);
  running.child.kill('SIGKILL');
  await running.ended;
  clearInterval(feed);
  if (running.child.signalCode === 'SIGKILL') died += 1;
  else console.log(`run ${kill}: ended by itself\n${running.said()}`);
  for (const { id, sink } of onDisk()) accepted.set(`${sink} ${id}`, kill);
}
const last = start();
const missing = () => [...accepted.keys()].filter((key) => !arrived.get(key.split(' ')[0]).has(key.slice(key.indexOf(' ') + 1)));
await settle(60_000, () => missing().length === 0 && last.said().includes('lanner runs'));
last.child.kill('SIGTERM');
const code = await last.ended;

const rows = [...arrived].map(([receiver, seen]) => ({
  receiver,
  'on disk at a death': [...accepted.keys()].filter((key) => key.startsWith(`${receiver} `)).length,
  arrived: seen.size,
  lost: missing().filter((key) => key.startsWith(`${receiver} `)).length,
  repeated: [...seen.values()].filter((times) => times > 1).length,
  'repeated under another id': [...names].filter(([key, ids]) => key.startsWith(`${receiver} `) && ids.size > 1).length,
}));
console.table(rows);
console.log(`kills ${died} of ${kills}, ${written} execs written, ${((Date.now() - began) / 1000).toFixed(1)} s, last run ended with ${code}`);
for (const server of servers) server.close();
const bad = died !== kills || code !== 0 || rows.some((row) => row.lost > 0 || row['on disk at a death'] === 0 || row['repeated under another id'] > 0);
if (!bad) rmSync(directory, { recursive: true });
else console.log(`kept: ${directory}\n${last.said().slice(-2000)}`);
console.log(bad ? 'FAILED' : 'ok: nothing lost');
process.exitCode = bad ? 1 : 0;
