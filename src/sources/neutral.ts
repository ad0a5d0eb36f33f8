/** Labelled corpora: the neutral form of an exec, one JSON object. */
import type {
  Ancestor,
  ExecEvent,
  ExecProcess,
  FileFacts,
  ImageFacts,
  Program,
} from '../model/exec-event.ts';

/** A process as the neutral form writes it. */
interface NeutralProgram {
  /** The file the kernel mapped. */
  exe: string;
  /** The path given to execve when it differs. */
  execPath?: string;
  argv: string[];
  cwd?: string;
  uid?: number;
  pid?: number;
}

interface NeutralEvent extends NeutralProgram {
  tty?: boolean;
  argsTruncated?: boolean;
  inInitTree?: boolean;
  container?: {
    id: string | null;
    name?: string;
    image?: string;
    imageId?: string;
    maybeExecProbe?: boolean;
  };
  pod?: {
    namespace: string;
    name: string;
    workload?: string;
    workloadKind?: string;
    labels?: Record<string, string>;
  };
  fileFlags?: { upperLayer?: boolean; memfd?: boolean; deleted?: boolean };
  ancestors?: (NeutralProgram & { host?: boolean })[];
  id?: string;
  time?: string;
}

/**
 * Turns an event of a corpus into an ExecEvent. Undefined if it has neither a program nor arguments. The
 * neutral form knows everything, so argv is exact and argv[0] is what execve was given.
 */
export function normalizeNeutral(json: unknown, sourceName: string): ExecEvent | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const event = json as Partial<NeutralEvent>;
  if (typeof event.exe !== 'string' && !Array.isArray(event.argv)) return undefined;
  const id = event.id ?? `${event.container?.id ?? 'host'}:${event.pid ?? 0}`;
  const image = imageOf(event.container);
  const { container, pod } = event;
  return {
    id,
    time: event.time ?? '1970-01-01T00:00:00.000000000Z',
    sensor: 'tetragon',
    source: sourceName,
    ...(container?.id
      ? { container: { id: container.id, ...(container.name === undefined ? {} : { name: container.name }) } }
      : {}),
    ...(image === undefined ? {} : { image }),
    ...(pod === undefined
      ? {}
      : {
          pod: {
            namespace: pod.namespace,
            name: pod.name,
            ...(pod.labels === undefined ? {} : { labels: pod.labels }),
            ...(pod.workload === undefined ? {} : { workload: pod.workload }),
            ...(pod.workloadKind === undefined ? {} : { workload_kind: pod.workloadKind }),
          },
        }),
    process: processOf(event),
    ancestors: (event.ancestors ?? []).map(ancestorOf),
  };
}

function programOf(program: Partial<NeutralProgram>): Program {
  const exe = typeof program.exe === 'string' ? program.exe : undefined;
  const binary = program.execPath ?? exe;
  return {
    argv: Array.isArray(program.argv) ? program.argv.map(String) : [],
    argv_quality: 'exact',
    argv0_known: true,
    ...(binary === undefined ? {} : { binary }),
    ...(exe === undefined ? {} : { exe }),
    ...(program.cwd === undefined ? {} : { cwd: program.cwd }),
    ...(program.pid === undefined ? {} : { pid: program.pid }),
    ...(program.uid === undefined ? {} : { uid: program.uid }),
  };
}

function processOf(event: Partial<NeutralEvent>): ExecProcess {
  const file = fileOf(event.fileFlags);
  return {
    ...programOf(event),
    ...(event.argsTruncated ? { argv_quality: 'truncated' as const } : {}),
    ...(event.tty === undefined ? {} : { tty: event.tty }),
    ...(event.inInitTree === undefined ? {} : { in_init_tree: event.inInitTree }),
    ...(event.container?.maybeExecProbe === undefined ? {} : { exec_probe: event.container.maybeExecProbe }),
    ...(file === undefined ? {} : { file }),
  };
}

function fileOf(flags: NeutralEvent['fileFlags']): FileFacts | undefined {
  if (!flags) return undefined;
  return {
    ...(flags.memfd === undefined ? {} : { memfd: flags.memfd }),
    ...(flags.deleted === undefined ? {} : { deleted: flags.deleted }),
    ...(flags.upperLayer === undefined ? {} : { upper_layer: flags.upperLayer }),
  };
}

function ancestorOf(ancestor: NeutralProgram & { host?: boolean }): Ancestor {
  return { ...programOf(ancestor), place: ancestor.host ? 'outside' : 'container', from: 'sensor' };
}

function imageOf(container: NeutralEvent['container']): ImageFacts | undefined {
  if (!container?.image) return undefined;
  const reference = container.image;
  const slash = reference.lastIndexOf('/');
  const colon = reference.indexOf(':', slash + 1);
  return {
    reference,
    repository: colon < 0 ? reference : reference.slice(0, colon),
    ...(colon < 0 ? {} : { tag: reference.slice(colon + 1) }),
    ...(container.imageId === undefined ? {} : { digest: container.imageId }),
  };
}
