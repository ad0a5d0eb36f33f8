import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { GrpcStatus } from '../../../src/sources/grpc-errors.ts';
import { http2Link } from '../../../src/sources/tetragon/link-http2.ts';

let server: Http2Server | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
});

const framed = (message: Buffer, flag = 0) => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/** Serves every call with `answer`; gives what one GetEvents call reads of it. */
async function read(
  answer: (stream: ServerHttp2Stream) => void,
  maxMessageBytes = 1024,
): Promise<{ messages: Buffer[]; outcome: GrpcStatus }> {
  server?.close();
  server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const link = http2Link({ target: `127.0.0.1:${port}`, host: '127.0.0.1', port, maxMessageBytes });
  const messages: Buffer[] = [];
  const { ended } = link.events(Buffer.alloc(0), (bytes, start, end) =>
    messages.push(Buffer.from(bytes.subarray(start, end))),
  );
  const outcome = await ended;
  link.close();
  return { messages, outcome };
}

const grpc = { ':status': 200, 'content-type': 'application/grpc' };
function respond(stream: ServerHttp2Stream, trailers: Record<string, string>): void {
  stream.respond(grpc, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
}

describe('gRPC read from node:http2', () => {
  it('gives the same messages however the frames are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 23 }), { minLength: 1, maxLength: 6 }),
        async (bodies, sizes) => {
          const sent = bodies.map((body) => Buffer.from(body));
          const bytes = Buffer.concat(sent.map((body) => framed(body)));
          const { messages, outcome } = await read(async (stream) => {
            respond(stream, { 'grpc-status': '0' });
            for (let at = 0, i = 0; at < bytes.length; i += 1) {
              const size = sizes[i % sizes.length]!;
              stream.write(bytes.subarray(at, at + size));
              at += size;
              await new Promise((resolve) => setImmediate(resolve));
            }
            stream.end();
          });
          expect(outcome.code).toBe(status.OK);
          expect(messages).toEqual(sent);
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each<[string, (stream: ServerHttp2Stream) => void, number, RegExp]>([
    [
      'a status in the trailers',
      (stream) => {
        respond(stream, { 'grpc-status': '2', 'grpc-message': 'failed to compile regexp: %22(%22' });
        stream.end();
      },
      status.UNKNOWN,
      /^failed to compile regexp: "\("$/,
    ],
    [
      'a status in headers without a body',
      (stream) => stream.respond({ ...grpc, 'grpc-status': '12' }, { endStream: true }),
      status.UNIMPLEMENTED,
      /^$/,
    ],
    [
      'an answer that is no gRPC',
      (stream) => {
        stream.respond({ ':status': 404, 'content-type': 'text/html' });
        stream.end('<html>there is no such page</html>');
      },
      status.UNAVAILABLE,
      /status 404, content type text\/html/,
    ],
    ['a reset', (stream) => stream.close(2), status.UNAVAILABLE, /RST_STREAM|ERR_HTTP2/],
    [
      'a message above the bound',
      (stream) => {
        respond(stream, { 'grpc-status': '0' });
        stream.write(framed(Buffer.alloc(2000)));
      },
      status.RESOURCE_EXHAUSTED,
      /larger than max \(2000 vs\. 1024\)/,
    ],
    [
      'a hostile length',
      (stream) => {
        respond(stream, { 'grpc-status': '0' });
        stream.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]));
      },
      status.RESOURCE_EXHAUSTED,
      /4294967295/,
    ],
    [
      'a compressed message that nobody asked for',
      (stream) => {
        respond(stream, { 'grpc-status': '0' });
        stream.write(framed(Buffer.from('x'), 1));
      },
      status.INTERNAL,
      /compressed/,
    ],
    ['the connection going away', (stream) => stream.session?.destroy(), status.UNAVAILABLE, /./],
  ])('ends with %s', async (_what, answer, code, details) => {
    const { messages, outcome } = await read(answer);
    expect(outcome.code).toBe(code);
    expect(outcome.details ?? '').toMatch(details);
    expect(messages).toEqual([]);
  });
});
