import type { Ancestor } from '../../model/exec-event.ts';
import { decodeKept, type KeptProcess, type Remembered } from './memory.ts';
import { MAX_ANCESTORS } from './output-fields.ts';
import { programOf, type ToldProgram } from './program.ts';

type Fields = ReadonlyMap<string, string>;

/** Names of what starts containers and stands above them, as comm cuts them. */
const runtimeName =
  /^(?:runc(?::\[.*)?|crun|youki|runsc|kata-.*|conmon(?:rs)?|containerd(?:-shim.*)?|docker(?:d|-containerd.*)|crio|kubelet|systemd)$/;
/** A runtime's own file never lies where a container's attacker could have put one of that name. */
const unlikelyPlace = /^\/(?:tmp|var\/tmp|dev\/shm|var\/www|home\/(?!kubernetes\/))/;

/**
 * The chain above an exec, nearest first: the programs the same process ran before (if memory knows any), what
 * the message tells, and behind it what memory tells. It ends with the first process outside the container.
 */
export function ancestorsOf(fields: Fields, remembered: Remembered): Ancestor[] {
  const before = remembered.formers.map(decodeKept);
  const chain = before.map(fromMemory);
  const known = remembered.ancestors.map(decodeKept);
  let level = 0;
  for (; level < MAX_ANCESTORS; level += 1) {
    const told = toldAncestor(fields, level + 1);
    if (told === undefined) break;
    const ancestor = completed(told, known[level]);
    chain.push(ancestor);
    if (ancestor.place === 'outside') return chain;
  }
  return continued(chain, known, before.at(-1), level);
}

/**
 * Goes on with what memory has from `level` on, and with the parent that the topmost of these once had; without
 * any, with the one that the first program of the process had.
 */
function continued(
  chain: Ancestor[],
  known: KeptProcess[],
  first: KeptProcess | undefined,
  level: number,
): Ancestor[] {
  for (const process of known.slice(level)) {
    const ancestor = fromMemory(process);
    chain.push(ancestor);
    if (ancestor.place === 'outside') return chain;
  }
  const top = level === 0 && known.length === 0 ? first : known.length >= level ? known.at(-1) : undefined;
  const parent = top === undefined ? undefined : parentOfKept(top);
  if (parent !== undefined) chain.push({ ...programOf(parent), place: placeOf(parent), from: 'table' });
  return chain;
}

function toldAncestor(fields: Fields, level: number): ToldProgram | undefined {
  const told: ToldProgram = {
    exe: fields.get(`proc.aexe[${level}]`),
    exepath: fields.get(`proc.aexepath[${level}]`),
    name: fields.get(`proc.aname[${level}]`),
    cmdline: fields.get(`proc.acmdline[${level}]`),
    pid: fields.get(`proc.apid[${level}]`),
  };
  if (level === 1) {
    told.exe ??= fields.get('proc.pexe');
    told.exepath ??= fields.get('proc.pexepath');
    told.name ??= fields.get('proc.pname');
    told.cmdline ??= fields.get('proc.pcmdline');
    told.pid ??= fields.get('proc.ppid');
  }
  const named = told.name ?? told.exepath ?? told.cmdline ?? told.exe;
  return named === undefined ? undefined : told;
}

/** What the message tells; parts it leaves out come from memory if it is about the same program. */
function completed(told: ToldProgram, known: KeptProcess | undefined): Ancestor {
  const place = placeOf(told);
  const same = known !== undefined && (told.name === undefined || told.name === known['proc.name']);
  if (!same) return { ...programOf(told), place, from: 'sensor' };
  const more = toldKept(known);
  const merged: ToldProgram = {
    ...told,
    exe: told.exe ?? more.exe,
    exepath: told.exepath ?? more.exepath,
    name: told.name ?? more.name,
    cmdline: told.cmdline ?? more.cmdline,
    ...(told.cmdline === undefined && { exeline: more.exeline, cut: more.cut }),
    cwd: more.cwd,
    uid: more.uid,
    user: more.user,
    pid: told.pid ?? more.pid,
  };
  return { ...programOf(merged), place: placeOf(merged), from: 'sensor' };
}

function fromMemory(process: KeptProcess): Ancestor {
  // Memory holds only execs that Falco saw inside the container.
  return { ...programOf(toldKept(process)), place: 'container', from: 'table' };
}

function toldKept(process: KeptProcess): ToldProgram {
  return {
    exe: process['proc.exe'],
    exepath: process['proc.exepath'],
    name: process['proc.name'],
    exeline: process['proc.exeline'],
    cmdline: process['proc.cmdline'],
    cwd: process['proc.cwd'],
    pid: process['proc.pid'],
    uid: process['user.uid'],
    user: process['user.name'],
    cut: process.cut,
  };
}

function parentOfKept(process: KeptProcess): ToldProgram | undefined {
  const told: ToldProgram = {
    exepath: process['proc.pexepath'],
    name: process['proc.pname'],
    cmdline: process['proc.pcmdline'],
    pid: process['proc.ppid'],
  };
  return told.name === undefined && told.exepath === undefined ? undefined : told;
}

/**
 * Falco does not say where an ancestor runs. A process gets into a container's cgroup from a runtime or by a
 * fork inside, so the nearest ancestor that is no runtime is inside, and so is each one below the first runtime.
 */
function placeOf(told: ToldProgram): Ancestor['place'] {
  const name = told.name ?? base(told.exepath) ?? told.cmdline?.split(' ', 1)[0];
  if (name === undefined) return 'unknown';
  if (!runtimeName.test(name)) return 'container';
  if (told.exepath === undefined || told.exepath.startsWith('memfd:runc')) return 'outside';
  return unlikelyPlace.test(told.exepath) || !runtimeName.test(base(told.exepath) ?? '')
    ? 'container'
    : 'outside';
}

function base(path: string | undefined): string | undefined {
  return path?.slice(path.lastIndexOf('/') + 1);
}

/**
 * Whether the exec descends from the container's first process: it or the topmost process we remember of the
 * chain is the first of its pid namespace with nothing of the container above it; or the runtime that stands
 * above says so, since its `exec` makes a second tree. Undefined if neither is seen.
 */
export function inInitTree(
  fields: Fields,
  chain: readonly Ancestor[],
  remembered: Remembered,
): boolean | undefined {
  const inside = chain.filter((one) => one.place !== 'outside').length;
  const own = remembered.formers.length;
  if (inside === own && fields.get('proc.vpid') === '1') return true;
  const top = remembered.ancestors.at(-1);
  if (
    top !== undefined &&
    inside - own === remembered.ancestors.length &&
    decodeKept(top)['proc.vpid'] === '1'
  )
    return true;
  const runtime = chain.at(-1);
  if (runtime?.place !== 'outside' || !/^(?:runc|crun)/.test(runtime.comm ?? '')) return undefined;
  if (runtime.argv.includes('exec')) return false;
  return runtime.argv.some((word) => word === 'create' || word === 'start' || word === 'run')
    ? true
    : undefined;
}
