import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import {
  type handleServerStreamingCall,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { secondsOf } from '../../lib/time.ts';
import { wait } from '../../sources/backoff.ts';
import { frames } from '../../sources/framing.ts';
import { decodeMessage } from '../../sources/tetragon/message.ts';
import { protoFolder } from '../../sources/tetragon/protocol.ts';

/** Messages of a gzipped length-delimited recording. */
export async function recordedMessages(path: string): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  const reader = frames(
    16 * 1024 * 1024,
    (message) => messages.push(message),
    () => {},
  );
  for await (const chunk of createReadStream(path).pipe(createGunzip())) reader.push(chunk as Buffer);
  return messages;
}

/** Pauses longer than this are cut short: nobody wants to watch silence. */
const LONGEST_PAUSE_MS = 25;

/**
 * A gRPC server that speaks Tetragon's protocol and plays a recording to whoever subscribes, in its own rhythm
 * divided by `speed` (0: at once), then keeps the stream open. `played` is fulfilled when all was sent. `onStream` may
 * write more to each.
 */
export async function playingAgent(
  address: string,
  messages: readonly Buffer[],
  speed: number,
  onStream: (stream: ServerWritableStream<object, Buffer>) => void = () => {},
): Promise<{ played: Promise<void>; stop(): void }> {
  const definition = loadSync('sensors.proto', {
    includeDirs: [`${protoFolder}/tetragon`],
    keepCase: true,
    enums: String,
  });
  const loaded = loadPackageDefinition(definition) as unknown as {
    tetragon: { FineGuidanceSensors: { service: Record<string, object> } };
  };
  const { service } = loaded.tetragon.FineGuidanceSensors;
  const abort = new AbortController();
  let done: () => void = () => {};
  const played = new Promise<void>((resolve) => {
    done = resolve;
  });
  const getEvents: handleServerStreamingCall<object, Buffer> = async (stream) => {
    onStream(stream);
    let before: number | undefined;
    for (const message of messages) {
      const time = secondsOf(decodeMessage(message).time ?? '');
      const pause = before === undefined || speed <= 0 ? 0 : ((time - before) * 1000) / speed;
      before = Number.isNaN(time) ? before : time;
      if (pause >= 1) await wait(Math.min(pause, LONGEST_PAUSE_MS), abort.signal);
      if (abort.signal.aborted || stream.cancelled) return;
      stream.write(message);
    }
    done();
  };
  const calls: UntypedServiceImplementation = {
    GetVersion: (_call: unknown, reply: (error: null, answer: object) => void) =>
      reply(null, { version: 'v1.7.0 (recorded)' }),
    GetHealth: (_call: unknown, reply: (error: null, answer: object) => void) =>
      reply(null, { health_status: [{ event: 1, status: 1, details: 'running' }] }),
    GetEvents: getEvents,
  };
  const server = new Server();
  const raw = {
    ...service,
    GetEvents: { ...service.GetEvents, responseSerialize: (bytes: Buffer) => bytes },
  };
  server.addService(raw as unknown as Parameters<Server['addService']>[0], calls);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return {
    played,
    stop() {
      abort.abort();
      server.forceShutdown();
    },
  };
}
