import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import type { TarEntry } from './image-tar.ts';

/** Why tests with real container runtimes cannot run here; undefined: they can. */
export function missingFor(programs: readonly string[]): string | undefined {
  if (process.geteuid?.() !== 0) return 'needs root';
  for (const program of [...programs, 'busybox']) {
    if (pathOf(program) === undefined) return `${program} is not installed (.ci/install-real.sh)`;
  }
  return undefined;
}

/** Says on the terminal why tests do not run. */
export function tellSkipped(what: string, reason: string | undefined): void {
  if (reason !== undefined) process.stderr.write(`not run here: ${what}: ${reason}\n`);
}

/** Where a program is: in the folder `LANNER_RUNTIME_DIR` (to try another release), or in the usual ones. */
export function pathOf(program: string): string | undefined {
  const first = process.env.LANNER_RUNTIME_DIR;
  const folders = [
    ...(first === undefined ? [] : [first]),
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
  ];
  return folders.map((folder) => `${folder}/${program}`).find((path) => existsSync(path));
}

/** The files of an image in two layers: the static busybox, then an application. */
export function busyboxLayers(): TarEntry[][] {
  const busybox = readFileSync(pathOf('busybox')!);
  const applets = ['sh', 'sleep', 'cat', 'echo', 'wget', 'nc', 'cp'].map((name) => ({
    name: `bin/${name}`,
    link: 'busybox',
  }));
  return [
    [{ name: 'bin/' }, { name: 'bin/busybox', mode: 0o755, content: busybox }, ...applets],
    [
      { name: 'app/' },
      { name: 'app/run.sh', mode: 0o755, content: Buffer.from('#!/bin/sh\nexec sleep 3600\n') },
    ],
  ];
}

/** Starts a daemon with its output in a file. */
export function startDaemon(program: string, args: readonly string[], log: string): ChildProcess {
  const out = openSync(log, 'a');
  const PATH = [process.env.LANNER_RUNTIME_DIR, process.env.PATH].filter(Boolean).join(':');
  return spawn(program, args, { stdio: ['ignore', out, out], env: { ...process.env, PATH } });
}

/** Ends a process and waits for it. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/** Pids whose command line names `text`, this process excluded. */
export function pidsNaming(text: string): number[] {
  return pids().filter((pid) => pid !== process.pid && readOrEmpty(`/proc/${pid}/cmdline`).includes(text));
}

/** The lowest pid in the container's cgroup: its first process. */
export function firstPidOf(containerId: string): number | undefined {
  return pids().find((pid) => readOrEmpty(`/proc/${pid}/cgroup`).includes(containerId));
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Unmounts everything below a folder, innermost first. */
export function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounts.reverse()) {
    try {
      execFileSync('umount', ['-l', path], { stdio: 'ignore' });
    } catch {
      // Gone meanwhile with what was mounted round it.
    }
  }
}

/** A port of 127.0.0.1 that was free a moment ago, for a daemon that cannot choose one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
