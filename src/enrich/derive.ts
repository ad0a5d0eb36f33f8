import { posix } from 'node:path';
import { secondsOf } from '../lib/time.ts';
import type { Container, ExecEvent, ExecProcess, FileFacts } from '../model/exec-event.ts';
import { mountOf } from './mounts.ts';

/** Seconds from the container's start to the exec; undefined if either time is unknown. */
export function ageAt(time: string, startedAt: string | undefined): number | undefined {
  if (startedAt === undefined) return undefined;
  const age = secondsOf(time) - secondsOf(startedAt);
  if (Number.isNaN(age)) return undefined;
  // The first exec comes a little before the runtime notes the start.
  return Math.max(0, Math.round(age * 1000) / 1000);
}

/**
 * Whether this exec is of the container's first process. Sure by its pid; without one only by a process tree
 * that begins in the container with the argv the container was started with. Undefined where it cannot be told.
 */
export function isFirstProcess(
  event: ExecEvent,
  first: { pid?: number; argv?: string[] } | undefined,
): boolean | undefined {
  const { process } = event;
  if (process.in_init_tree === false) return false;
  if (first?.pid !== undefined && process.pid !== undefined) return first.pid === process.pid;
  const above = event.ancestors[0];
  if (above === undefined) return undefined;
  if (above.place === 'container') return process.facts?.includes('same_pid') ? undefined : false;
  if (above.place !== 'outside' || process.in_init_tree !== true) return undefined;
  const isSame =
    first?.argv !== undefined &&
    process.argv_quality === 'exact' &&
    process.argv.length === first.argv.length &&
    process.argv.every((word, at) => word === first.argv![at]);
  return isSame ? true : undefined;
}

/** Whether the executed path lies in a mount, and in which. Empty where the path or the mounts are unknown. */
export function mountFacts(
  process: ExecProcess,
  container: Container,
): Pick<FileFacts, 'in_mount' | 'mount'> {
  if (container.mounts === undefined) return {};
  const path = process.binary ?? process.exe;
  if (path === undefined || !path.startsWith('/')) return {};
  const facts = process.facts ?? [];
  // What was executed through a descriptor lies elsewhere than its path says.
  if (facts.includes('exec_by_fd') || facts.includes('self_exe') || facts.includes('binary_lost')) return {};
  if (process.file?.memfd || process.file?.unlinked) return {};
  const mount = mountOf(posix.normalize(path), container.mounts);
  return mount === undefined ? { in_mount: false } : { in_mount: true, mount };
}
