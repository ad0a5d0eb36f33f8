// Posts recorded alerts of Falco in turn, over eight connections, in a process of its own. One in a hundred is about
// what becomes a finding; asked by message {port, ms}, it tells how many were answered.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

const recorded = (name) => gunzipSync(readFileSync(new URL(`../fixtures/recordings/falco/${name}`, import.meta.url)));

/** The recorded storm came over gRPC, where fields are text in any order: as Falco posts it, numbers are numbers and keys are sorted. */
function* storm(most) {
  const types = new protobuf.Root();
  const folder = fileURLToPath(new URL('../../proto/falco/', import.meta.url));
  types.resolvePath = (_from, file) => (file.startsWith('google/') ? null : join(folder, file));
  types.loadSync('outputs.proto', { keepCase: true });
  const type = types.lookupType('falco.outputs.response');
  const bytes = recorded('storm-lean.bin.gz');
  for (let at = 0, made = 0; at < bytes.length && made < most; made += 1) {
    const end = at + 4 + bytes.readUInt32BE(at);
    const { time, output, output_fields, ...rest } = type.toObject(type.decode(bytes.subarray(at + 4, end)), { enums: String, longs: Number });
    const fields = Object.fromEntries(Object.entries(output_fields).sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, text]) => [key, typed(text)]));
    const moment = new Date(time.seconds * 1000 + Math.floor(time.nanos / 1e6)).toISOString();
    yield JSON.stringify({ hostname: 'vm', output, message: output.slice(output.indexOf(' ') + 1), output_fields: fields, priority: 'Informational', rule: rest.rule, source: 'syscall', tags: rest.tags ?? [], time: moment });
    at = end;
  }
}
function typed(text) {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

const requestOf = (line) => Buffer.from(`POST / HTTP/1.1\r\nHost: falco\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(line)}\r\n\r\n${line}`);
const plain = [...storm(2000)].map(requestOf);
const telling = recorded('scenario.http.jsonl.gz').toString().trim().split('\n').filter((line) => /"proc\.cmdline":"[^"]*nc -w 1 s1/.test(line)).map(requestOf);
if (telling.length === 0) throw new Error('the recording has no nc');

let turn = 0;
function next() {
  turn += 1;
  return turn % 100 === 0 ? telling[(turn / 100) % telling.length] : plain[turn % plain.length];
}

/** Asks until it is up. */
async function reach(port) {
  for (let tries = 0; tries < 300; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const up = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    if (up) return socket;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens at ${port}`);
}

process.on('message', async ({ port, ms }) => {
  const sockets = [await reach(port)];
  while (sockets.length < 8) sockets.push(await reach(port));
  let answered = 0;
  let bad = 0;
  const began = performance.now();
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve) => {
          socket.setNoDelay(true);
          socket.on('error', resolve);
          socket.on('close', resolve);
          socket.on('data', (bytes) => {
            // An answer may come in pieces; only one is under way.
            const at = bytes.indexOf('HTTP/1.1 ');
            if (at < 0) return;
            answered += 1;
            if (bytes[at + 9] !== 0x32) bad += 1;
            if (performance.now() - began > ms) socket.destroy();
            else socket.write(next());
          });
          socket.write(next());
        }),
    ),
  );
  process.send({ requests: answered, ms: performance.now() - began, bad });
});
process.on('disconnect', () => process.exit(0));
