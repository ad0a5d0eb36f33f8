import type { OnReadOpts, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { FrameBounds, FrameSplitter, type TakeBytes, windowUpdates } from './http2-frames.ts';
import { windowBytes } from './link.ts';

/** The socket is read into one buffer, again and again. */
const READ_BYTES = 64 * 1024;
/** What the session may leave unread before the socket is not read any more. */
const UNREAD_BYTES = 64 * 1024;
/** The session gives its own half of a window back at most half a window late: together we never shut it. */
const OWED_BYTES = windowBytes / 4;

const failure = (code: number) =>
  new Error(`the server broke the rules of HTTP/2: told so with code ${code}`);

/** How the socket is opened: it reads into our buffer. */
export interface Reading {
  allowHalfOpen: true;
  onread: OnReadOpts;
}

/**
 * Stands between a connection's socket and its node:http2 session, and takes the data of the hot stream past the
 * session: that costs a third of what node:http2 takes for it. Settings, headers, trailers, pings, resets, errors and
 * all data that is not as expected are the session's as before.
 *
 * The session knows nothing of the bytes that pass it by, so their flow control is ours: they are given back to the
 * agent by WINDOW_UPDATE frames of our own, between two frames of the session.
 */
export class Http2Bypass extends Duplex {
  private readonly socket: Socket;
  private readonly splitter: FrameSplitter;
  private readonly bounds = new FrameBounds();
  private takeData: TakeBytes = () => {};
  private stream = 0;
  private owed = 0;
  private full = false;

  /** `open` connects: a socket of node:net or node:tls with these options. */
  constructor(open: (reading: Reading) => Socket) {
    super({ readableHighWaterMark: UNREAD_BYTES });
    this.splitter = new FrameSplitter({
      session: (bytes, start, end) => this.toSession(bytes, start, end),
      data: (bytes, start, end) => this.takeData(bytes, start, end),
      credit: (bytes) => this.credit(bytes),
    });
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const callback = (size: number) => {
      this.splitter.take(buffer, size);
      return !this.full;
    };
    // Half open: the session may still have to read and to write when the peer has ended.
    this.socket = open({ allowHalfOpen: true, onread: { buffer, callback } });
    this.socket.on('end', () => {
      this.splitter.end();
      this.push(null);
    });
    this.socket.on('error', (error) => this.destroy(error));
    this.socket.on('close', () => {
      if (!this.socket.readableEnded) this.destroy();
    });
  }

  /** The stream whose data `take` will get, before its first frame comes; one in the life of a connection. */
  watch(stream: number, take: TakeBytes): void {
    if (this.stream !== 0) return;
    this.stream = stream;
    this.takeData = take;
    this.splitter.watch(stream);
  }
  /** The watched stream's answer was accepted: its data need not go through the session any more. */
  accept(): void {
    this.splitter.accept();
  }
  /** So many bytes of the watched stream's data came through the session. */
  arrived(bytes: number): void {
    this.splitter.arrived(bytes);
  }
  /** Nobody reads the watched stream any more. */
  stop(): void {
    this.splitter.stop();
  }

  private toSession(bytes: Buffer, start: number, end: number): void {
    // A copy: the session may not be reading just now.
    this.full = !this.push(Buffer.from(bytes.subarray(start, end)));
  }

  private credit(bytes: number): void {
    this.owed += bytes;
    if (this.owed >= OWED_BYTES) this.giveBack();
  }

  private giveBack(): void {
    if (!this.bounds.whole || this.destroyed) return;
    this.socket.write(windowUpdates(this.splitter.stopped ? [0] : [0, this.stream], this.owed));
    this.owed = 0;
  }

  override _read(): void {
    if (!this.full) return;
    this.full = false;
    this.socket.resume();
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.bounds.wrote(chunk);
    // A session that has told of an error reads no more, and does not end by itself.
    this.socket.write(
      chunk,
      this.bounds.goaway === 0 ? done : () => this.destroy(failure(this.bounds.goaway)),
    );
    if (this.owed >= OWED_BYTES) this.giveBack();
  }
  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(done);
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}
