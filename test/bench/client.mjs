// One way of reading the stream, in a process of its own: node client.mjs MODE SOCKET COUNT
// Prints {"events","cpu_us","wall_ms"}; CPU is user and system of the whole process between the message that
// ends the warm-up and the last one.
import { Client, credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { createDetector } from '../../dist/detect/index.js';
import { detectSchema } from '../../dist/detect/config.js';
import { openPipeline } from '../../dist/pipeline.js';
import { earlyTest } from '../../dist/sources/tetragon/early.js';
import { bytesDecoder } from '../../dist/sources/tetragon/export.js';
import { decodeMessage } from '../../dist/sources/tetragon/message.js';
import { normalizeMessage } from '../../dist/sources/tetragon/normalize.js';
import { eventsRequest, tetragonSchema } from '../../dist/sources/tetragon/config.js';
import { grpcJsLink } from '../../dist/sources/tetragon/link-grpc-js.js';
import { http2Link } from '../../dist/sources/tetragon/link-http2.js';
import { protoFolder, tetragonProtocol } from '../../dist/sources/tetragon/protocol.js';
import { ProcessTable } from '../../dist/state/process-table.js';
import { RecentExecs } from '../../dist/state/recent.js';
import { silentLog } from '../../dist/telemetry/log.js';

const [mode, socket, countText] = process.argv.slice(2);
const total = Number(countText);
const warm = Math.floor(total / 4);

/** What happens with each message, by mode. */
function taker() {
  if (mode === 'pass' || mode === 'http2_pass') return () => {};
  if (mode === 'decode') return (bytes, start, end) => void normalizeMessage(decodeMessage(bytes.subarray(start, end)), 'bench');
  const pipeline = openPipeline({
    detector: createDetector(detectSchema.parse({})),
    processes: new ProcessTable(),
    recent: new RecentExecs(),
    route: () => [],
    accept: async () => {},
    minSeverity: 'low',
    queue: { max_messages: 20_000, max_bytes: 64 * 1024 * 1024 },
    log: silentLog,
  });
  const intake = pipeline.intake('bench');
  process.on('exit', () => {
    if (intake.counts.unreadable > 0) throw new Error(`${intake.counts.unreadable} messages could not be read`);
  });
  return earlyTest(intake, bytesDecoder('bench', intake.processes));
}

let seen = 0;
let cpu;
let began = 0;
function count() {
  seen += 1;
  if (seen !== warm) return;
  cpu = process.cpuUsage();
  began = performance.now();
}
function report() {
  const used = process.cpuUsage(cpu);
  const result = { events: seen - warm, cpu_us: used.user + used.system, sys_us: used.system, wall_ms: performance.now() - began };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const request = tetragonProtocol().getEvents.serialize(eventsRequest(tetragonSchema.parse({ type: 'tetragon' })));
if (mode === 'loader') loaderClient();
else await linkClient();

/** Lanner's own carriers. */
async function linkClient() {
  const take = taker();
  const open = mode.startsWith('http2') ? http2Link : grpcJsLink;
  const link = open({ target: `unix://${socket}`, path: socket, maxMessageBytes: 64 * 1024 * 1024 });
  const { ended } = link.events(request, (bytes, start, end) => {
    take(bytes, start, end);
    count();
  });
  const { code, details } = await ended;
  if (code !== 0) fail(details);
  report();
  link.close();
}

/** What a client of the usual making does: grpc-js, and proto-loader's decoder with the usual options. */
function loaderClient() {
  const definition = loadSync('sensors.proto', {
    includeDirs: [`${protoFolder}/tetragon`],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const { GetEvents } = loadPackageDefinition(definition).tetragon.FineGuidanceSensors.service;
  const client = new Client(`unix://${socket}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc-node.flow_control_window': 8 * 1024 * 1024,
  });
  const stream = client.makeServerStreamRequest(GetEvents.path, (bytes) => bytes, GetEvents.responseDeserialize, request);
  stream.on('data', count);
  stream.on('error', (error) => fail(error.message));
  stream.on('end', () => {
    report();
    client.close();
  });
}
