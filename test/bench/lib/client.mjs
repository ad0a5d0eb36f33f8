// What the bare clients share: the subscription's request, and a count the bench asks for.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';

/** Upstream's own .proto files where the bench has them (BENCH_PROTOS), else ours, which leave out what we do not read. */
const ours = join(dirname(fileURLToPath(import.meta.url)), '../../../proto/tetragon');
const theirs = process.env.BENCH_PROTOS;
export const window = 8 * 1024 * 1024;

/** The call, with proto-loader's decoder and the usual options. */
export function getEvents() {
  const definition = loadSync(theirs === undefined ? 'sensors.proto' : 'tetragon/sensors.proto', { includeDirs: [theirs ?? ours], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true });
  return definition['tetragon.FineGuidanceSensors'].GetEvents;
}

let events = 0;
export function count() {
  events += 1;
}
process.on('message', () => process.send({ events }));
process.on('disconnect', () => process.exit(0));

/** grpc-js, each message handed over as `take` likes; `decode`: bytes to what `take` gets. */
export async function subscribe(socket, decode, take) {
  const { Client, credentials } = createRequire(import.meta.url)('@grpc/grpc-js');
  const call = getEvents();
  const client = new Client(`unix://${socket}`, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1, 'grpc-node.flow_control_window': window });
  const stream = client.makeServerStreamRequest(call.path, call.requestSerialize, decode ?? call.responseDeserialize, {});
  stream.on('data', (message) => {
    count();
    take(message);
  });
  stream.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
}
