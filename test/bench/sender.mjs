// A Tetragon agent in a process of its own: node sender.mjs '{"socket","stream","share","ancestors"}'.
// One DATA frame a message, as grpc-go writes them, by our own hand on the socket behind node:http2, so that
// sending costs a fraction of reading. Flow control is obeyed. With a rate there is a queue of 10,000 events as
// the real agent has for each listener; what does not fit is dropped and counted.
import { createServer } from 'node:http2';
import { createServer as listen } from 'node:net';
import { Duplex } from 'node:stream';
import { openCycle } from './lib/stream.mjs';

const options = JSON.parse(process.argv[2]);
const QUEUE = 10_000;
const CHUNK = 128 * 1024;
const now = () => performance.timeOrigin + performance.now();
const unary = { '/tetragon.FineGuidanceSensors/GetVersion': '0a0676312e372e30' };
const cycle = openCycle(options);
/** The subscription that is served: the last one. */
let hot;
let round = 0;
let frame = 0;
let sequence = 0;
let sending = false;

/** What is lost to a reader that left is not measured. */
function giveUp(why) {
  process.stderr.write(`sender: ${why} while events were being sent\n`);
  process.exit(1);
}

/** Stands between socket and session: takes out the window updates, which are ours to obey. */
class Tap extends Duplex {
  constructor(socket) {
    super();
    this.socket = socket;
    this.rest = Buffer.alloc(0);
    this.preface = 24;
    this.windows = new Map();
    this.connection = 65_535;
    this.initial = 65_535;
    socket.on('data', (bytes) => this.take(bytes));
    socket.on('close', () => {
      if (sending && hot?.tap === this) giveUp('the reader went away');
      this.destroy();
    });
    socket.on('error', () => this.destroy());
  }
  take(bytes) {
    let buffer = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    if (this.preface > 0) {
      if (buffer.length < this.preface) return void (this.rest = buffer);
      this.push(buffer.subarray(0, this.preface));
      buffer = buffer.subarray(this.preface);
      this.preface = 0;
    }
    while (buffer.length >= 9) {
      const end = 9 + buffer.readUIntBE(0, 3);
      if (buffer.length < end) break;
      this.one(buffer.subarray(0, end));
      buffer = buffer.subarray(end);
    }
    this.rest = buffer;
    if (hot?.tap === this) hot.wake?.();
  }
  one(whole) {
    const type = whole[3];
    if (type === 8) {
      const id = whole.readUInt32BE(5);
      const more = whole.readUInt32BE(9);
      if (id === 0) this.connection += more;
      else this.windows.set(id, (this.windows.get(id) ?? 0) + more);
      return;
    }
    if (type === 4 && (whole[4] & 1) === 0)
      for (let at = 9; at < whole.length; at += 6) if (whole.readUInt16BE(at) === 4) this.initial = whole.readUInt32BE(at + 2);
    this.push(whole);
  }
  _read() {}
  _write(chunk, _encoding, done) {
    this.socket.write(chunk);
    done();
  }
  _final(done) {
    this.socket.end(done);
  }
  _destroy(error, done) {
    this.socket.destroy();
    done(error);
  }
}

const server = createServer();
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  stream.on('error', (error) => process.stderr.write(`sender: ${error.message}\n`));
  stream.on('close', () => {
    if (sending && hot?.stream === stream) giveUp(`the subscription ended (reset code ${stream.rstCode}, session destroyed: ${stream.session?.destroyed}, socket: ${tap.socket.destroyed})`);
  });
  const reply = unary[headers[':path']];
  stream.resume();
  if (!headers[':path'].endsWith('/GetEvents')) {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const body = Buffer.from(reply ?? '', 'hex');
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    return void stream.end(Buffer.concat([head, body]));
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
  if (sending) giveUp('the reader subscribed anew');
  const { tap } = stream.session;
  hot = { tap, stream, id: stream.id, sent: 0 };
  process.send({ subscribed: true });
  cycle.address(stream.id);
  round += 1;
  frame = 0;
  // Our frames pass node:http2 by: its answer's headers must be out before them.
  setTimeout(() => process.send({ ready: true }), 20);
});
listen({ noDelay: true }, (socket) => {
  const tap = new Tap(socket);
  server.once('session', (session) => {
    session.tap = tap;
  });
  server.emit('connection', tap);
}).listen(options.socket, () => process.send({ listening: true }));

/** Writes at most `most` frames that flow control and the socket take now; how many those were. */
function write(most, stamps) {
  const { tap, id } = hot;
  const room = Math.min(tap.connection, tap.initial + (tap.windows.get(id) ?? 0) - hot.sent, CHUNK);
  if (tap.socket.writableLength > CHUNK) return 0;
  const start = frame === 0 ? 0 : cycle.ends[frame - 1];
  let end = start;
  let count = 0;
  let used = 0;
  while (count < most && frame < cycle.ends.length) {
    const size = cycle.ends[frame] - end - 9;
    if (used + size > room) break;
    if (cycle.isFinding(frame)) stamps.push(now());
    cycle.stamp(frame, round, cycle.isFinding(frame) ? sequence++ : 0);
    used += size;
    end = cycle.ends[frame];
    frame += 1;
    count += 1;
  }
  if (count === 0) return 0;
  tap.connection -= used;
  hot.sent += used;
  tap.socket.write(cycle.bytes.subarray(start, end));
  if (frame === cycle.ends.length) {
    frame = 0;
    round += 1;
  }
  return count;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const napping = new Int32Array(new SharedArrayBuffer(4));

/** As fast as the reader lets us. */
async function flood(count, stamps) {
  for (let sent = 0; sent < count; ) {
    const more = write(count - sent, stamps);
    sent += more;
    if (more === 0)
      await new Promise((resolve) => {
        const wake = () => {
          hot.wake = undefined;
          hot.tap.socket.off('drain', wake);
          resolve();
        };
        hot.wake = wake;
        if (hot.tap.socket.writableLength > CHUNK) hot.tap.socket.once('drain', wake);
      });
  }
  return 0;
}

/** At a rate: looks every 0.1 ms or so what is due. */
async function paced(count, rate, stamps) {
  const began = now();
  let dropped = 0;
  for (let taken = 0; taken < count; ) {
    const due = Math.min(count, Math.floor(((now() - began) * rate) / 1000));
    for (let more = 1; more > 0 && taken < due; taken += more) more = write(due - taken, stamps);
    if (due - taken > QUEUE) {
      dropped += due - taken - QUEUE;
      taken = due - QUEUE;
    }
    Atomics.wait(napping, 0, 0, 0.1);
    await turn();
  }
  return dropped;
}

process.on('message', async ({ count, rate }) => {
  const stamps = [];
  const first = sequence;
  const began = now();
  sending = true;
  const dropped = rate > 0 ? await paced(count, rate, stamps) : await flood(count, stamps);
  sending = false;
  process.send({ done: { dropped, took_ms: now() - began, first, stamps } });
});
process.on('disconnect', () => process.exit(0));
