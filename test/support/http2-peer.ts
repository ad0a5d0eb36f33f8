import { createServer, type Socket } from 'node:net';

/** One HTTP/2 frame as a peer reads it. */
export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

export const frameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const endStream = 1;
export const endHeaders = 4;
export const padded = 8;

/** The bytes of a frame. `length` may lie. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
/** A header block without compression: each field literal, its name too. */
export function headerBlock(fields: Record<string, string>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  );
}
export const grpcHeaders = headerBlock({ ':status': '200', 'content-type': 'application/grpc' });
export const okTrailers = headerBlock({ 'grpc-status': '0' });

/** A message with gRPC's five bytes before it. */
export function grpcMessage(body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** A client's connection, as its peer sees it. */
export interface PeerConnection {
  socket: Socket;
  /** What the client has sent, in order. */
  frames: Frame[];
  /** What the client still takes: windows as it has opened them, less the data that `send` was given. */
  windows: { connection: number; stream(id: number): number };
  /** Writes these bytes as they are; data frames among them, if whole, count against the windows. */
  send(...bytes: Buffer[]): void;
  /** Called after each frame of the client. */
  onFrame?: (frame: Frame) => void;
}

/** An HTTP/2 server by hand: it sends what the test tells it, right or wrong, and reads frames only. */
export async function startPeer(
  serve: (connection: PeerConnection) => void,
): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const connection = openConnection(socket);
    socket.write(frame(frameType.settings, 0, 0));
    serve(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const PREFACE = 24;

function openConnection(socket: Socket): PeerConnection {
  let initial = 65_535;
  const opened = new Map<number, number>();
  const connection: PeerConnection = {
    socket,
    frames: [],
    windows: { connection: 65_535, stream: (id) => initial + (opened.get(id) ?? 0) },
    send(...bytes) {
      for (const one of bytes) {
        if (one[3] === frameType.data && one.length >= 9) take(one.readUInt32BE(5), -one.readUIntBE(0, 3));
        socket.write(one);
      }
    },
  };
  function take(stream: number, more: number): void {
    if (more < 0 || stream === 0) connection.windows.connection += more;
    if (stream > 0) opened.set(stream, (opened.get(stream) ?? 0) + more);
  }
  function read(one: Frame): void {
    connection.frames.push(one);
    if (one.type === frameType.window) take(one.stream, one.payload.readUInt32BE(0));
    if (one.type === frameType.settings && (one.flags & 1) === 0) {
      for (let at = 0; at < one.payload.length; at += 6)
        if (one.payload.readUInt16BE(at) === 4) initial = one.payload.readUInt32BE(at + 2);
      socket.write(frame(frameType.settings, 1, 0));
    }
    connection.onFrame?.(one);
  }
  let rest = Buffer.alloc(0);
  let skip = PREFACE;
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (rest.length < skip) return;
    rest = rest.subarray(skip);
    skip = 0;
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      const one = {
        type: rest[3]!,
        flags: rest[4]!,
        stream: rest.readUInt32BE(5),
        payload: rest.subarray(9, end),
      };
      rest = rest.subarray(end);
      read(one);
    }
  });
  return connection;
}
