import { z } from 'zod';
import type { ExecEvent } from './exec-event.ts';

/**
 * The types of exec-event.ts as zod schemas: the published JSON Schema is generated from them. The compiler
 * holds that they say the same (`Same`), so a fact that is added to a type is added here as well.
 */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export const text = (description: string) => z.string().describe(description);
export const texts = (description: string) => z.array(z.string()).describe(description);
export const time = (description: string) => z.string().meta({ description, format: 'date-time' });
export const flag = (description: string) => z.boolean().describe(description);
export const count = (description: string) => z.int().min(0).describe(description);
const named = (description: string) => z.record(z.string(), z.string()).describe(description);

const execFacts = z
  .array(
    z.enum([
      'args_lost',
      'binary_lost',
      'self_exe',
      'exec_by_fd',
      'shebang',
      'same_pid',
      'miss',
      'privileged_file',
    ]),
  )
  .describe("what the sensor's message shows beside the plain fields");

const program = {
  binary: text('path as given to execve, made absolute; symbolic links not resolved').exactOptional(),
  exe: text('path of the file the kernel mapped, links resolved').exactOptional(),
  comm: text("the kernel's name of the process, at most 15 bytes").exactOptional(),
  argv: texts('the words of the command line, argv[0] first'),
  argv_quality: z
    .enum(['exact', 'split', 'truncated', 'lost'])
    .describe(
      'exact: the words of execve; split: joined by the sensor and split by us; truncated: the end is missing; lost: not reported',
    ),
  argv0_known: flag('argv[0] is what execve was given'),
  arguments: text("the arguments in the sensor's own single string, without argv[0]").exactOptional(),
  cwd: text('working directory').exactOptional(),
  pid: count('process id in the namespace of the host').exactOptional(),
  uid: count('user id').exactOptional(),
  user: text('user name').exactOptional(),
};

const mount = z
  .object({
    destination: text('path in the container'),
    type: text('bind, tmpfs, volume, emptyDir, configMap, … as the runtime or Kubernetes names it'),
    source: text('path on the host').exactOptional(),
    read_only: flag('mounted read-only').exactOptional(),
    name: text("the Kubernetes volume's name").exactOptional(),
  })
  .meta({ id: 'mount', description: 'how a path gets into a container' });

const file = z
  .object({
    memfd: flag('lies in memory only (memfd_create)').exactOptional(),
    deleted: flag('had no link left when it was executed').exactOptional(),
    unlinked: flag('a memfd or a deleted file: the sensor cannot tell which').exactOptional(),
    upper_layer: flag("in the container's writable layer, so not part of the image").exactOptional(),
    in_mount: flag("lies in one of the container's mounts").exactOptional(),
    mount: mount.exactOptional(),
  })
  .meta({ id: 'file', description: 'facts about the executed file' });

const process = z
  .object({
    ...program,
    tty: flag('a controlling terminal is attached').exactOptional(),
    in_init_tree: flag("descends from the container's first process; false for kubectl exec").exactOptional(),
    exec_probe: flag('an exec probe or HEALTHCHECK of the container').exactOptional(),
    container_process: flag("the container's own first process").exactOptional(),
    login_uid: count('login user id (audit), absent when unset').exactOptional(),
    file: file.exactOptional(),
    facts: execFacts.exactOptional(),
  })
  .meta({ id: 'process', description: 'the process that was started' });

const ancestor = z
  .object({
    ...program,
    place: z.enum(['container', 'outside', 'unknown']).describe('where it runs; outside ends the chain'),
    from: z
      .enum(['sensor', 'table'])
      .describe("who told: the sensor's message or Lanner's own process table"),
    exec_id: text("the sensor's id of that exec").exactOptional(),
    facts: execFacts.exactOptional(),
  })
  .meta({ id: 'ancestor', description: 'one process above the started one' });

const container = z
  .object({
    id: text('12, 15, 31 or 64 hexadecimal characters, as long as it is known'),
    name: text('name of the container').exactOptional(),
    runtime: text('containerd, docker, cri-o, …').exactOptional(),
    kind: z
      .enum(['container', 'init', 'ephemeral'])
      .describe('what the pod declares it as; ephemeral is a debug container')
      .exactOptional(),
    started_at: time('when the container was started').exactOptional(),
    age_secs: z.number().describe("seconds from the container's start to this exec").exactOptional(),
    privileged: flag('runs privileged').exactOptional(),
    capabilities_added: texts('capabilities beyond the usual').exactOptional(),
    host_network: flag("uses the host's network").exactOptional(),
    host_pid: flag("sees the host's processes").exactOptional(),
    read_only_root: flag('the root file system is read-only').exactOptional(),
    mounts: z.array(mount).describe('what is mounted into it').exactOptional(),
    probes: z
      .array(z.array(z.string()))
      .describe('command lines of exec probes, lifecycle hooks and HEALTHCHECK, each as argv')
      .exactOptional(),
  })
  .meta({ id: 'container', description: 'the container an exec happened in' });

const pod = z
  .object({
    namespace: text('namespace'),
    name: text('name'),
    uid: text('uid').exactOptional(),
    labels: named('labels of the pod').exactOptional(),
    annotations: named('annotations of the pod').exactOptional(),
    namespace_labels: named('labels of its namespace').exactOptional(),
    workload: text('what owns the pod in the end').exactOptional(),
    workload_kind: text('Deployment, StatefulSet, CronJob, …').exactOptional(),
    service_account: text('service account').exactOptional(),
  })
  .meta({ id: 'pod', description: 'the pod of a container, and what owns it' });

const image = z
  .object({
    reference: text('as the pod or the user asked for it').exactOptional(),
    registry: text('host of the registry').exactOptional(),
    repository: text('with the registry, without tag and digest').exactOptional(),
    tag: text('tag').exactOptional(),
    digest: text('digest of the manifest: what a registry knows').exactOptional(),
    config_digest: text("digest of the configuration: what a runtime calls the image's id").exactOptional(),
    labels: named('labels of the image').exactOptional(),
    created: text('when it was built').exactOptional(),
    size_bytes: count('as the runtime counts: packed with containerd, unpacked with Docker').exactOptional(),
    layers: count('number of layers').exactOptional(),
    entrypoint: texts('its entrypoint').exactOptional(),
    command: texts('its command').exactOptional(),
    user: text('the user it runs as').exactOptional(),
    mutable_tag: flag('latest or no tag: the name may mean another image tomorrow').exactOptional(),
    other_digests: texts('other digests that run under the same tag on this node').exactOptional(),
  })
  .meta({ id: 'image', description: 'what is known of the image; each part is absent when unknown' });

export const execEventSchema = z
  .object({
    id: text('the same for the same exec seen again, where the sensor lets it be'),
    time: time("the sensor's time of the exec, in UTC with nine fractional digits"),
    sensor: z.enum(['tetragon', 'falco']).describe('the sensor that saw it'),
    source: text('the configured name of the source'),
    node: text('name of the node').exactOptional(),
    cluster: text('the configured name of the cluster').exactOptional(),
    container: container.exactOptional(),
    image: image.exactOptional(),
    pod: pod.exactOptional(),
    process,
    ancestors: z.array(ancestor).describe('nearest first, to the first process outside the container'),
    exec_id: text("the sensor's id of this exec").exactOptional(),
    rule: text('the Falco rule that let it through').exactOptional(),
    unknown: named('facts that were looked for and not found, each with its reason').exactOptional(),
  })
  .meta({ id: 'exec_event', description: 'one program start; an absent fact is unknown, never "no"' });

const isSame: Same<z.infer<typeof execEventSchema>, ExecEvent> = true;
void isSame;
