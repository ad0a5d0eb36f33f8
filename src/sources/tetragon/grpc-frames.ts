import { grpcStatus } from '../grpc-status.ts';
import type { TakeBytes } from './http2-frames.ts';
import type { TakeMessage } from './link.ts';

/**
 * gRPC's messages in the bytes of a stream:
 *
 *   message   u8 compressed (must be 0) | u32 length | bytes
 *
 * A message within one chunk is handed over where it lies; one that is spread over several is put together in a
 * buffer that is used again, so that nothing is allocated for a message.
 */
const HEAD = 5;
/** Buffers above are not kept for the next message. */
const KEPT_BYTES = 256 * 1024;

/** The five bytes before a message of this length. */
export function frameHead(length: number): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(length, 1);
  return head;
}

/**
 * Takes chunks of a stream's data and calls back with each message. `fail` is called once, with a gRPC code, at
 * the first message that is compressed or longer than `maxBytes`; the rest of the stream is ignored then.
 */
export function deframer(
  maxBytes: number,
  onMessage: TakeMessage,
  fail: (code: number, details: string) => void,
): TakeBytes {
  const head = Buffer.alloc(HEAD);
  let headBytes = 0;
  let kept = Buffer.allocUnsafeSlow(0);
  let body = kept;
  /** Length of the message that is being put together; -1: none is. */
  let expected = -1;
  let bodyBytes = 0;
  let failed = false;

  /** The length in a message's head; -1 once the call has failed. */
  function lengthOf(bytes: Buffer, at: number): number {
    const length =
      bytes[at + 1]! * 0x1000000 + ((bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!);
    if (bytes[at] !== 0)
      return refuse(grpcStatus.INTERNAL, 'a compressed message, though none was asked for');
    if (length > maxBytes)
      return refuse(
        grpcStatus.RESOURCE_EXHAUSTED,
        `Received message larger than max (${length} vs. ${maxBytes})`,
      );
    return length;
  }
  function refuse(code: number, details: string): -1 {
    failed = true;
    fail(code, details);
    return -1;
  }

  /** Begins a message that does not end in this chunk. */
  function begin(length: number): void {
    if (length <= kept.length) body = kept;
    else {
      body = Buffer.allocUnsafeSlow(Math.max(length, 4096));
      if (body.length <= KEPT_BYTES) kept = body;
    }
    expected = length;
    bodyBytes = 0;
  }

  /** Adds what belongs to the message that is being put together; gives where the next begins. */
  function add(chunk: Buffer, at: number, end: number): number {
    const step = Math.min(expected - bodyBytes, end - at);
    chunk.copy(body, bodyBytes, at, at + step);
    bodyBytes += step;
    if (bodyBytes === expected) {
      expected = -1;
      onMessage(body, 0, bodyBytes);
      body = kept;
    }
    return at + step;
  }

  /** Adds to a head that is spread over chunks; gives where its message begins. */
  function addHead(chunk: Buffer, at: number, end: number): number {
    const step = Math.min(HEAD - headBytes, end - at);
    chunk.copy(head, headBytes, at, at + step);
    headBytes += step;
    return at + step;
  }

  return (chunk, start, end) => {
    let at = start;
    while (at < end && !failed) {
      if (expected >= 0) {
        at = add(chunk, at, end);
        continue;
      }
      let length: number;
      if (headBytes === 0 && end - at >= HEAD) {
        length = lengthOf(chunk, at);
        at += HEAD;
      } else {
        at = addHead(chunk, at, end);
        if (headBytes < HEAD) return;
        headBytes = 0;
        length = lengthOf(head, 0);
      }
      if (length < 0) return;
      if (end - at < length) begin(length);
      else {
        onMessage(chunk, at, at + length);
        at += length;
      }
    }
  };
}
