// Has V8's compiled code kept beside the bundle in FOLDER (an /app), by the NODE that will run it there:
//   node deploy/image/code-cache.mjs NODE FOLDER
// It starts `lanner run` and the commands that probes use, so that the functions of a start are in it.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export async function writeCodeCache(node, app) {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-cache-'));
  const main = join(app, 'dist/bundle/main.cjs');
  const config = join(folder, 'lanner.yaml');
  writeFileSync(
    config,
    `version: 1
state_dir: ${folder}/state
http: {listen: "127.0.0.1:0"}
enrich: {enabled: false}
sources: {t: {type: tetragon, address: "unix://${folder}/none.sock"}}
sinks: {w: {type: webhook, url: "http://127.0.0.1:9/"}}
`,
  );
  try {
    const run = spawn(node, [main, 'run', '--config', config], { stdio: 'ignore' });
    const ended = new Promise((resolve) => run.on('exit', resolve));
    await sleep(1000);
    // The store's thread starts when it is asked something.
    execFileSync(node, [main, 'history', 'query', '--config', config], { stdio: 'ignore' });
    await sleep(3500);
    run.kill('SIGTERM');
    const code = await ended;
    if (code !== 0) throw new Error(`lanner run ended with ${code}`);
    // The demo delivers: it loads what the run above did not.
    for (const args of [['demo', '--speed', '0'], ['check', config]])
      execFileSync(node, [main, ...args], { stdio: 'ignore' });
    try {
      execFileSync(node, [main, 'health', '--url', 'http://127.0.0.1:9', '--timeout', '1'], { stdio: 'ignore' });
    } catch {
      // Nobody answers there, and it says so with its exit code.
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (!readdirSync(join(app, 'dist/bundle')).some((name) => name.startsWith('cache-')))
    throw new Error(`${app} has no compiled code: is its folder another user's?`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeCodeCache(process.argv[2], process.argv[3]);
