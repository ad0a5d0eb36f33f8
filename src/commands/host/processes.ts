import type { Host } from './host.ts';

/** A process of the host, as /proc shows it. */
export interface HostProcess {
  pid: number;
  /** File name of argv[0]. */
  name: string;
  args: string[];
}

/** All processes whose command line can be read; those of other users may be hidden (hidepid). */
export function processesOf(host: Host): HostProcess[] {
  return host
    .list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const args = (host.read(`/proc/${pid}/cmdline`) ?? '').split('\0');
      if (args.at(-1) === '') args.pop();
      const [first] = args;
      if (first === undefined || first === '') return [];
      return [{ pid: Number(pid), name: first.slice(first.lastIndexOf('/') + 1), args }];
    })
    .sort((a, b) => a.pid - b.pid);
}

/** The value of `--flag value` or `--flag=value`; the last one counts. */
export function flagOf(args: readonly string[], ...names: string[]): string | undefined {
  let value: string | undefined;
  for (const [at, arg] of args.entries())
    for (const name of names) {
      if (arg === name) value = args[at + 1];
      else if (arg.startsWith(`${name}=`)) value = arg.slice(name.length + 1);
    }
  return value;
}

/**
 * A file as the process sees it, which may run in a container; else the host's. Others' files below /proc are root's
 * alone to read.
 */
export function readAs(host: Host, process: HostProcess | undefined, path: string): string | undefined {
  const own = process === undefined ? undefined : host.read(`/proc/${process.pid}/root${path}`);
  return own ?? host.read(path);
}

/** Names in a folder as the process sees it; else the host's. */
export function listAs(host: Host, process: HostProcess | undefined, path: string): string[] {
  const own = process === undefined ? [] : host.list(`/proc/${process.pid}/root${path}`);
  return own.length > 0 ? own : host.list(path);
}
