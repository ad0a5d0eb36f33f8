// A gRPC server with Tetragon's protocol that gives its messages to the first subscriber, and keeps the stream.
import { loadPackageDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const includeDirs = [new URL('../../proto/tetragon', import.meta.url).pathname];
const { service } = loadPackageDefinition(loadSync('sensors.proto', { includeDirs, keepCase: true })).tetragon
  .FineGuidanceSensors;

/** One message as it stands in a recording: its length in four bytes, then itself. */
export function recorded(message) {
  const bytes = service.GetEvents.responseSerialize(message);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

/** Serves at `address`; ends with `stop()`. */
export async function agent(address, messages) {
  const server = new Server();
  let played = false;
  server.addService(service, {
    GetVersion: (_call, reply) => reply(null, { version: 'v1.7.0' }),
    GetHealth: (_call, reply) => reply(null, { health_status: [{ event: 1, status: 1 }] }),
    async GetEvents(stream) {
      if (played) return;
      played = true;
      for (const message of messages)
        if (!stream.write(message)) await new Promise((resolve) => stream.once('drain', resolve));
    },
  });
  await new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return { stop: () => server.forceShutdown() };
}
