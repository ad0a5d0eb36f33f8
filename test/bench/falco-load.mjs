// Posts recorded alerts of Falco in turn, over eight connections, in a process of its own. One in a hundred is about
// what becomes a finding; asked by message {port, ms}, it tells how many were answered.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';

const lines = gunzipSync(readFileSync(new URL('../fixtures/recordings/falco/scenario.http.jsonl.gz', import.meta.url))).toString().trim().split('\n');
const tool = /"proc\.(?:name|pname)":"(?:nc|ncat|curl|wget|dig|host|nslookup|telnet|timeout|chroot|env|find|bash|x|updater|helper|busybox)"|\bnc\b|\bcurl\b|\bwget\b|\/tmp\/(?!runc)/;
const requests = (all) => all.map((line) => Buffer.from(`POST / HTTP/1.1\r\nHost: falco\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(line)}\r\n\r\n${line}`));
const plain = requests(lines.filter((line) => !tool.test(line)));
const telling = requests(lines.filter((line) => /"proc\.cmdline":"[^"]*nc -w 1 s1/.test(line)));
if (plain.length < 10 || telling.length === 0) throw new Error(`the recording has ${plain.length} plain alerts and ${telling.length} telling ones`);

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
            answered += 1;
            if (bytes.latin1Slice(9, 10) !== '2') bad += 1;
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
