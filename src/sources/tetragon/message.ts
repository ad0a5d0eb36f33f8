import { rfc3339 } from '../../lib/time.ts';
import { timestampParts, utf8, Walk, wrappedNumber } from '../../lib/wire.ts';
import {
  binaryPropertiesFields,
  containerFields,
  getEventsResponseFields as eventFields,
  filePropertiesFields,
  imageFields,
  inodePropertiesFields,
  podFields,
  processExecFields,
  processExitFields,
  processFields,
  processThrottleFields,
  rateLimitInfoFields,
  securityContextFields,
} from './fields.ts';

/**
 * Tetragon's messages as plain objects, in the shape and with the names of its own JSON export (protojson):
 * zero values are absent, wrappers are plain numbers, times are RFC 3339. So a message means the same whether
 * it came as bytes or as a line of an export file. Only fields that the normalizer reads.
 */
export interface TetragonProcess {
  exec_id?: string;
  pid?: number;
  uid?: number;
  cwd?: string;
  binary?: string;
  arguments?: string;
  /** Space-separated words: `execve clone procFS …`. */
  flags?: string;
  start_time?: string;
  auid?: number;
  pod?: TetragonPod;
  /** First 31 (older agents: 15) characters of the container's id. */
  docker?: string;
  parent_exec_id?: string;
  binary_properties?: { privileges_changed?: unknown[]; file?: { inode?: { links?: number } } };
  user?: { name?: string };
  in_init_tree?: boolean;
}

export interface TetragonPod {
  namespace?: string;
  name?: string;
  uid?: string;
  container?: {
    /** `containerd://<64 hexadecimal digits>` */
    id?: string;
    name?: string;
    image?: { id?: string; name?: string };
    start_time?: string;
    maybe_exec_probe?: boolean;
    security_context?: { privileged?: boolean };
  };
  pod_labels?: Record<string, string>;
  workload?: string;
  workload_kind?: string;
  pod_annotations?: Record<string, string>;
}

export interface TetragonMessage {
  process_exec?: { process?: TetragonProcess; parent?: TetragonProcess; ancestors?: TetragonProcess[] };
  process_exit?: { process?: TetragonProcess; parent?: TetragonProcess; signal?: string; status?: number };
  process_throttle?: { type?: number | string; cgroup?: string };
  rate_limit_info?: { number_of_dropped_process_events?: number | string };
  node_name?: string;
  time?: string;
  cluster_name?: string;
}

/** More ancestors than any real chain has; what lies above is skipped, not an error. */
const MAX_ANCESTORS = 64;

/** Decodes a GetEventsResponse. Throws a WireError for bytes that are none. */
export function decodeMessage(bytes: Uint8Array): TetragonMessage {
  const message: TetragonMessage = {};
  const walk = new Walk(bytes);
  while (walk.next()) {
    const { start, end } = walk;
    if (walk.type !== 2) continue;
    if (walk.field === eventFields.process_exec) message.process_exec = decodeExec(bytes, start, end);
    else if (walk.field === eventFields.process_exit) message.process_exit = decodeExit(bytes, start, end);
    else if (walk.field === eventFields.process_throttle)
      message.process_throttle = decodeThrottle(bytes, start, end);
    else if (walk.field === eventFields.rate_limit_info)
      message.rate_limit_info = decodeRateLimit(bytes, start, end);
    else if (walk.field === eventFields.node_name) message.node_name = utf8(bytes, start, end);
    else if (walk.field === eventFields.time) message.time = timeText(bytes, start, end);
    else if (walk.field === eventFields.cluster_name) message.cluster_name = utf8(bytes, start, end);
  }
  return message;
}

function decodeExec(
  bytes: Uint8Array,
  from: number,
  to: number,
): NonNullable<TetragonMessage['process_exec']> {
  const exec: NonNullable<TetragonMessage['process_exec']> = {};
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    if (walk.type !== 2) continue;
    if (walk.field === processExecFields.process) exec.process = decodeProcess(bytes, walk.start, walk.end);
    else if (walk.field === processExecFields.parent)
      exec.parent = decodeProcess(bytes, walk.start, walk.end, 'ancestor');
    else if (walk.field === processExecFields.ancestors) {
      exec.ancestors ??= [];
      if (exec.ancestors.length < MAX_ANCESTORS)
        exec.ancestors.push(decodeProcess(bytes, walk.start, walk.end, 'ancestor'));
    }
  }
  return exec;
}

function decodeExit(
  bytes: Uint8Array,
  from: number,
  to: number,
): NonNullable<TetragonMessage['process_exit']> {
  const exit: NonNullable<TetragonMessage['process_exit']> = {};
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    if (walk.field === processExitFields.process && walk.type === 2)
      exit.process = decodeProcess(bytes, walk.start, walk.end);
    else if (walk.field === processExitFields.signal && walk.type === 2)
      exit.signal = utf8(bytes, walk.start, walk.end);
    else if (walk.field === processExitFields.status && walk.type === 0) exit.status = walk.value;
  }
  return exit;
}

function decodeThrottle(
  bytes: Uint8Array,
  from: number,
  to: number,
): NonNullable<TetragonMessage['process_throttle']> {
  const throttle: NonNullable<TetragonMessage['process_throttle']> = {};
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    if (walk.field === processThrottleFields.type && walk.type === 0) throttle.type = walk.value;
    // The agent pads the name with NULs to 128 bytes.
    else if (walk.field === processThrottleFields.cgroup && walk.type === 2)
      throttle.cgroup = utf8(bytes, walk.start, walk.end).replace(/\0+$/, '');
  }
  return throttle;
}

function decodeRateLimit(
  bytes: Uint8Array,
  from: number,
  to: number,
): NonNullable<TetragonMessage['rate_limit_info']> {
  const walk = new Walk(bytes, from, to);
  let dropped = 0;
  while (walk.next())
    if (walk.field === rateLimitInfoFields.number_of_dropped_process_events && walk.type === 0)
      dropped = walk.value;
  return { number_of_dropped_process_events: dropped };
}

/**
 * Decodes a Process; of an ancestor only what its description shows (its pod and start stand with the process
 * itself). Throws a WireError for bytes that are none.
 */
export function decodeProcess(
  bytes: Uint8Array,
  from: number,
  to: number,
  as: 'process' | 'ancestor' = 'process',
): TetragonProcess {
  const process: TetragonProcess = {};
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    if (walk.type !== 2) continue;
    const { start, end } = walk;
    switch (walk.field) {
      case processFields.exec_id:
        process.exec_id = utf8(bytes, start, end);
        break;
      case processFields.pid:
        process.pid = wrappedNumber(bytes, start, end);
        break;
      case processFields.uid:
        process.uid = wrappedNumber(bytes, start, end);
        break;
      case processFields.cwd:
        process.cwd = utf8(bytes, start, end);
        break;
      case processFields.binary:
        process.binary = utf8(bytes, start, end);
        break;
      case processFields.arguments:
        process.arguments = utf8(bytes, start, end);
        break;
      case processFields.flags:
        process.flags = utf8(bytes, start, end);
        break;
      case processFields.start_time:
        if (as === 'process') process.start_time = timeText(bytes, start, end);
        break;
      case processFields.auid:
        process.auid = wrappedNumber(bytes, start, end);
        break;
      case processFields.pod:
        if (as === 'process') process.pod = decodePod(bytes, start, end);
        else if (process.docker === undefined) setContainer(process, containerIdIn(bytes, start, end));
        break;
      case processFields.docker:
        process.docker = utf8(bytes, start, end);
        break;
      case processFields.parent_exec_id:
        process.parent_exec_id = utf8(bytes, start, end);
        break;
      case processFields.binary_properties:
        process.binary_properties = decodeBinaryProperties(bytes, start, end);
        break;
      case processFields.user:
        process.user = { name: firstString(bytes, start, end) };
        break;
      case processFields.in_init_tree:
        process.in_init_tree = wrappedNumber(bytes, start, end) !== 0;
        break;
    }
  }
  return process;
}

/**
 * A Process from the process table: protobuf where it came from the stream, JSON where it came from an export
 * file (a brace begins no protobuf message of ours).
 */
export function decodeKept(payload: Buffer): TetragonProcess {
  if (payload[0] === 0x7b) return JSON.parse(payload.toString('utf8')) as TetragonProcess;
  return decodeProcess(payload, 0, payload.length);
}

function decodePod(bytes: Uint8Array, from: number, to: number): TetragonPod {
  const pod: TetragonPod = {};
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    if (walk.type !== 2) continue;
    const { start, end } = walk;
    if (walk.field === podFields.namespace) pod.namespace = utf8(bytes, start, end);
    else if (walk.field === podFields.name) pod.name = utf8(bytes, start, end);
    else if (walk.field === podFields.uid) pod.uid = utf8(bytes, start, end);
    else if (walk.field === podFields.container) pod.container = decodeContainer(bytes, start, end);
    else if (walk.field === podFields.pod_labels) {
      pod.pod_labels ??= {};
      addEntry(pod.pod_labels, bytes, start, end);
    } else if (walk.field === podFields.workload) pod.workload = utf8(bytes, start, end);
    else if (walk.field === podFields.workload_kind) pod.workload_kind = utf8(bytes, start, end);
    else if (walk.field === podFields.pod_annotations) {
      pod.pod_annotations ??= {};
      addEntry(pod.pod_annotations, bytes, start, end);
    }
  }
  return pod;
}

function setContainer(process: TetragonProcess, id: string | undefined): void {
  if (id !== undefined && id !== '') process.docker = id;
}

/** The container's id inside a Pod, for an agent that tells the pod and not the id's first characters. */
function containerIdIn(bytes: Uint8Array, from: number, to: number): string | undefined {
  const walk = new Walk(bytes, from, to);
  while (walk.next())
    if (walk.field === podFields.container && walk.type === 2)
      return firstString(bytes, walk.start, walk.end).replace(/^[a-z0-9.-]+:\/\//, '');
  return undefined;
}

function decodeContainer(bytes: Uint8Array, from: number, to: number): NonNullable<TetragonPod['container']> {
  const container: NonNullable<TetragonPod['container']> = {};
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    const { start, end } = walk;
    if (walk.field === containerFields.maybe_exec_probe && walk.type === 0)
      container.maybe_exec_probe = walk.value !== 0;
    if (walk.type !== 2) continue;
    if (walk.field === containerFields.id) container.id = utf8(bytes, start, end);
    else if (walk.field === containerFields.name) container.name = utf8(bytes, start, end);
    else if (walk.field === containerFields.image) container.image = decodeImage(bytes, start, end);
    else if (walk.field === containerFields.start_time) container.start_time = timeText(bytes, start, end);
    else if (walk.field === containerFields.security_context)
      container.security_context = { privileged: firstNumber(bytes, start, end) !== 0 };
  }
  return container;
}

function decodeImage(bytes: Uint8Array, from: number, to: number): { id?: string; name?: string } {
  const image: { id?: string; name?: string } = {};
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    if (walk.type !== 2) continue;
    if (walk.field === imageFields.id) image.id = utf8(bytes, walk.start, walk.end);
    else if (walk.field === imageFields.name) image.name = utf8(bytes, walk.start, walk.end);
  }
  return image;
}

function decodeBinaryProperties(
  bytes: Uint8Array,
  from: number,
  to: number,
): NonNullable<TetragonProcess['binary_properties']> {
  const properties: NonNullable<TetragonProcess['binary_properties']> = {};
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    if (walk.field === binaryPropertiesFields.privileges_changed) {
      // Packed or not, each entry says that something was raised; which, the responder sees in the flags.
      properties.privileges_changed ??= [];
      properties.privileges_changed.push(walk.type === 0 ? walk.value : walk.end - walk.start);
    } else if (walk.field === binaryPropertiesFields.file && walk.type === 2) {
      const file = new Walk(bytes, walk.start, walk.end);
      while (file.next())
        if (file.field === filePropertiesFields.inode && file.type === 2)
          properties.file = { inode: decodeInode(bytes, file.start, file.end) };
    }
  }
  return properties;
}

/** `links` is a wrapper: present and 0 for a file without a name. */
function decodeInode(bytes: Uint8Array, from: number, to: number): { links?: number } {
  const walk = new Walk(bytes, from, to);
  while (walk.next())
    if (walk.field === inodePropertiesFields.links && walk.type === 2)
      return { links: wrappedNumber(bytes, walk.start, walk.end) };
  return {};
}

function addEntry(map: Record<string, string>, bytes: Uint8Array, from: number, to: number): void {
  let key = '';
  let value = '';
  const walk = new Walk(bytes, from, to);
  while (walk.next()) {
    if (walk.type !== 2) continue;
    if (walk.field === 1) key = utf8(bytes, walk.start, walk.end);
    else if (walk.field === 2) value = utf8(bytes, walk.start, walk.end);
  }
  map[key] = value;
}

function firstString(bytes: Uint8Array, from: number, to: number): string {
  const walk = new Walk(bytes, from, to);
  while (walk.next()) if (walk.field === 1 && walk.type === 2) return utf8(bytes, walk.start, walk.end);
  return '';
}

function firstNumber(bytes: Uint8Array, from: number, to: number): number {
  const walk = new Walk(bytes, from, to);
  while (walk.next())
    if (walk.field === securityContextFields.privileged && walk.type === 0) return walk.value;
  return 0;
}

function timeText(bytes: Uint8Array, from: number, to: number): string {
  const { seconds, nanos } = timestampParts(bytes, from, to);
  return rfc3339(seconds, nanos);
}
