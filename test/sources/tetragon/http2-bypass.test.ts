import { connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { grpcStatus } from '../../../src/sources/grpc-status.ts';
import { deframer } from '../../../src/sources/tetragon/grpc-frames.ts';
import { Http2Bypass } from '../../../src/sources/tetragon/http2-bypass.ts';
import { FrameBounds, FrameSplitter } from '../../../src/sources/tetragon/http2-frames.ts';
import { windowBytes } from '../../../src/sources/tetragon/link.ts';
import { http2Link } from '../../../src/sources/tetragon/link-http2.ts';
import { until } from '../../support/fixtures.ts';
import {
  endHeaders,
  endStream,
  frame,
  frameType,
  grpcHeaders,
  grpcMessage,
  okTrailers,
  type PeerConnection,
  padded,
  startPeer,
} from '../../support/http2-peer.ts';

let close: (() => void)[] = [];
afterEach(() => {
  for (const one of close) one();
  close = [];
});

const { data, headers, reset, ping, goaway, window, continuation, settings } = frameType;
/** The stream of a client's first call. */
const HOT = 1;
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What one GetEvents call reads, and what the client has told its peer of errors. */
interface Reading {
  messages: string[];
  ok: boolean;
  told: string[];
}
type Reader = (
  port: number,
  onMessage: (message: string) => void,
) => {
  ended: Promise<boolean>;
  close(): void;
  giveUp?(): void;
};

const byLink: Reader = (port, onMessage) => {
  const link = http2Link({ target: `127.0.0.1:${port}`, host: '127.0.0.1', port, maxMessageBytes: 1 << 20 });
  const { ended } = link.events(Buffer.alloc(0), (bytes, start, end) =>
    onMessage(bytes.toString('hex', start, end)),
  );
  return { ended: ended.then(({ code }) => code === grpcStatus.OK), close: link.close };
};

/** node:http2 as it is: what the link is held to. */
const byNode: Reader = (port, onMessage) => {
  const session = connectHttp2(`http://127.0.0.1:${port}`, {
    settings: { initialWindowSize: windowBytes, enablePush: false },
  });
  session.on('error', () => {});
  const stream = session.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/grpc' });
  stream.end(grpcMessage(Buffer.alloc(0)));
  const take = deframer(
    1 << 20,
    (bytes, start, end) => onMessage(bytes.toString('hex', start, end)),
    () => {},
  );
  stream.on('data', (chunk: Buffer) => take(chunk, 0, chunk.length));
  const ended = new Promise<boolean>((resolve) => {
    let ok = false;
    stream.on('trailers', (trailers) => {
      ok = trailers['grpc-status'] === '0';
    });
    stream.on('error', () => {});
    stream.on('close', () => resolve(ok));
  });
  // After an error of the connection it would stay open for ever.
  return { ended, close: () => session.destroy(), giveUp: () => session.destroy() };
};

/**
 * Serves one call with these pieces, a turn of the event loop between them. With `settled` the first piece must have
 * become a message before the next goes out: from then on data passes the session by.
 */
async function serve(reader: Reader, pieces: readonly Buffer[], settled: boolean): Promise<Reading> {
  const messages: string[] = [];
  let peer: PeerConnection | undefined;
  const server = await startPeer((connection) => {
    peer = connection;
    connection.onFrame = async ({ type }) => {
      if (type !== headers) return;
      for (const [index, piece] of pieces.entries()) {
        if (connection.socket.destroyed) return;
        connection.socket.write(piece);
        if (index === 0 && settled) await until(() => messages.length > 0, 'the first message');
        await turns(2);
      }
      // What would leave the reader waiting ends with the connection.
      await turns(5);
      connection.socket.end();
      await turns(20);
      reading.giveUp?.();
    };
  });
  const reading = reader(server.port, (message) => void messages.push(message));
  close.push(reading.close, server.close);
  const ok = await reading.ended;
  await turns(1);
  const told = () =>
    (peer?.frames ?? [])
      .filter(({ type }) => type === reset || type === goaway)
      .map(({ type, payload }) => `${type}:${payload.readUInt32BE(type === goaway ? 4 : 0)}`)
      .filter((one) => one !== `${goaway}:0`);
  reading.close();
  await until(() => peer!.socket.destroyed || peer!.socket.readableEnded, 'the end of the connection');
  server.close();
  return { messages, ok, told: told() };
}

/** After an error of the connection nghttp2 is deaf at once, we when it tells us: what came with it may be read. */
function expectSame(link: Reading, node: Reading): void {
  const messages = node.told.length > 0 ? link.messages.slice(0, node.messages.length) : link.messages;
  expect({ ...link, messages }).toEqual(node);
}

const open = frame(headers, endHeaders, HOT, grpcHeaders);
const body = (size: number, fill = size) => Buffer.alloc(size, fill);
const first = Buffer.concat([open, frame(data, 0, HOT, grpcMessage(body(3, 1)))]);
const end = frame(headers, endHeaders | endStream, HOT, okTrailers);
const message = (size: number) => frame(data, 0, HOT, grpcMessage(body(size)));
const pong = frame(ping, 0, 0, Buffer.alloc(8, 7));
const bye = frame(goaway, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]));

describe('data that passes node:http2 by', () => {
  const spread = grpcMessage(body(50, 9));
  const rest = Buffer.concat([
    message(7),
    pong,
    frame(data, 0, HOT, spread.subarray(0, 3)),
    frame(data, 0, HOT),
    frame(settings, 0, 0),
    frame(data, 0, HOT, spread.subarray(3, 20)),
    frame(window, 0, 0, Buffer.from([0, 0, 0, 9])),
    frame(data, 0, HOT, Buffer.concat([spread.subarray(20), grpcMessage(body(0)), grpcMessage(body(2))])),
    end,
  ]);
  const all = [body(3, 1), body(7), body(50, 9), body(0), body(2)].map((one) => one.toString('hex'));

  it('is whole and in order wherever the bytes are cut', async () => {
    for (let at = 1; at < rest.length; at += 1) {
      const reading = await serve(byLink, [first, rest.subarray(0, at), rest.subarray(at)], true);
      expect(reading, `cut at ${at}`).toMatchObject({ messages: all, ok: true });
    }
  }, 60_000);

  it('is whole and in order when each byte comes by itself', async () => {
    const pieces = [first, ...Array.from(rest, (_, at) => rest.subarray(at, at + 1))];
    expect(await serve(byLink, pieces, true)).toMatchObject({ messages: all, ok: true });
  });

  const pad = (size: number, inner: Buffer) =>
    Buffer.concat([Buffer.from([size]), inner, Buffer.alloc(size)]);
  it.each<[string, Buffer[]]>([
    ['nothing odd', [message(5), end]],
    ['padding', [message(5), frame(data, padded, HOT, pad(4, grpcMessage(body(6)))), message(7), end]],
    [
      'more padding than there is',
      [message(5), frame(data, padded, HOT, Buffer.from([9, 1, 2])), message(7)],
    ],
    ['an unknown flag', [message(5), frame(data, 0x40, HOT, grpcMessage(body(6))), message(7), end]],
    ['an unknown type of frame', [message(5), frame(0x42, 0, HOT, body(9)), message(7), end]],
    ['the end of the stream on data', [frame(data, endStream, HOT, grpcMessage(body(6)))]],
    ['the end of the stream on an empty frame', [message(5), frame(data, endStream, HOT)]],
    ['data after the end of the stream', [message(5), end, message(6)]],
    [
      'a reset in the middle of a message',
      [
        frame(data, 0, HOT, Buffer.from([0, 0, 0, 0, 9, 1])),
        frame(reset, 0, HOT, Buffer.from([0, 0, 0, 2])),
        message(6),
      ],
    ],
    ['GOAWAY, and the stream going on', [message(5), bye, message(6), end]],
    ['GOAWAY with an error', [message(5), frame(goaway, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 11]))]],
    ['a frame above the size we allow', [message(5), frame(data, 0, HOT, grpcMessage(body(20_000)))]],
    ['data on a stream that is none', [message(5), frame(data, 0, 3, grpcMessage(body(6))), message(7)]],
    ['data on the connection itself', [message(5), frame(data, 0, 0, grpcMessage(body(6))), message(7)]],
    [
      'data within a header block',
      [message(5), frame(headers, 0, HOT, okTrailers.subarray(0, 4)), message(6)],
    ],
    [
      'trailers in two frames',
      [
        message(5),
        frame(headers, endStream, HOT, okTrailers.subarray(0, 4)),
        frame(continuation, endHeaders, HOT, okTrailers.subarray(4)),
      ],
    ],
    [
      'headers that do not end the stream',
      [message(5), frame(headers, endHeaders, HOT, okTrailers), message(6)],
    ],
    ['a ping of the wrong size', [message(5), frame(ping, 0, 0, body(7)), message(6)]],
    ['a window that is opened by nothing', [message(5), frame(window, 0, HOT, Buffer.alloc(4)), message(6)]],
    ['a stream that the server opens', [message(5), frame(headers, endHeaders, 2, grpcHeaders), message(6)]],
    ['so many pings that they are answered after the end', [message(5), ...Array(60).fill(pong), end]],
    ['HTTP/1', [message(5), Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')]],
  ])('ends as by node:http2 alone: %s', async (_what, pieces) => {
    const script = [first, Buffer.concat(pieces)];
    expectSame(await serve(byLink, script, true), await serve(byNode, script, true));
  });

  it('gives what node:http2 gives, whatever the frames and their cuts', async () => {
    await fc.assert(
      fc.asyncProperty(
        frameStream,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.boolean(),
        async (frames, at, settled) => {
          const bytes = Buffer.concat(frames);
          const cuts = [...new Set(at.map((one) => one % bytes.length))].sort((a, b) => a - b);
          const pieces = [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index]));
          const stream = settled
            ? [first, ...pieces]
            : [Buffer.concat([first, pieces[0]!]), ...pieces.slice(1)];
          expectSame(await serve(byLink, stream, settled), await serve(byNode, stream, settled));
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);
});

describe('the windows of data that passes node:http2 by', () => {
  it('never shut: the sender does not wait, however much it sends', async () => {
    const chunk = frame(data, 0, HOT, grpcMessage(Buffer.alloc(16_000)));
    const total = 3 * Math.ceil(windowBytes / 16_000);
    const lowest = { connection: windowBytes, stream: windowBytes };
    let peer: PeerConnection | undefined;
    const server = await startPeer((connection) => {
      peer = connection;
      connection.onFrame = async ({ type }) => {
        if (type !== headers) return;
        connection.send(open);
        for (let sent = 0; sent < total; sent += 1) {
          connection.send(chunk);
          lowest.connection = Math.min(lowest.connection, connection.windows.connection);
          lowest.stream = Math.min(lowest.stream, connection.windows.stream(HOT));
          if (connection.socket.writableLength > 0) await turns(1);
        }
        connection.send(end);
      };
    });
    close.push(server.close);
    let count = 0;
    const link = byLink(server.port, () => void ++count);
    close.push(link.close);
    expect(await link.ended).toBe(true);
    expect(count).toBe(total);
    const { windows, frames } = peer!;
    expect(lowest.connection).toBeGreaterThan(windowBytes / 4);
    expect(lowest.stream).toBeGreaterThan(windowBytes / 4);
    // Nothing is given that was not taken, and in the end no more than a part is owed.
    for (const size of [windows.connection, windows.stream(HOT)]) {
      expect(size).toBeLessThanOrEqual(windowBytes);
      expect(size).toBeGreaterThan(windowBytes / 2);
    }
    // node:http2 gives back half windows; these are ours, for connection and stream alike.
    const given = frames
      .filter(({ type }) => type === window)
      .map((one) => [one.stream, one.payload.readUInt32BE(0)]);
    const ours = given.slice(1);
    expect(ours.length).toBeGreaterThanOrEqual(2 * 10);
    expect(ours.filter(([stream]) => stream === 0).map(([, size]) => size)).toEqual(
      ours.filter(([stream]) => stream === HOT).map(([, size]) => size),
    );
  });

  it('leave the connection open when nobody reads the stream any more', async () => {
    const big = grpcMessage(Buffer.alloc(2 << 20));
    const frames = Array.from({ length: 160 }, (_, at) =>
      frame(data, 0, HOT, at === 0 ? big.subarray(0, 16_000) : Buffer.alloc(16_000)),
    );
    let peer: PeerConnection | undefined;
    const server = await startPeer((connection) => {
      peer = connection;
      connection.onFrame = ({ type }) => {
        if (type === headers) connection.send(first, ...frames);
      };
    });
    close.push(server.close);
    const link = http2Link({ target: '', host: '127.0.0.1', port: server.port, maxMessageBytes: 1 << 20 });
    close.push(link.close);
    const { ended } = link.events(Buffer.alloc(0), () => {});
    expect((await ended).code).toBe(grpcStatus.RESOURCE_EXHAUSTED);
    await until(() => peer!.frames.some(({ type }) => type === reset), 'the reset');
    await turns(10);
    expect(peer!.windows.connection).toBeGreaterThan(windowBytes / 4);
    expect(peer!.frames.some(({ type, stream }) => type === window && stream === HOT)).toBe(false);
  });

  it('are given back between two frames of the session only', async () => {
    const got: Buffer[] = [];
    const server = await startPeer(({ socket }) => {
      socket.removeAllListeners('data').on('data', (bytes) => got.push(bytes));
      socket.write(Buffer.concat(Array(140).fill(frame(data, 0, HOT, Buffer.alloc(16_000)))));
    });
    close.push(server.close);
    let taken = 0;
    const bypass = new Http2Bypass((reading) =>
      connectSocket({ port: server.port, host: '127.0.0.1', ...reading }),
    );
    close.push(() => bypass.destroy());
    bypass.watch(HOT, (_bytes, from, to) => {
      taken += to - from;
    });
    bypass.accept();
    bypass.resume();
    const preface = Buffer.alloc(24);
    const sent = frame(ping, 0, 0, Buffer.alloc(8, 5));
    bypass.write(Buffer.concat([preface, sent.subarray(0, 12)]));
    await until(() => taken === 140 * 16_000, 'the data');
    await turns(5);
    const bytes = () => Buffer.concat(got).length - preface.length;
    expect(bytes()).toBe(12);
    bypass.write(sent.subarray(12));
    await until(() => bytes() > sent.length, 'the windows');
    const after = Buffer.concat(got).subarray(preface.length + sent.length);
    expect(after.subarray(0, 9)).toEqual(frame(window, 0, 0, Buffer.alloc(4)).subarray(0, 9));
    expect(after.readUInt32BE(9)).toBe(140 * 16_000);
    expect(after.subarray(13, 22)).toEqual(frame(window, 0, HOT, Buffer.alloc(4)).subarray(0, 9));
  });
});

describe('what stands between socket and session', () => {
  it('knows where frames of the session end, however they are written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 40 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (sizes, steps) => {
          const frames = sizes.map((size) => frame(size % 10, 0, 1, Buffer.alloc(size)));
          const bytes = Buffer.concat([Buffer.alloc(24), ...frames]);
          const ends = new Set(
            frames.map((_, at) => 24 + Buffer.concat(frames.slice(0, at + 1)).length).concat(24),
          );
          const bounds = new FrameBounds();
          for (let at = 0, i = 0; at < bytes.length; i += 1) {
            const to = Math.min(at + steps[i % steps.length]!, bytes.length);
            bounds.wrote(bytes.subarray(at, to));
            expect(bounds.whole).toBe(ends.has(to));
            at = to;
          }
        },
      ),
    );
  });

  it('leaves data to the session while a header block is not finished, and after that takes it', () => {
    const passed: number[] = [];
    const taken: number[] = [];
    const splitter = new FrameSplitter({
      session: (bytes, from, to) => passed.push(...bytes.subarray(from, to)),
      data: (bytes, from, to) => taken.push(...bytes.subarray(from, to)),
      credit: () => {},
    });
    splitter.watch(HOT);
    splitter.accept();
    const parts = [
      frame(data, 0, HOT, Buffer.from([1])),
      frame(headers, 0, 3, Buffer.from([2])),
      frame(data, 0, HOT, Buffer.from([3])),
      frame(continuation, endHeaders, 3, Buffer.from([4])),
    ];
    for (const part of parts) splitter.take(part, part.length);
    splitter.arrived(1);
    const last = frame(data, 0, HOT, Buffer.from([5]));
    splitter.take(last, last.length);
    expect(taken).toEqual([1, 5]);
    expect(Buffer.from(passed)).toEqual(Buffer.concat(parts.slice(1)));
  });

  it('does not take more from the socket than a session reads, and goes on when it does', async () => {
    const flood = Buffer.alloc(24 << 20, pong);
    let peer: PeerConnection | undefined;
    const server = await startPeer((connection) => {
      peer = connection;
      connection.socket.write(flood);
    });
    close.push(server.close);
    const bypass = new Http2Bypass((reading) =>
      connectSocket({ port: server.port, host: '127.0.0.1', ...reading }),
    );
    close.push(() => bypass.destroy());
    await until(() => bypass.readableLength >= 64 * 1024, 'a full buffer');
    await turns(50);
    expect(bypass.readableLength).toBeLessThanOrEqual(128 * 1024);
    expect(peer!.socket.writableLength).toBeGreaterThan(0);
    bypass.resume();
    await until(() => peer!.socket.writableLength === 0, 'all of it');
  });
});

/** Messages in frames of any size, other frames between them, mostly a proper end. */
const frameStream = fc
  .tuple(
    fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 12 }),
    fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 8 }),
    fc.array(
      fc.constantFrom(
        Buffer.alloc(0),
        Buffer.alloc(0),
        pong,
        frame(window, 0, HOT, Buffer.from([0, 0, 0, 1])),
        frame(settings, 0, 0),
        frame(0x42, 0, HOT, Buffer.alloc(3)),
        frame(data, 0, HOT),
        frame(data, padded, HOT, Buffer.from([2, 0, 0])),
      ),
      { minLength: 1, maxLength: 8 },
    ),
    fc.constantFrom(
      end,
      end,
      end,
      frame(data, endStream, HOT),
      frame(reset, 0, HOT, Buffer.from([0, 0, 0, 8])),
    ),
  )
  .map(([bodies, sizes, others, last]) => {
    const bytes = Buffer.concat(bodies.map(grpcMessage));
    const frames: Buffer[] = [];
    for (let at = 0, i = 0; at < bytes.length; i += 1) {
      const size = sizes[i % sizes.length]! + (i % 7 === 6 ? 1 : 0);
      frames.push(frame(data, 0, HOT, bytes.subarray(at, at + size)), others[i % others.length]!);
      at += size;
      if (i > 300) break;
    }
    return [...frames, last];
  });
