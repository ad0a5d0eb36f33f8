// `npm run story`: a noisy week, tuned. Every line it prints comes from a command that ran, on files in a
// directory of its own that is gone afterwards. Ends with 1 if the noise stayed or the attack went with it.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { agent, recorded } from './agent.mjs';
import { week } from './week.mjs';

const lannerFile = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const { events, planted } = week();
const folder = mkdtempSync(join(tmpdir(), 'lanner-story-'));
const port = await freePort();
const say = (text) => process.stdout.write(`${text}\n`);

/** Runs a command as an operator types it, in the folder; shows it, and what it printed, cut by `show`. */
async function type(line, show = (text) => text) {
  say(`\n$ ${line}`);
  const args = line.split(' ').slice(1);
  const { out, code } = await new Promise((resolve) => {
    execFile(
      process.execPath,
      [lannerFile, ...args],
      { cwd: folder, maxBuffer: 2 ** 28 },
      (error, out, err) => resolve({ out: out + err, code: error?.code ?? 0 }),
    );
  });
  say(show(out).trimEnd());
  return { out, code };
}

/** The service reads the whole week from an agent; answers the findings that reached the webhook. */
async function runWeek(config) {
  const received = [];
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const told = JSON.parse(body);
      if (told.schema === 'lanner.finding/v1') received.push(told);
      response.end();
    });
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const sensor = await agent(`unix://${folder}/tetragon.sock`, events);
  say(`\n$ lanner run --config ${config}`);
  const service = spawn(process.execPath, [lannerFile, 'run', '--config', config], {
    cwd: folder,
    env: { ...process.env, WEBHOOK: `http://127.0.0.1:${receiver.address().port}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until(async () => (await messagesRead()) >= events.length);
  // What has arrived is judged and delivered before it ends.
  service.kill('SIGTERM');
  setTimeout(() => service.kill('SIGKILL'), 30_000).unref();
  await new Promise((resolve) => service.once('exit', resolve));
  sensor.stop();
  receiver.close();
  say(`the webhook received ${counted(received)}`);
  return received;
}

async function messagesRead() {
  const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
    (answer) => answer.text(),
    () => '',
  );
  return Number(/^lanner_source_messages_total\{.*\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

async function until(condition) {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the week was not read within a minute');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A port nobody listens at. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function counted(findings) {
  const by = {};
  for (const { severity } of findings) by[severity] = (by[severity] ?? 0) + 1;
  return `${findings.length} findings: ${['critical', 'high', 'medium', 'low', 'info']
    .filter((one) => by[one])
    .map((one) => `${by[one]} ${one}`)
    .join(', ')}`;
}

/** The first lines of a long output, and how many more there are. */
function first(count) {
  return (text) => {
    const lines = text.trimEnd().split('\n');
    return lines.length <= count
      ? text
      : [...lines.slice(0, count), `… ${lines.length - count} more lines`].join('\n');
  };
}

const settings = `version: 1
state_dir: ${folder}/state
sources: {tetragon: {type: tetragon, address: "unix://${folder}/tetragon.sock"}}
sinks: {ops: {type: webhook, url: "\${WEBHOOK}"}}
http: {listen: "127.0.0.1:${port}"}
enrich: {enabled: false}
`;

try {
  writeFileSync(join(folder, 'old.yaml'), settings);
  writeFileSync(join(folder, 'new.yaml'), `${settings}exceptions_file: expected.yaml\n`);
  writeFileSync(join(folder, 'week.bin.gz'), gzipSync(Buffer.concat(events.map(recorded))));
  process.env.WEBHOOK = 'http://127.0.0.1:1';

  say(
    `A week of a small cluster: ${events.length} program starts, ${events.length - planted} of four jobs that use network utilities`,
  );
  say(
    `every hour for good reasons, and ${planted} of someone who broke in, with the same tools in the same images.`,
  );
  const before = await runWeek('old.yaml');
  say('\nWhat is noisy, and which exceptions would help?');
  await type('lanner tune --config old.yaml --owner platform', first(13));
  await type('lanner tune --config old.yaml --owner platform --apply expected.yaml', (text) =>
    text.split('\n').slice(-4).join('\n'),
  );
  await type('lanner check new.yaml');
  say('\nWhat would they change? The recorded week by both configurations:');
  const { code } = await type('lanner replay week.bin.gz --config new.yaml --against old.yaml --examples 1');
  say(`(exit code ${code}: there are differences)`);
  say('\nThe same week again, with them:');
  const after = await runWeek('new.yaml');
  for (const { severity, exec } of after) say(`  ${severity}  ${exec.process.argv.join(' ')}`);
  await type('lanner history query --config new.yaml --hidden --limit 2');
  const kept = after.every(({ severity }) => severity === 'high' || severity === 'critical');
  const good = before.length === events.length - 168 && after.length === planted && kept;
  say(good ? '\nThe noise is gone, the attack is not.' : '\nNot as it should be.');
  process.exitCode = good ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
