import type { TetragonMessage, TetragonPod, TetragonProcess } from './message.ts';

/**
 * A line of Tetragon's JSON export as TetragonMessage. What has another type than protojson gives it is left
 * out, so that no later code meets a surprise. Throws for text that is no JSON object.
 */
export function messageFromJson(text: string): TetragonMessage {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new SyntaxError('a JSON object was expected');
  const json = parsed as Json;
  const exec = object(json.process_exec);
  const exit = object(json.process_exit);
  const throttle = object(json.process_throttle);
  const limit = object(json.rate_limit_info);
  return strip({
    process_exec: exec && {
      process: processFrom(exec.process),
      parent: processFrom(exec.parent),
      ancestors: Array.isArray(exec.ancestors)
        ? exec.ancestors.map(processFrom).filter((one) => one !== undefined)
        : undefined,
    },
    process_exit: exit && { process: processFrom(exit.process) },
    process_throttle: throttle && { type: string(throttle.type), cgroup: string(throttle.cgroup) },
    rate_limit_info: limit && {
      number_of_dropped_process_events: Number(limit.number_of_dropped_process_events ?? 0) || 0,
    },
    node_name: string(json.node_name),
    time: string(json.time),
    cluster_name: string(json.cluster_name),
  }) as TetragonMessage;
}

type Json = Record<string, unknown>;

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
function boolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}
function strings(value: unknown): Record<string, string> | undefined {
  const map = object(value);
  if (map === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(map).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Without the keys that are undefined, on all levels. */
function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== 'object' || value === null) return value;
  const kept: Json = {};
  for (const [key, inner] of Object.entries(value)) if (inner !== undefined) kept[key] = strip(inner);
  return kept;
}

function processFrom(value: unknown): TetragonProcess | undefined {
  const json = object(value);
  if (json === undefined) return undefined;
  const properties = object(json.binary_properties);
  const links = number(object(object(properties?.file)?.inode)?.links);
  const user = string(object(json.user)?.name);
  return strip({
    exec_id: string(json.exec_id),
    pid: number(json.pid),
    uid: number(json.uid),
    cwd: string(json.cwd),
    binary: string(json.binary),
    arguments: string(json.arguments),
    flags: string(json.flags),
    start_time: string(json.start_time),
    auid: number(json.auid),
    pod: podFrom(json.pod),
    docker: string(json.docker),
    parent_exec_id: string(json.parent_exec_id),
    binary_properties: properties && {
      privileges_changed: Array.isArray(properties.privileges_changed)
        ? properties.privileges_changed
        : undefined,
      file: links === undefined ? undefined : { inode: { links } },
    },
    user: user === undefined ? undefined : { name: user },
    in_init_tree: boolean(json.in_init_tree),
  }) as TetragonProcess;
}

function podFrom(value: unknown): TetragonPod | undefined {
  const json = object(value);
  if (json === undefined) return undefined;
  const container = object(json.container);
  const image = object(container?.image);
  return strip({
    namespace: string(json.namespace),
    name: string(json.name),
    uid: string(json.uid),
    container: container && {
      id: string(container.id),
      name: string(container.name),
      image: image && { id: string(image.id), name: string(image.name) },
      start_time: string(container.start_time),
      maybe_exec_probe: boolean(container.maybe_exec_probe),
      security_context: { privileged: boolean(object(container.security_context)?.privileged) },
    },
    pod_labels: strings(json.pod_labels),
    workload: string(json.workload),
    workload_kind: string(json.workload_kind),
    pod_annotations: strings(json.pod_annotations),
  }) as TetragonPod;
}
