/**
 * The nouns of Lanner. Nothing here imports anything of ours.
 *
 * Terminology
 *   sensor      Falco or Tetragon.
 *   source      our connection to one sensor, which yields events.
 *   exec event  one program start inside the sensor's view, whatever the sensor: `ExecEvent`.
 *   ancestors   the processes above the one that was started, nearest first.
 *   tool        a network utility of the taxonomy; never the file ("binary") that was executed.
 *   indicator   a suspicious way of use, with its evidence.
 *   finding     what Lanner reports.
 *
 * These types are wire types: plain JSON with snake_case keys, so that what was judged is exactly what is
 * stored, delivered and judged again by `replay` and `explain`. A fact a sensor cannot tell is absent: absent
 * means unknown, never "no".
 */

/** The sensors whose streams Lanner reads. */
export type Sensor = 'tetragon' | 'falco';

/**
 * How far `argv` can be trusted:
 * - `exact`      the words are the words of execve;
 * - `split`      the sensor joined them and the boundaries are our best reading;
 * - `truncated`  as `split`, and the end is missing;
 * - `lost`       the sensor could not report the arguments at all (never the same as "no arguments").
 */
export type ArgvQuality = 'exact' | 'split' | 'truncated' | 'lost';

/**
 * What the sensor's message shows beside the plain fields, and what the detection must not overlook.
 * - `args_lost`      the arguments did not fit the sensor's buffers (Tetragon's `<enomem>`)
 * - `binary_lost`    the path of the executed file did not fit
 * - `self_exe`       `/proc/self/exe` inside a container: a multi-call program started itself again; which
 *                    applet runs stands only in the parent's arguments
 * - `exec_by_fd`     `/proc/self/fd/N`, `/dev/fd/N`: the file was executed through a descriptor
 * - `shebang`        the executed file is a script; its interpreter is not reported
 * - `same_pid`       execve without a fork: the first ancestor is the former program of the same process
 * - `miss`           the sensor could not find the parent
 * - `privileged_file` a set-user-id, set-group-id or file-capability program raised privileges
 */
export type ExecFact =
  | 'args_lost'
  | 'binary_lost'
  | 'self_exe'
  | 'exec_by_fd'
  | 'shebang'
  | 'same_pid'
  | 'miss'
  | 'privileged_file';

/** A program as one process runs it. */
export interface Program {
  /** Path as given to execve, made absolute; symbolic links not resolved. Tetragon tells it, Falco does not. */
  binary?: string;
  /** Path of the file the kernel mapped, links resolved (the interpreter for a script). Falco tells it. */
  exe?: string;
  /** The kernel's `comm`, at most 15 bytes. */
  comm?: string;
  /** `argv[0]` included. Where the sensor does not report it, `argv[0]` is the path or name that is known. */
  argv: string[];
  argv_quality: ArgvQuality;
  /** True if `argv[0]` is what execve was given, so that a masquerade can be told. */
  argv0_known: boolean;
  /** The arguments in the sensor's own single string, without argv[0]; present where the split is not exact. */
  arguments?: string;
  cwd?: string;
  pid?: number;
  uid?: number;
  user?: string;
}

/** Facts about the executed file. */
export interface FileFacts {
  /** Lies in memory only (memfd_create). */
  memfd?: boolean;
  /** Had no link left when it was executed. Tetragon cannot tell this from `memfd`: then both are absent and `unlinked` is true. */
  deleted?: boolean;
  /** No link left: a memfd or a deleted file. */
  unlinked?: boolean;
  /** In the container's writable overlay layer, so not part of the image. */
  upper_layer?: boolean;
  /** The path as given lies in a mount, so the file is not the image's; false: in none of the container's mounts. */
  in_mount?: boolean;
  /** That mount: the innermost one. */
  mount?: Mount;
}

/** The process that was started. */
export interface ExecProcess extends Program {
  /** A controlling terminal is attached. */
  tty?: boolean;
  /** Descends from the container's first process; false for `kubectl exec`, `docker exec`, exec probes. */
  in_init_tree?: boolean;
  /** The sensor or the runtime says that this is an exec probe or HEALTHCHECK of the container. */
  exec_probe?: boolean;
  /** It is the container's own first process (the entrypoint, or what that became by exec without a fork). */
  container_process?: boolean;
  /** Login user id (audit), absent when unset. */
  login_uid?: number;
  file?: FileFacts;
  facts?: ExecFact[];
}

/** One process above the started one. */
export interface Ancestor extends Program {
  /** Where it runs. `outside` ends the chain: runc, the shim, systemd are never evidence. */
  place: 'container' | 'outside' | 'unknown';
  /** Who told us: the sensor's message or our own process table. */
  from: 'sensor' | 'table';
  /** The sensor's id of that exec, where it has one. */
  exec_id?: string;
  facts?: ExecFact[];
}

/** How a path gets into a container. */
export interface Mount {
  destination: string;
  /** `bind`, `tmpfs`, `volume`, `emptyDir`, `configMap`, … as the runtime or Kubernetes names it. */
  type: string;
  source?: string;
  read_only?: boolean;
  /** The Kubernetes volume's name. */
  name?: string;
}

/** The container an exec happened in. */
export interface Container {
  /** As long as the sensor gave it: 12, 15, 31 or 64 hexadecimal characters; 64 once enrichment resolved it. */
  id: string;
  name?: string;
  /** `containerd`, `docker`, `cri-o`, … */
  runtime?: string;
  /** What the pod declares it as; `ephemeral` is a debug container added to a running pod. */
  kind?: 'container' | 'init' | 'ephemeral';
  /** RFC 3339. */
  started_at?: string;
  /** Seconds from the container's start to this exec, to the millisecond; 0 for its first process. */
  age_secs?: number;
  privileged?: boolean;
  capabilities_added?: string[];
  host_network?: boolean;
  host_pid?: boolean;
  read_only_root?: boolean;
  mounts?: Mount[];
  /** Command lines of exec probes, lifecycle hooks and HEALTHCHECK, each as argv. */
  probes?: string[][];
}

/** The pod of a container, and what owns it. */
export interface Pod {
  namespace: string;
  name: string;
  uid?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  namespace_labels?: Record<string, string>;
  workload?: string;
  workload_kind?: string;
  service_account?: string;
}

/** One program start. `id` is the same for the same exec seen again, where the sensor lets it be. */
export interface ExecEvent {
  id: string;
  /** RFC 3339 in UTC with nine fractional digits: the sensor's time of the exec. */
  time: string;
  sensor: Sensor;
  /** The configured name of the source. */
  source: string;
  node?: string;
  cluster?: string;
  /** Absent: a process of the host. */
  container?: Container;
  image?: ImageFacts;
  pod?: Pod;
  process: ExecProcess;
  /** Nearest first; ends with the first process outside the container, or where knowledge ends. */
  ancestors: Ancestor[];
  /** The process's exec was seen by the sensor's id; lets later events name it as parent. */
  exec_id?: string;
  /** The Falco rule that let it through. */
  rule?: string;
  /** Facts enrichment looked for and could not get, by name (`image`, `image.digest`, `pod`), each with its reason. */
  unknown?: Record<string, string>;
}

/** What is known of the image a container runs. Each part is absent when unknown. */
export interface ImageFacts {
  /** As the pod or the user asked for it. */
  reference?: string;
  registry?: string;
  /** With the registry, without tag and digest. */
  repository?: string;
  tag?: string;
  /** Digest of the manifest (`repo@sha256:…`): what a registry knows. */
  digest?: string;
  /** Digest of the configuration: what a runtime calls the image's id. */
  config_digest?: string;
  labels?: Record<string, string>;
  created?: string;
  /** As the runtime counts: packed with containerd, unpacked with Docker. */
  size_bytes?: number;
  layers?: number;
  entrypoint?: string[];
  command?: string[];
  user?: string;
  /** `latest` or no tag: the name may mean another image tomorrow. */
  mutable_tag?: boolean;
  /** Other digests that run under the same tag on this node. */
  other_digests?: string[];
}
