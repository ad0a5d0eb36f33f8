// npm run torture [-- KILLS]: kills the process that delivers with SIGKILL under load, many times in a row,
// on one spool, while the receivers fail now and then. Then lets it finish and settles the account: each
// accepted finding has arrived at each receiver; what arrived twice did so under the same webhook-id. Prints
// a table, and ends with 1 if anything was lost, if nothing was accepted, or if it takes too long.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kills = Number(process.argv[2] ?? 50);
if (!Number.isInteger(kills) || kills < 1) {
  console.error('usage: torture.mjs [KILLS], a number from 1');
  process.exit(2);
}
/** Some 1.5 s each on two busy cores, and the time to deliver what is left. */
const limitMs = 40_000 + kills * 5_000;
const seed = Number(process.env.TORTURE_SEED ?? Date.now() % 2 ** 31);
const random = mulberry(seed);
const directory = mkdtempSync(join(tmpdir(), 'lanner-torture-'));
const victim = fileURLToPath(new URL('./victim.mjs', import.meta.url));

/** Receivers, each with its own ill manners; finding id -> webhook ids it came under. */
const receivers = await Promise.all(['steady', 'moody', 'batched'].map(openReceiver));
const urls = JSON.stringify(
  receivers.map(({ name, port }) => [
    name,
    { url: `http://127.0.0.1:${port}/`, ...(name === 'batched' ? { batch: { max_count: 20, max_wait_secs: 0.02 } } : {}) },
  ]),
);

const accepted = new Set();
const trouble = [];
const began = Date.now();
let running;
const limit = setTimeout(() => {
  console.log(`FAILED: not done after ${limitMs / 1000} s, seed ${seed}; the spool is kept in ${directory}`);
  running?.kill('SIGKILL');
  process.exit(1);
}, limitMs);
for (let run = 0; run < kills; run++) {
  const child = start('load', run);
  await child.started;
  await new Promise((resolve) => setTimeout(resolve, 20 + random() * 400));
  child.process.kill('SIGKILL');
  await child.ended;
}
const last = start('drain', kills);
const code = await last.ended;
clearTimeout(limit);

const rows = receivers.map(({ name, arrived, requests }) => {
  const lost = [...accepted].filter((id) => !arrived.has(id));
  const repeated = [...arrived.values()].filter((under) => under.length > 1);
  const foreign = [...arrived].filter(([, under]) => !sameId(under));
  return { receiver: name, requests: requests(), accepted: accepted.size, arrived: arrived.size, lost: lost.length,
    repeated: repeated.length, 'repeated under another id': foreign.length };
});
console.table(rows);
console.log(`kills ${kills}, seed ${seed}, ${((Date.now() - began) / 1000).toFixed(1)} s, last run ended with ${code}`);
for (const line of trouble.slice(0, 20)) console.log(line);
for (const receiver of receivers) receiver.close();
const bad = code !== 0 || accepted.size === 0 || trouble.length > 0 || rows.some((row) => row.lost > 0 || row['repeated under another id'] > 0);
if (!bad) rmSync(directory, { recursive: true });
else console.log(`the spool is kept in ${directory}`);
console.log(bad ? 'FAILED' : 'ok: nothing lost');
process.exitCode = bad ? 1 : 0;

/** A repeat comes under the same webhook-id: the delivery's own, or that of the batch it is part of. */
function sameId(under) {
  return new Set(under).size === 1;
}

function start(mode, run) {
  const child = spawn(process.execPath, [victim, directory, urls, mode, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] });
  running = child;
  let began;
  const started = new Promise((resolve) => {
    began = resolve;
  });
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [word, id] = line.split(' ');
      if (word === 'accepted') accepted.add(id);
      else if (word === 'started') began();
      else if (line !== 'left 0') trouble.push(`run ${run}: ${line}`);
    }
  });
  const ended = new Promise((resolve) => child.on('close', (exitCode) => {
    began();
    resolve(exitCode);
  }));
  return { process: child, started, ended };
}

function openReceiver(name) {
  const arrived = new Map();
  let requests = 0;
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      requests += 1;
      const mood = name === 'moody' ? random() : 1;
      if (mood < 0.05) return request.socket.resetAndDestroy();
      if (mood < 0.1) return response.writeHead(500).end();
      if (mood < 0.12) return response.writeHead(429, { 'retry-after': '0.05' }).end();
      const body = JSON.parse(Buffer.concat(chunks).toString());
      for (const finding of [body].flat()) {
        const under = arrived.get(finding.id) ?? [];
        under.push(request.headers['webhook-id']);
        arrived.set(finding.id, under);
      }
      // Some are received and the answer is lost: a repeat must follow.
      if (mood < 0.15) return request.socket.resetAndDestroy();
      setTimeout(() => response.writeHead(204).end(), random() * 20);
    });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve({ name, port: server.address().port, arrived, requests: () => requests, close: () => server.close() }),
    );
  });
}

function mulberry(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
