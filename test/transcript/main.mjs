// A fresh host, from the package to the first finding: `npm run transcript`. Prints every command with what it says.
// The host is a folder with Tetragon's settings; behind its socket an agent plays the demo's recording, and reports the
// canaries that lanner really runs: told by eyes.cjs, where a sensor has the kernel. `--installed` takes dist/ instead of
// packing and installing.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import { playingAgent, recordedMessages } from '../../dist/commands/demo/agent.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(join(tmpdir(), 'lanner-fresh-'));
const host = join(folder, 'host');
const socket = join(folder, 'tetragon.sock');
const say = (text) => process.stdout.write(`${text.replaceAll(folder, '~')}\n`);
const proto = loadSync('sensors.proto', { includeDirs: [join(root, 'proto/tetragon')], keepCase: true });

/** Plays the recording, and reports what `look` sees. */
const streams = new Set();
const agent = await playingAgent(
  `unix://${socket}`,
  await recordedMessages(join(root, 'src/commands/demo/recording.bin.gz')),
  0,
  (stream) => streams.add(stream),
);
const eyes = join(folder, 'eyes');
writeFileSync(eyes, '');
const environment = {
  ...process.env,
  LANNER_EYES: eyes,
  NODE_OPTIONS: `--require=${fileURLToPath(new URL('./eyes.cjs', import.meta.url))}`,
};
let reported = 0;
const watching = setInterval(() => {
  const lines = readFileSync(eyes, 'utf8').split('\n').slice(0, -1);
  for (const line of lines.slice(reported)) report(JSON.parse(line));
  reported = lines.length;
}, 5);

function report({ pid, binary, args }) {
  const now = Date.now();
  const time = { seconds: Math.floor(now / 1000), nanos: (now % 1000) * 1e6 };
  const started = { exec_id: `fresh:${pid}`, pid: { value: pid }, binary, arguments: args.join(' '), flags: 'execve clone', start_time: time };
  const bytes = proto['tetragon.FineGuidanceSensors'].GetEvents.responseSerialize({ process_exec: { process: started }, time });
  for (const stream of streams) if (!stream.cancelled) stream.write(bytes);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Runs a command line of words and shows it; gives its code and what it printed. */
function command(line, onStart = () => {}) {
  say(`$ ${line}`);
  const [name, ...args] = line.replaceAll('~', folder).split(' ');
  const run = name === 'lanner' ? lanner : [name];
  return new Promise((resolve) => {
    const child = spawn(run[0], [...run.slice(1), ...args], { cwd: folder, env: environment });
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      out += text;
    });
    child.on('close', (code) => resolve({ code, out }));
    onStart(child, () => out);
  });
}

async function shown(line) {
  const { code, out } = await command(line);
  say(out.trimEnd());
  return code;
}

const until = async (isTrue, what) => {
  const end = Date.now() + 30_000;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const get = (url) =>
  new Promise((resolve) => {
    const sent = request(url, (answer) => {
      let body = '';
      answer.on('data', (text) => {
        body += text;
      });
      answer.on('end', () => resolve(body));
    });
    sent.on('error', () => resolve(''));
    sent.end();
  });

function install() {
  if (process.argv.includes('--installed')) return [process.execPath, join(root, 'dist/main.js')];
  say('$ npm pack && npm install --global --prefix ~/usr lanner-*.tgz');
  const npm = (...args) => {
    const { status, stdout, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`npm ${args[0]}: ${stderr}`);
    return stdout;
  };
  const tarball = join(folder, npm('pack', '--silent', '--pack-destination', folder).trim().split('\n').at(-1));
  npm('install', '--global', '--prefix', join(folder, 'usr'), '--no-audit', '--no-fund', '--prefer-offline', tarball);
  return [join(folder, 'usr/bin/lanner')];
}

let lanner;
let failure;
try {
  lanner = install();
  // What the host's files say: Tetragon, told to listen at a socket, and the socket.
  mkdirSync(join(host, 'etc/tetragon/tetragon.conf.d'), { recursive: true });
  writeFileSync(join(host, 'etc/tetragon/tetragon.conf.d/server-address'), `unix://${socket}\n`);
  mkdirSync(join(host, folder), { recursive: true });
  symlinkSync(socket, join(host, socket));
  await shown('lanner init --root ~/host');
  const port = await freePort();
  appendFileSync(join(folder, 'lanner.yaml'), `state_dir: ${folder}/state\nhttp: {listen: "127.0.0.1:${port}"}\n`);
  say('$ cat >> lanner.yaml    # a place of its own, so that this transcript disturbs nobody');
  say(`state_dir: ~/state\nhttp: {listen: "127.0.0.1:${port}"}`);
  const checked = await shown('lanner doctor --root ~/host -c lanner.yaml');
  const running = await command('lanner run -c lanner.yaml', async (child, out) => {
    try {
      await until(() => out().split('\n').filter((line) => line.startsWith('{"schema"')).length > 3, 'findings');
      await until(async () => (await get(`http://127.0.0.1:${port}/healthz`)).includes('"state": "seen"'), 'the canary');
      const [finding] = out().split('\n').filter((line) => line.startsWith('{"schema"')).map((line) => JSON.parse(line));
      say(`${finding.severity.toUpperCase()} ${finding.title}\n  what   ${finding.exec.process.argv.join(' ')}\n  why    ${finding.why.slice(1).join('\n         ')}\n…`);
      await shown('lanner health -c lanner.yaml');
      const { canary } = JSON.parse(await get(`http://127.0.0.1:${port}/healthz`));
      say(`the sensor reported a program start of this host after ${canary[0].delay_ms} ms`);
    } catch (error) {
      failure = error;
      say(out());
    }
    say('^C');
    child.kill('SIGINT');
  });
  say(`lanner init, doctor, run: ended with ${checked} and ${running.code}`);
  if (checked !== 0 || running.code !== 0) failure ??= new Error('a command failed');
} finally {
  clearInterval(watching);
  agent.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (failure !== undefined) throw failure;
