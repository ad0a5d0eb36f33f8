// Written by `npm run generate` from proto/tetragon/*.proto.

export const getEventsResponseFields = {
  process_exec: 1,
  process_exit: 5,
  process_throttle: 27,
  rate_limit_info: 40001,
  node_name: 1000,
  time: 1001,
  cluster_name: 1003,
} as const;

export const processExecFields = {
  process: 1,
  parent: 2,
  ancestors: 3,
} as const;

export const processExitFields = {
  process: 1,
  parent: 2,
  signal: 3,
  status: 4,
  time: 5,
} as const;

export const processThrottleFields = {
  type: 1,
  cgroup: 2,
} as const;

export const rateLimitInfoFields = {
  number_of_dropped_process_events: 1,
} as const;

export const processFields = {
  exec_id: 1,
  pid: 2,
  uid: 3,
  cwd: 4,
  binary: 5,
  arguments: 6,
  flags: 7,
  start_time: 8,
  auid: 9,
  pod: 10,
  docker: 11,
  parent_exec_id: 12,
  binary_properties: 18,
  user: 19,
  in_init_tree: 20,
} as const;

export const podFields = {
  namespace: 1,
  name: 2,
  uid: 3,
  container: 4,
  pod_labels: 5,
  workload: 6,
  workload_kind: 7,
  pod_annotations: 8,
} as const;

export const containerFields = {
  id: 1,
  name: 2,
  image: 3,
  start_time: 4,
  pid: 5,
  maybe_exec_probe: 13,
  security_context: 14,
} as const;

export const imageFields = {
  id: 1,
  name: 2,
} as const;

export const binaryPropertiesFields = {
  setuid: 1,
  setgid: 2,
  privileges_changed: 3,
  file: 4,
} as const;

export const filePropertiesFields = {
  inode: 1,
  path: 2,
} as const;

export const inodePropertiesFields = {
  number: 1,
  links: 2,
} as const;

export const securityContextFields = {
  privileged: 1,
} as const;

export const getEventsRequestFields = {
  allow_list: 1,
  deny_list: 2,
  field_filters: 4,
} as const;

export const filterFields = {
  binary_regex: 1,
  namespace: 2,
  health_check: 3,
  pid: 4,
  pid_set: 5,
  event_set: 6,
  pod_regex: 7,
  arguments_regex: 8,
  labels: 9,
  policy_names: 10,
  parent_binary_regex: 12,
  cel_expression: 13,
  parent_arguments_regex: 14,
  container_id: 15,
  in_init_tree: 16,
  ancestor_binary_regex: 17,
  container_name_regex: 18,
  namespace_regex: 19,
} as const;

export const fieldFilterFields = {
  event_set: 1,
  fields: 2,
  action: 3,
  invert_event_set: 4,
} as const;

export const eventTypeValues = {
  UNDEF: 0,
  PROCESS_EXEC: 1,
  PROCESS_EXIT: 5,
  PROCESS_KPROBE: 9,
  PROCESS_TRACEPOINT: 10,
  PROCESS_LOADER: 11,
  PROCESS_UPROBE: 12,
  PROCESS_THROTTLE: 27,
  PROCESS_LSM: 28,
  PROCESS_USDT: 29,
  TEST: 40000,
  RATE_LIMIT_INFO: 40001,
} as const;

export const fieldFilterActionValues = {
  INCLUDE: 0,
  EXCLUDE: 1,
} as const;

export const getVersionResponseFields = {
  version: 1,
} as const;
