import type { Finding } from '../model/finding.ts';

/** What CEL may expect at a place in a finding. A list holds one shape, a map has strings as keys. */
export type CelShape =
  | 'string'
  | 'double'
  | 'int'
  | 'bool'
  | 'null'
  | 'dyn'
  | { list: CelShape }
  | { map: CelShape }
  | { fields: Readonly<Record<string, CelShape>> };

/** The shape of a type, so that the compiler keeps the table below and the model the same. */
type ShapeOf<T> = [T] extends [string]
  ? 'string'
  : [T] extends [number]
    ? 'double'
    : [T] extends [boolean]
      ? 'bool'
      : T extends readonly (infer E)[]
        ? { list: ShapeOf<E> }
        : string extends keyof T
          ? { map: ShapeOf<T[keyof T]> }
          : { fields: { [K in keyof T]-?: ShapeOf<NonNullable<T[K]>> } };

const texts = { list: 'string' } as const;
const labels = { map: 'string' } as const;

const program = {
  binary: 'string',
  exe: 'string',
  comm: 'string',
  argv: texts,
  argv_quality: 'string',
  argv0_known: 'bool',
  arguments: 'string',
  cwd: 'string',
  pid: 'double',
  uid: 'double',
  user: 'string',
} as const;

const mount = {
  fields: { destination: 'string', type: 'string', source: 'string', read_only: 'bool', name: 'string' },
} as const;

const file = {
  fields: {
    memfd: 'bool',
    deleted: 'bool',
    unlinked: 'bool',
    upper_layer: 'bool',
    in_mount: 'bool',
    mount,
  },
} as const;

const container = {
  fields: {
    id: 'string',
    name: 'string',
    runtime: 'string',
    kind: 'string',
    started_at: 'string',
    age_secs: 'double',
    privileged: 'bool',
    capabilities_added: texts,
    host_network: 'bool',
    host_pid: 'bool',
    read_only_root: 'bool',
    mounts: { list: mount },
    probes: { list: texts },
  },
} as const;

const image = {
  fields: {
    reference: 'string',
    registry: 'string',
    repository: 'string',
    tag: 'string',
    digest: 'string',
    config_digest: 'string',
    labels,
    created: 'string',
    size_bytes: 'double',
    layers: 'double',
    entrypoint: texts,
    command: texts,
    user: 'string',
    mutable_tag: 'bool',
    other_digests: texts,
  },
} as const;

const pod = {
  fields: {
    namespace: 'string',
    name: 'string',
    uid: 'string',
    labels,
    annotations: labels,
    namespace_labels: labels,
    workload: 'string',
    workload_kind: 'string',
    service_account: 'string',
  },
} as const;

const exec = {
  fields: {
    id: 'string',
    time: 'string',
    sensor: 'string',
    source: 'string',
    node: 'string',
    cluster: 'string',
    container,
    image,
    pod,
    process: {
      fields: {
        ...program,
        tty: 'bool',
        in_init_tree: 'bool',
        exec_probe: 'bool',
        container_process: 'bool',
        login_uid: 'double',
        file,
        facts: texts,
      },
    },
    ancestors: {
      list: { fields: { ...program, place: 'string', from: 'string', exec_id: 'string', facts: texts } },
    },
    exec_id: 'string',
    rule: 'string',
    unknown: labels,
  },
} as const;

const indicator = {
  fields: { id: 'string', points: 'double', hard: 'bool', evidence: 'string', why: 'string', mitre: texts },
} as const;

/** The finding as CEL sees it. */
export const findingShape = {
  fields: {
    schema: 'string',
    id: 'string',
    revision: 'double',
    time: 'string',
    severity: 'string',
    score: 'double',
    title: 'string',
    tool: 'string',
    category: 'string',
    why: texts,
    indicators: { list: indicator },
    mitre: texts,
    triage: { list: { fields: { text: 'string', command: 'string' } } },
    peers: {
      list: {
        fields: { role: 'string', class: 'string', host: 'string', port: 'string', path: 'string' },
      },
    },
    exec,
    related: { list: { fields: { exec_id: 'string', time: 'string', text: 'string' } } },
    context: {
      list: { fields: { time: 'string', kind: 'string', text: 'string', pid: 'double', rule: 'string' } },
    },
    test: 'bool',
    exceptions: {
      list: { fields: { name: 'string', mode: 'string', applied: 'bool', why: 'string', because: 'string' } },
    },
    severity_before: 'string',
  },
} as const satisfies ShapeOf<Finding>;
