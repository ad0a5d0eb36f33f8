import { normalizeTime } from '../../lib/time.ts';
import type {
  Ancestor,
  ArgvQuality,
  Container,
  ExecEvent,
  ExecFact,
  ExecProcess,
  FileFacts,
  ImageFacts,
  Pod,
  Program,
} from '../../model/exec-event.ts';
import { imageFromReference } from '../../model/image.ts';
import type { ProcessMemory } from '../../model/intake.ts';
import { splitArguments } from './arguments.ts';
import { decodeKept, type TetragonMessage, type TetragonPod, type TetragonProcess } from './message.ts';

/** Longest chain of ancestors that is rebuilt. */
const MAX_DEPTH = 32;
const ENOMEM = '<enomem>';
const DELETED = ' (deleted)';
const UNSET_UID = 4294967295;

/**
 * A process_exec message as ExecEvent; undefined for any other message, and for one of a process that already
 * ran when the agent started (flag procFS): that is context, not a new exec.
 */
export function normalizeMessage(
  message: TetragonMessage,
  source: string,
  processes?: ProcessMemory,
): ExecEvent | undefined {
  const exec = message.process_exec;
  const started = exec?.process;
  if (started === undefined || hasFlag(started, 'procFS')) return undefined;
  const time = normalizeTime(started.start_time ?? message.time ?? '') ?? normalizeTime(message.time ?? '');
  const container = containerOf(started);
  const image = imageOf(started.pod);
  const pod = podOf(started.pod);
  // Here and below fields are set one by one: a spread of a condition costs many times as much.
  const event = {
    id: `tetragon:${started.exec_id ?? `${message.node_name ?? ''}:${time ?? ''}:${started.pid ?? ''}`}`,
    time: time ?? '1970-01-01T00:00:00.000000000Z',
    sensor: 'tetragon',
    source,
  } as ExecEvent;
  if (message.node_name !== undefined) event.node = message.node_name;
  if (message.cluster_name !== undefined) event.cluster = message.cluster_name;
  if (container !== undefined) event.container = container;
  if (image !== undefined) event.image = image;
  if (pod !== undefined) event.pod = pod;
  event.process = execProcess(started);
  event.ancestors = ancestorsOf(exec!, container?.id, processes);
  if (started.exec_id !== undefined) event.exec_id = started.exec_id;
  return event;
}

/** Whether the word stands among the flags, which are separated by spaces. */
function hasFlag({ flags }: TetragonProcess, flag: string): boolean {
  if (flags === undefined) return false;
  for (let at = flags.indexOf(flag); at >= 0; at = flags.indexOf(flag, at + 1)) {
    const end = at + flag.length;
    if ((at === 0 || flags[at - 1] === ' ') && (end === flags.length || flags[end] === ' ')) return true;
  }
  return false;
}

/** The container's id as long as the agent gave it; undefined for a process of the host. */
export function containerIdOf(process: TetragonProcess): string | undefined {
  const full = process.pod?.container?.id;
  if (full !== undefined && full !== '') return withoutRuntime(full);
  return process.docker === undefined || process.docker === '' ? undefined : process.docker;
}

function withoutRuntime(full: string): string {
  const at = full.indexOf('://');
  return at > 0 && /^[a-z0-9.-]+$/.test(full.slice(0, at)) ? full.slice(at + 3) : full;
}

function containerOf(process: TetragonProcess): Container | undefined {
  const id = containerIdOf(process);
  if (id === undefined) return undefined;
  const told = process.pod?.container;
  const container: Container = { id };
  if (told === undefined) return container;
  const runtime = told.id?.slice(0, Math.max(0, told.id.indexOf('://'))) ?? '';
  const started = told.start_time === undefined ? undefined : normalizeTime(told.start_time);
  if (told.name !== undefined) container.name = told.name;
  if (/^[a-z0-9-]+$/.test(runtime)) container.runtime = runtime;
  if (started !== undefined) container.started_at = started;
  if (told.security_context?.privileged === true) container.privileged = true;
  return container;
}

/** `image.name` is what the pod asked for, `image.id` the runtime's imageID (a digest, mostly with a name). */
function imageOf(pod: TetragonPod | undefined): ImageFacts | undefined {
  const told = pod?.container?.image;
  if (told === undefined) return undefined;
  if (lastImage.id !== told.id || lastImage.name !== told.name)
    lastImage = { id: told.id, name: told.name, facts: imageFacts(told) };
  return lastImage.facts === undefined ? undefined : { ...lastImage.facts };
}

/** A container's events come in a row. */
let lastImage: { id?: string | undefined; name?: string | undefined; facts?: ImageFacts | undefined } = {};

function imageFacts(told: { id?: string; name?: string }): ImageFacts | undefined {
  const byId = imageFromReference(told.id ?? '');
  const byName = imageFromReference(told.name ?? '');
  const image: ImageFacts = {
    ...byName,
    ...(byName.repository === undefined && byId.repository !== undefined && { ...byId }),
    ...(byId.digest !== undefined && { digest: byId.digest }),
    ...(byId.config_digest !== undefined && { config_digest: byId.config_digest }),
  };
  return Object.keys(image).length === 0 ? undefined : image;
}

function podOf(pod: TetragonPod | undefined): Pod | undefined {
  if (pod?.namespace === undefined || pod.name === undefined) return undefined;
  const known: Pod = { namespace: pod.namespace, name: pod.name };
  if (pod.uid !== undefined && pod.uid !== '') known.uid = pod.uid;
  if (pod.pod_labels !== undefined) known.labels = pod.pod_labels;
  if (pod.pod_annotations !== undefined) known.annotations = pod.pod_annotations;
  if (pod.workload !== undefined) known.workload = pod.workload;
  if (pod.workload_kind !== undefined) known.workload_kind = pod.workload_kind;
  return known;
}

function execProcess(process: TetragonProcess): ExecProcess {
  const facts = factsOf(process);
  const file = fileOf(process);
  const inTree = inInitTree(process);
  const started: ExecProcess = programOf(process, facts);
  if (inTree !== undefined) started.in_init_tree = inTree;
  if (process.pod?.container?.maybe_exec_probe === true) started.exec_probe = true;
  if (process.auid !== undefined && process.auid !== UNSET_UID) started.login_uid = process.auid;
  if (file !== undefined) started.file = file;
  if (facts.length > 0) started.facts = facts;
  return started;
}

function inInitTree(process: TetragonProcess): boolean | undefined {
  return process.in_init_tree ?? (hasFlag(process, 'inInitTree') ? true : undefined);
}

function fileOf(process: TetragonProcess): FileFacts | undefined {
  if (process.binary?.startsWith('/memfd:') || process.binary?.startsWith('memfd:')) return { memfd: true };
  if (process.binary?.endsWith(DELETED)) return { deleted: true, unlinked: true };
  return process.binary_properties?.file?.inode?.links === 0 ? { unlinked: true } : undefined;
}

function factsOf(process: TetragonProcess): ExecFact[] {
  const facts: ExecFact[] = [];
  const binary = process.binary ?? '';
  const noArguments = process.arguments === undefined || process.arguments === ENOMEM;
  if (
    noArguments &&
    (process.cwd === ENOMEM || process.arguments === ENOMEM || hasFlag(process, 'errorArgs'))
  )
    facts.push('args_lost');
  if (binary === ENOMEM || hasFlag(process, 'errorFilename')) facts.push('binary_lost');
  if (binary === '/proc/self/exe') facts.push('self_exe');
  if (binary.includes('/fd/') && /^\/(?:proc\/(?:self|thread-self|\d+)|dev)\/fd\/\d+$/.test(binary))
    facts.push('exec_by_fd');
  if (scriptArguments(process) !== undefined) facts.push('shebang');
  if (hasFlag(process, 'execve') && !hasFlag(process, 'clone')) facts.push('same_pid');
  if (hasFlag(process, 'miss')) facts.push('miss');
  if ((process.binary_properties?.privileges_changed?.length ?? 0) > 0) facts.push('privileged_file');
  return facts;
}

function programOf(process: TetragonProcess, facts: readonly ExecFact[]): Program {
  const binary = facts.includes('binary_lost') ? undefined : process.binary;
  const { words, quality } = argvOf(process, facts);
  const { cwd, pid, uid } = process;
  const program = (binary === undefined ? {} : { binary }) as Program;
  words.unshift(binary ?? '');
  program.argv = words;
  program.argv_quality = quality;
  program.argv0_known = false;
  if (quality !== 'exact' && process.arguments !== undefined) program.arguments = process.arguments;
  if (cwd !== undefined && cwd !== ENOMEM)
    program.cwd = cwd.endsWith(DELETED) ? cwd.slice(0, -DELETED.length) : cwd;
  if (pid !== undefined) program.pid = pid;
  if (uid !== undefined) program.uid = uid;
  if (process.user?.name !== undefined && process.user.name !== '') program.user = process.user.name;
  return program;
}

const shells = /(?:^|\/)(?:ba|da|a|k|mk|z|pdk|rb)?sh$/;

function argvOf(
  process: TetragonProcess,
  facts: readonly ExecFact[],
): { words: string[]; quality: ArgvQuality } {
  if (facts.includes('args_lost')) return { words: [], quality: 'lost' };
  const split = splitArguments(process.arguments ?? '', shells.test(process.binary ?? ''));
  const words = facts.includes('shebang') ? scriptArguments(process)! : split.words;
  return { words, quality: hasFlag(process, 'truncArgs') ? 'truncated' : split.quality };
}

/**
 * For a script the agent reports the script as binary, and as arguments the interpreter's option, the script
 * again and the script's own arguments. Gives these last; undefined if the file is no script.
 */
function scriptArguments(process: TetragonProcess): string[] | undefined {
  const binary = process.binary;
  if (binary === undefined || process.arguments === undefined || binary === '') return undefined;
  // Nearly none is a script: its name would stand among the arguments.
  if (!process.arguments.includes(binary.slice(binary.lastIndexOf('/') + 1))) return undefined;
  const { words } = splitArguments(process.arguments, false);
  const at = words[0]?.startsWith('-') ? 1 : 0;
  const word = words[at];
  if (word === undefined || (word !== binary && !isSamePath(word, binary, process.cwd))) return undefined;
  return words.slice(at + 1);
}

function isSamePath(word: string, binary: string, cwd: string | undefined): boolean {
  if (word.startsWith('/') || !word.includes('/') || cwd === undefined) return false;
  const parts: string[] = [];
  for (const part of `${cwd}/${word}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}` === binary;
}

function ancestorsOf(
  exec: NonNullable<TetragonMessage['process_exec']>,
  containerId: string | undefined,
  processes: ProcessMemory | undefined,
): Ancestor[] {
  const chain: Ancestor[] = [];
  let last = exec.process!;
  const told = exec.parent === undefined ? [] : [exec.parent, ...(exec.ancestors ?? [])];
  for (const process of told) {
    if (chain.at(-1)?.place === 'outside' || chain.length >= MAX_DEPTH) return chain;
    chain.push(ancestor(process, containerId, 'sensor'));
    last = process;
  }
  while (chain.at(-1)?.place !== 'outside' && chain.length < MAX_DEPTH) {
    const process = recall(last.parent_exec_id, processes);
    if (process === undefined) break;
    chain.push(ancestor(process, containerId, 'table'));
    last = process;
  }
  return chain;
}

function recall(
  execId: string | undefined,
  processes: ProcessMemory | undefined,
): TetragonProcess | undefined {
  if (execId === undefined || execId === '' || processes === undefined) return undefined;
  const kept = processes.get(Buffer.from(execId));
  return kept === undefined ? undefined : decodeKept(kept.payload);
}

function ancestor(
  process: TetragonProcess,
  containerId: string | undefined,
  from: Ancestor['from'],
): Ancestor {
  const facts = factsOf(process);
  const above = programOf(process, facts) as Ancestor;
  above.place = placeOf(process, containerId);
  above.from = from;
  if (process.exec_id !== undefined) above.exec_id = process.exec_id;
  if (facts.length > 0) above.facts = facts;
  return above;
}

/**
 * The agent reads a process's container from the name of its cgroup. What it found on start in /proc may carry
 * the machine's own cgroup, so another id than the event's is as much outside as none.
 */
function placeOf(process: TetragonProcess, containerId: string | undefined): Ancestor['place'] {
  const own = containerIdOf(process);
  if (own === undefined) return process.flags?.includes('errorCgroup') ? 'unknown' : 'outside';
  if (containerId === undefined) return 'unknown';
  return own.startsWith(containerId) || containerId.startsWith(own) ? 'container' : 'outside';
}
