/**
 * What of an exec a judgement rests on. Types hold it: nothing else of an event reaches the detection, so two execs
 * that are alike in this are judged alike. Texts that name the exec (`why`, `triage`) are written from its event.
 */
import type {
  Ancestor,
  Container,
  ExecProcess,
  FileFacts,
  ImageFacts,
  Mount,
  Pod,
  Program,
  Sensor,
} from '../model/exec-event.ts';

export type EvidenceMount = Pick<Mount, 'destination' | 'type' | 'read_only'>;
type Words = 'argv' | 'argv_quality' | 'argv0_known' | 'arguments' | 'cwd';
export type EvidenceProgram = Pick<Program, 'binary' | 'exe' | 'comm' | Words>;

export type EvidenceProcess = EvidenceProgram &
  Pick<ExecProcess, 'tty' | 'in_init_tree' | 'exec_probe' | 'facts'> & {
    file?: Pick<FileFacts, 'memfd' | 'deleted' | 'unlinked' | 'upper_layer'>;
  };
export type EvidenceAncestor = EvidenceProgram & Pick<Ancestor, 'place'>;

export interface Evidence {
  sensor: Sensor;
  container?: Pick<Container, 'probes'> & { mounts?: EvidenceMount[] };
  image?: Pick<ImageFacts, 'repository' | 'reference'>;
  pod?: Pick<Pod, 'workload_kind'>;
  process: EvidenceProcess;
  ancestors: readonly EvidenceAncestor[];
}

/** Longer ones are not remembered: a key may not cost what it saves. */
const LONGEST_PROCESS = 512;
const LONGEST = 2048;

/** The key of what a process says by itself; undefined where it is too long. Texts are netstrings: no two are alike. */
export function processKey(process: EvidenceProcess, sensor: Sensor): string | undefined {
  const { file, facts, tty, in_init_tree, exec_probe } = process;
  if ((process.arguments?.length ?? 0) > LONGEST_PROCESS || process.argv.length > LONGEST_PROCESS / 4)
    return undefined;
  let key = `${sensor[0]}${bit(tty)}${bit(in_init_tree)}${bit(exec_probe)}`;
  if (file !== undefined)
    key += `f${bit(file.memfd)}${bit(file.deleted)}${bit(file.unlinked)}${bit(file.upper_layer)}`;
  if (facts !== undefined) key += list(facts);
  key += programKey(process);
  return key.length > LONGEST_PROCESS ? undefined : key;
}

/** The key of all that a judgement rests on; `process` is the key of its process. */
export function evidenceKey(
  process: string,
  { container, image, pod, ancestors }: Evidence,
): string | undefined {
  let key = `${process}${text(image?.repository)}${text(image?.reference)}${text(pod?.workload_kind)}`;
  for (const ancestor of ancestors) {
    key += `a${ancestor.place[0]}${programKey(ancestor)}`;
    if (key.length > LONGEST) return undefined;
  }
  if (container?.mounts !== undefined) {
    key += `m${container.mounts.length};`;
    for (const mount of container.mounts)
      key += `${text(mount.destination)}${text(mount.type)}${bit(mount.read_only)}`;
  }
  if (container?.probes !== undefined) for (const probe of container.probes) key += list(probe);
  return key.length > LONGEST ? undefined : key;
}

function programKey(program: EvidenceProgram): string {
  const { binary, exe, comm, argv, argv_quality, argv0_known, arguments: joined, cwd } = program;
  return `${text(binary)}${text(exe)}${text(comm)}${argv_quality[0]}${bit(argv0_known)}${text(joined)}${text(cwd)}${list(argv)}`;
}

function list(words: readonly string[]): string {
  let key = `[${words.length};`;
  for (const word of words) key += `${word.length}:${word}`;
  return key;
}

function text(value: string | undefined): string {
  return value === undefined ? '-' : `${value.length}:${value}`;
}

function bit(value: boolean | undefined): string {
  return value === undefined ? '-' : value ? '1' : '0';
}
