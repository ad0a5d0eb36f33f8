/**
 * HTTP/2 frames in the bytes of a connection, as they come from the socket:
 *
 *   frame   u24 length | u8 type | u8 flags | u31 stream | payload
 *
 * Everything goes to the session (nghttp2) as it came, but for the data of one stream once that is diverted: plain
 * data frames of the size we allow go to its reader from where they lie. Whatever is not as expected there (padding,
 * too long a frame, headers, a reset, an unfinished header block) ends the diversion for good and goes to the
 * session whole: what is an error is told by nghttp2.
 */
const HEAD = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const PUSH_PROMISE = 5;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
const END_STREAM = 1;
const END_HEADERS = 4;
/** SETTINGS_MAX_FRAME_SIZE as node sends it: the default. */
const MAX_FRAME = 16_384;

/** Takes `bytes[start..end)`, which are the caller's again afterwards. */
export type TakeBytes = (bytes: Buffer, start: number, end: number) => void;

export interface FrameTaker {
  /** For the session: whole frames, parts of frames, whatever comes. */
  session: TakeBytes;
  /** The payload of the diverted stream's data frames. */
  data: TakeBytes;
  /** A data frame begins whose `bytes` the session will never account for. */
  credit(bytes: number): void;
}

export class FrameSplitter {
  private readonly taker: FrameTaker;
  private readonly head = Buffer.alloc(HEAD);
  private headBytes = 0;
  /** What is still to come of the frame under way, and whether it is diverted. */
  private left = 0;
  private diverted = false;
  /** Between HEADERS without END_HEADERS and the last CONTINUATION nothing else may come. */
  private inBlock = false;
  private stream = 0;
  private accepted = false;
  private over = false;
  /** Data of the watched stream that went to the session, and that came out of it: nothing may overtake it. */
  private toSession = 0;
  private fromSession = 0;

  constructor(taker: FrameTaker) {
    this.taker = taker;
  }

  /** The stream that will be diverted, before its first frame comes. One in the life of a connection. */
  watch(stream: number): void {
    this.stream = stream;
  }
  /** The watched stream's data may be diverted, as soon as what went to the session has come out of it. */
  accept(): void {
    this.accepted = true;
  }
  /** So much of the watched stream's data has come out of the session. */
  arrived(bytes: number): void {
    this.fromSession += bytes;
  }
  /** Nothing more is diverted. */
  stop(): void {
    this.over = true;
  }
  get stopped(): boolean {
    return this.over;
  }

  take(bytes: Buffer, end: number): void {
    let at = 0;
    while (at < end) {
      if (this.left > 0) at = this.inside(bytes, at, end);
      else if (this.headBytes === 0 && end - at >= HEAD) {
        this.begin(bytes, at);
        at += HEAD;
      } else at = this.partOfHead(bytes, at, end);
    }
  }

  /** The connection ends: a head that was not finished is the session's. */
  end(): void {
    if (this.headBytes > 0) this.taker.session(this.head, 0, this.headBytes);
    this.headBytes = 0;
  }

  private partOfHead(bytes: Buffer, at: number, end: number): number {
    const step = Math.min(HEAD - this.headBytes, end - at);
    bytes.copy(this.head, this.headBytes, at, at + step);
    this.headBytes += step;
    if (this.headBytes === HEAD) {
      this.headBytes = 0;
      this.begin(this.head, 0);
    }
    return at + step;
  }

  private inside(bytes: Buffer, at: number, end: number): number {
    const to = Math.min(at + this.left, end);
    this.left -= to - at;
    if (!this.diverted) this.taker.session(bytes, at, to);
    // The rest of a frame whose reader has given up is nobody's.
    else if (!this.over) this.taker.data(bytes, at, to);
    return to;
  }

  private begin(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const stream =
      ((bytes[at + 5]! & 127) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
    const plain = stream === this.stream && type === DATA && flags === 0 && length <= MAX_FRAME;
    this.left = length;
    this.diverted = plain && this.mayDivert();
    if (this.diverted) {
      this.taker.credit(length);
      return;
    }
    if (plain) this.toSession += length;
    else if (stream === this.stream && this.endsDiversion(type, flags)) this.over = true;
    if (type === HEADERS || type === PUSH_PROMISE || type === CONTINUATION)
      this.inBlock = (flags & END_HEADERS) === 0;
    this.taker.session(bytes, at, at + HEAD);
  }

  private mayDivert(): boolean {
    return this.accepted && !this.over && !this.inBlock && this.toSession === this.fromSession;
  }

  /** Headers come once before the data; then they are trailers. Data is here only if it is not plain. */
  private endsDiversion(type: number, flags: number): boolean {
    if (type === DATA || type === RST_STREAM) return true;
    return type === HEADERS && (this.accepted || (flags & END_STREAM) !== 0);
  }
}

/** "PRI * HTTP/2.0…", which a client sends before its first frame. */
const PREFACE = 24;

/** Follows what a client's session writes: a frame of our own may only stand between two of its frames. */
export class FrameBounds {
  private readonly head = Buffer.alloc(HEAD);
  private headBytes = 0;
  private left = PREFACE;
  /** The code of the last GOAWAY that began; 0: of none, or one that tells no error. */
  goaway = 0;

  /** All that was written are whole frames. */
  get whole(): boolean {
    return this.left === 0 && this.headBytes === 0;
  }

  wrote(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.left > 0) {
        const step = Math.min(this.left, bytes.length - at);
        this.left -= step;
        at += step;
        continue;
      }
      this.head[this.headBytes++] = bytes[at++]!;
      if (this.headBytes < HEAD) continue;
      this.headBytes = 0;
      this.left = this.head.readUIntBE(0, 3);
      // nghttp2 writes a GOAWAY in one piece: last stream, code, text.
      if (this.head[3] === GOAWAY && bytes.length >= at + 8) this.goaway = bytes.readUInt32BE(at + 4);
    }
  }
}

/** A WINDOW_UPDATE for each of the streams (0: the connection). */
export function windowUpdates(streams: readonly number[], bytes: number): Buffer {
  const frames = Buffer.alloc(streams.length * (HEAD + 4));
  for (const [index, stream] of streams.entries()) {
    const at = index * (HEAD + 4);
    frames[at + 2] = 4;
    frames[at + 3] = WINDOW_UPDATE;
    frames.writeUInt32BE(stream, at + 5);
    frames.writeUInt32BE(bytes, at + HEAD);
  }
  return frames;
}
