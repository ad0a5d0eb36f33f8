// The webhook's other end, in a process of its own: answers 204, and notes when each finding came. A finding is
// told by the first twelve digits of its container's id. Asked by message, it tells [sequence, time] of all.
import { createServer } from 'node:http';

const now = () => performance.timeOrigin + performance.now();
const seen = new Map();
let requests = 0;
const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const at = now();
    requests += 1;
    for (const [, digits] of Buffer.concat(chunks).latin1Slice().matchAll(/"id":"(?:containerd:\/\/)?(0000[0-9a-f]{8})[0-9a-f]{52}"/g)) {
      const sequence = Number.parseInt(digits, 16);
      if (!seen.has(sequence)) seen.set(sequence, at);
    }
    response.writeHead(204).end();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('message', (message) => {
  if (message === 'count') return void process.send({ count: seen.size, requests });
  process.send({ arrived: [...seen], requests });
  if (message === 'forget') {
    seen.clear();
    requests = 0;
  }
});
process.on('disconnect', () => process.exit(0));
