// node pass-http2.mjs SOCKET: node:http2 without any gRPC client; takes the stream apart into messages, no more.
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { count, getEvents, window } from '../lib/client.mjs';

const session = connectHttp2('http://localhost', { createConnection: () => connect(process.argv[2]), settings: { initialWindowSize: window } });
session.on('connect', () => session.setLocalWindowSize(window));
const call = getEvents();
const stream = session.request({ ':method': 'POST', ':path': call.path, 'content-type': 'application/grpc', te: 'trailers' });
const request = call.requestSerialize({});
const head = Buffer.alloc(5);
head.writeUInt32BE(request.length, 1);
stream.end(Buffer.concat([head, request]));

let rest = Buffer.alloc(0);
stream.on('data', (chunk) => {
  let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  while (buffer.length >= 5) {
    const end = 5 + buffer.readUInt32BE(1);
    if (buffer.length < end) break;
    count();
    buffer = buffer.subarray(end);
  }
  rest = buffer;
});
