// An HTTP/2 server that speaks Tetragon's GetEvents with recorded messages, in a process of its own:
//   node sender.mjs SOCKET RECORDING COUNT
// It answers GetVersion and GetHealth too, sends COUNT messages to each subscriber as fast as it reads them,
// one DATA frame a message as the real agent does, then ends the stream with OK.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { gunzipSync } from 'node:zlib';

const [socket, recording, countText] = process.argv.slice(2);
const count = Number(countText);
const bytes = gunzipSync(readFileSync(recording));
const framed = [];
for (let at = 0; at < bytes.length; ) {
  const length = bytes.readUInt32BE(at);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  framed.push(Buffer.concat([head, bytes.subarray(at + 4, at + 4 + length)]));
  at += 4 + length;
}
const unary = { '/tetragon.FineGuidanceSensors/GetVersion': '0a0676312e372e30' };
const server = createServer({ settings: { initialWindowSize: 16 * 1024 * 1024 } });
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  const reply = unary[headers[':path']];
  if (reply !== undefined) {
    const body = Buffer.from(reply, 'hex');
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    stream.end(Buffer.concat([head, body]));
    return;
  }
  if (!headers[':path'].endsWith('/GetEvents')) return void stream.end(Buffer.alloc(5));
  let sent = 0;
  const send = () => {
    while (sent < count) {
      sent += 1;
      if (!stream.write(framed[sent % framed.length])) return void stream.once('drain', send);
    }
    stream.end();
  };
  stream.once('data', send);
  stream.resume();
});
server.listen(socket, () => process.send?.('ready'));
