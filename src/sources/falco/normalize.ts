import { createHash } from 'node:crypto';
import { rfc3339 } from '../../lib/time.ts';
import type {
  Container,
  ExecEvent,
  ExecFact,
  ExecProcess,
  FileFacts,
  ImageFacts,
  Pod,
} from '../../model/exec-event.ts';
import { imageFromReference } from '../../model/image.ts';
import { ancestorsOf, inInitTree } from './ancestors.ts';
import type { Remembered } from './memory.ts';
import type { FalcoAlert } from './message.ts';
import { programOf } from './program.ts';

type Fields = ReadonlyMap<string, string>;

/**
 * An alert about a successful exec as ExecEvent. Falco's stock rules print fewer fields than ours (no pid, no
 * argv[0], no digest): what they leave out is absent. `remembered` is what memory knew when the alert came.
 */
export function normalizeAlert(
  alert: FalcoAlert,
  source: string,
  remembered: Remembered = { formers: [], ancestors: [] },
): ExecEvent {
  const { fields } = alert;
  const container = containerOf(fields);
  const image = container === undefined ? undefined : imageOf(fields);
  const pod = container === undefined ? undefined : podOf(fields);
  const node = alert.hostname === '' ? fields.get('evt.hostname') : alert.hostname;
  const ancestors = ancestorsOf(fields, remembered);
  return {
    id: idOf(alert, node ?? ''),
    time: alert.time === '' ? '1970-01-01T00:00:00.000000000Z' : alert.time,
    sensor: 'falco',
    source,
    ...(node !== undefined && { node }),
    ...(container !== undefined && { container }),
    ...(image !== undefined && { image }),
    ...(pod !== undefined && { pod }),
    process: processOf(fields, remembered, ancestors),
    ancestors,
    rule: alert.rule,
  };
}

/**
 * The same for one exec whichever rule printed it and whichever way it came. So it is made only of what every
 * exec rule prints; pid and event number are left out, since Falco's stock rules do not print them. Host, time in
 * nanoseconds, container and program together are one exec.
 */
function idOf(alert: FalcoAlert, node: string): string {
  const { fields } = alert;
  const parts = [
    node,
    (fields.get('container.id') ?? 'host').slice(0, 12),
    alert.time,
    fields.get('proc.name') ?? '',
    fields.get('proc.exepath') ?? '',
  ];
  return `falco:${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)}`;
}

/** The container's id; undefined for a process of the host. */
export function containerIdOf(fields: Fields): string | undefined {
  const id = fields.get('container.id');
  if (id === undefined || id === 'host') return undefined;
  const full = fields.get('container.full_id');
  return full?.startsWith(id) ? full : id;
}

function containerOf(fields: Fields): Container | undefined {
  const id = containerIdOf(fields);
  if (id === undefined) return undefined;
  const started = nanos(fields.get('container.start_ts'));
  const privileged = flag(fields.get('container.privileged'));
  return {
    id,
    ...stringAs('name', fields.get('container.name')),
    ...stringAs('runtime', fields.get('container.type')),
    ...(started !== undefined && { started_at: started }),
    ...(privileged !== undefined && { privileged }),
  };
}

/** `container.image.id` is not read: with containerd it may hold a tag. */
function imageOf(fields: Fields): ImageFacts | undefined {
  const repository = fields.get('container.image.repository');
  const tag = fields.get('container.image.tag');
  const digest = fields.get('container.image.digest');
  const told = fields.get('container.image');
  if (repository === undefined && told === undefined && digest === undefined) return undefined;
  const behind = tag !== undefined ? `:${tag}` : digest !== undefined ? `@${digest}` : '';
  const reference = told ?? (repository === undefined ? undefined : repository + behind);
  return {
    ...(reference !== undefined && imageFromReference(reference)),
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

function podOf(fields: Fields): Pod | undefined {
  const name = fields.get('k8s.pod.name');
  const namespace = fields.get('k8s.ns.name');
  if (name === undefined || namespace === undefined) return undefined;
  const labels = labelsOf(fields.get('k8s.pod.labels'));
  return {
    namespace,
    name,
    ...stringAs('uid', fields.get('k8s.pod.uid')),
    ...(labels !== undefined && { labels }),
  };
}

/** `app:web, tier:front`; neither keys nor values of labels can hold a comma or a colon. */
function labelsOf(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined) return undefined;
  const pairs = text.split(',').map((pair) => pair.trim().split(':'));
  const labels = pairs.filter((pair): pair is [string, string] => pair.length === 2 && pair[0] !== '');
  return labels.length === 0 ? undefined : Object.fromEntries(labels);
}

function processOf(fields: Fields, remembered: Remembered, ancestors: ExecEvent['ancestors']): ExecProcess {
  const tty = fields.get('proc.tty');
  const login = fields.get('user.loginuid');
  const tree = inInitTree(fields, ancestors, remembered);
  const file = fileFacts(fields);
  const program = programOf({
    exe: fields.get('proc.exe'),
    exepath: fields.get('proc.exepath'),
    name: fields.get('proc.name'),
    args: fields.get('proc.args'),
    exeline: fields.get('proc.exeline'),
    cmdline: fields.get('proc.cmdline'),
    nargs: fields.get('proc.cmdnargs'),
    lenargs: fields.get('proc.cmdlenargs'),
    cwd: fields.get('proc.cwd'),
    pid: fields.get('proc.pid'),
    uid: fields.get('user.uid'),
    user: fields.get('user.name'),
  });
  const facts = factsOf(fields, remembered, program.binary !== undefined);
  return {
    ...program,
    ...(tty !== undefined && /^\d+$/.test(tty) && { tty: tty !== '0' }),
    ...(tree !== undefined && { in_init_tree: tree }),
    ...(isProbe(fields) && { exec_probe: true }),
    ...(login !== undefined && /^\d+$/.test(login) && login !== '4294967295' && { login_uid: Number(login) }),
    ...(file !== undefined && { file }),
    ...(facts.length > 0 && { facts }),
  };
}

/** False is no proof: Falco knows probes only from an annotation that `kubectl apply` leaves. */
function isProbe(fields: Fields): boolean {
  return ['healthcheck', 'liveness_probe', 'readiness_probe'].some(
    (kind) => flag(fields.get(`proc.is_container_${kind}`)) === true,
  );
}

function fileFacts(fields: Fields): FileFacts | undefined {
  const path = fields.get('proc.exepath') ?? '';
  const flags = fields.get('evt.arg.flags');
  const upper =
    flag(fields.get('proc.is_exe_upper_layer')) ??
    (flags === undefined ? undefined : flags.includes('EXE_UPPER_LAYER'));
  const memfd =
    flag(fields.get('proc.is_exe_from_memfd')) ??
    (path.startsWith('memfd:') || flags?.includes('EXE_FROM_MEMFD') ? true : undefined);
  const deleted = path.endsWith(' (deleted)');
  const facts: FileFacts = {
    ...(memfd !== undefined && { memfd }),
    ...(deleted && memfd !== true && { deleted }),
    ...((deleted || memfd === true) && { unlinked: true }),
    ...(upper !== undefined && { upper_layer: upper }),
  };
  return Object.keys(facts).length === 0 ? undefined : facts;
}

function factsOf(fields: Fields, remembered: Remembered, script: boolean): ExecFact[] {
  const name = fields.get('proc.name') ?? '';
  const path = fields.get('proc.exepath') ?? '';
  const base = path.slice(path.lastIndexOf('/') + 1);
  const facts: ExecFact[] = [];
  // comm is the last part of what execve was given: `/proc/self/exe`, `/proc/self/fd/3`.
  if (name === 'exe' && base !== '' && base !== 'exe') facts.push('self_exe');
  if (/^\d+$/.test(name) && base !== '' && base !== name) facts.push('exec_by_fd');
  if (script) facts.push('shebang');
  if (remembered.formers.length > 0) facts.push('same_pid');
  return facts;
}

function flag(text: string | undefined): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function nanos(text: string | undefined): string | undefined {
  if (text === undefined || !/^\d{10,19}$/.test(text)) return undefined;
  return rfc3339(Number(text.slice(0, -9)), Number(text.slice(-9)));
}

function stringAs<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, string>>);
}
