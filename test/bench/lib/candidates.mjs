// The processes that are measured: Lanner itself (dist/main.js run), the bare clients, the Go client.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sleep } from './measure.mjs';

const from = (path) => fileURLToPath(new URL(path, import.meta.url));
export const main = from('../../../dist/main.js');

function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe', ...(options.ipc ? ['ipc'] : [])], env: { ...process.env, ...options.env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said = (said + bytes).slice(-20_000)));
  const ended = new Promise((resolve) => child.on('exit', resolve));
  /** Rejects when it ends before it is stopped. */
  const failed = ended.then((code) => {
    throw new Error(`${command} ${args.join(' ')} ended with ${code}\n${said}`);
  });
  failed.catch(() => {});
  return {
    child,
    pid: child.pid,
    said: () => said,
    failed,
    async stop(signal = 'SIGTERM') {
      // Ours end by themselves then, and write their profile; whoever hangs does not.
      if (child.connected) child.disconnect();
      else child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** Where `--cpu-prof` writes, by candidate; absent: no profile. */
function profiling(profile, name) {
  return profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', join(profile, name)];
}

/** One of clients/*.mjs, which speaks by messages. */
export function bareServer(name, args, { profile, env } = {}) {
  return start(process.execPath, [...profiling(profile, name), from(`../clients/${name}.mjs`), ...args], { ipc: true, env });
}

/** One of clients/*.mjs that reads the stream. `events()` asks how many messages it has taken. */
export function bareClient(name, args, options) {
  const one = bareServer(name, args, options);
  return {
    ...one,
    async events() {
      one.child.send('events');
      return new Promise((resolve) => one.child.once('message', ({ events }) => resolve(events)));
    },
  };
}

/** The Go client; answers each line on its standard input with its count. */
export function goDecoder(binary, socket) {
  const one = start(binary, [socket], { stdin: 'pipe' });
  return {
    ...one,
    async events() {
      const before = one.said().length;
      one.child.stdin.write('?\n');
      while (!one.said().endsWith('\n') || one.said().length === before) await sleep(5);
      return Number(one.said().trim().split('\n').at(-1));
    },
  };
}

/** `text`: YAML beyond version, state_dir, log and http. */
export function lanner(folder, text, { name = 'lanner', profile } = {}) {
  const own = mkdtempSync(join(folder, 'lanner-'));
  const state = join(own, 'state');
  mkdirSync(state);
  const file = join(own, 'lanner.yaml');
  writeFileSync(file, `version: 1\nstate_dir: ${state}\nhttp: {listen: "127.0.0.1:0"}\nlog: {level: info, format: json}\n${text}`);
  const one = start(process.execPath, [...profiling(profile, name), main, 'run', '--config', file]);
  /** Sum of a counter over its labels. */
  async function metric(wanted, label = '') {
    const [, url] = /"http":"([^"]+)"/.exec(one.said()) ?? [];
    const text = await (await fetch(new URL('/metrics', url))).text();
    const lines = text.split('\n').filter((line) => line.startsWith(wanted) && /[ {]/.test(line[wanted.length]) && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }
  return {
    ...one,
    file,
    metric,
    events: () => metric('lanner_source_messages_total'),
    dropped: () => metric('lanner_source_dropped_total'),
    async stop() {
      await one.stop();
      rmSync(own, { recursive: true, force: true });
    },
  };
}

/** The source and sink the benchmarks use; `more` is YAML appended. */
export const tetragonConfig = ({ socket, transport = 'http2', url, batch = false, durable = true, more = '' }) =>
  `durable: ${durable}\nsources: {agent: {type: tetragon, address: "unix://${socket}", transport: ${transport}}}\n${
    url === undefined ? '' : `sinks: {ops: {type: webhook, url: "${url}"${batch ? ', batch: {max_count: 100, max_wait_secs: 0.05}' : ''}}}\nroute: {sinks: [ops]}\n`
  }${more}`;
