import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../enriching.ts';
import { writeImage } from './image-tar.ts';
import { busyboxLayers, endProcess, pathOf, pidsNaming, startDaemon, unmountBelow } from './system.ts';

const reference = 'registry.test/shop/web:1.4.2';

/** A dockerd of the test's own, without a network. */
export interface RealDockerd {
  readonly socket: string;
  readonly reference: string;
  readonly configDigest: string;
  /** `docker` with these arguments; returns what it wrote, trimmed. */
  docker(...args: string[]): string;
  kill(): Promise<void>;
  start(): Promise<void>;
  clean(): Promise<void>;
  log(): string;
}

export async function startDockerd(): Promise<RealDockerd> {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-dkrd-'));
  const socket = join(folder, 'docker.sock');
  const args = [
    `--data-root=${folder}/data`,
    `--exec-root=${folder}/exec`,
    `--pidfile=${folder}/pid`,
    `--host=unix://${socket}`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--live-restore',
  ];
  const open = () => startDaemon(pathOf('dockerd')!, args, join(folder, 'log'));
  let daemon = open();
  const docker = (...words: string[]) =>
    execFileSync(pathOf('docker')!, ['-H', `unix://${socket}`, ...words], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  const isUp = () => {
    try {
      docker('version');
      return true;
    } catch {
      return false;
    }
  };
  await until(isUp, 'dockerd', 30_000);
  const [system, app] = busyboxLayers();
  const configDigest = writeImage(join(folder, 'app.tar'), {
    tags: [reference],
    layers: [system!, app!],
    created: '2026-03-14T09:26:53Z',
    config: {
      Entrypoint: ['/app/run.sh'],
      Labels: {
        'org.opencontainers.image.revision': '9f2c1d7e0b4a',
        'org.opencontainers.image.vendor': 'Test Shop',
      },
    },
  });
  docker('load', '-i', join(folder, 'app.tar'));
  return {
    socket,
    reference,
    configDigest,
    docker,
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    kill: () => endProcess(daemon, 'SIGKILL'),
    async start() {
      // Its containerd dies with it, and where nobody reaps that, the next dockerd would wait for the dead one.
      for (const name of ['pid', 'exec/containerd/containerd.pid'])
        rmSync(join(folder, name), { force: true });
      daemon = open();
      await until(isUp, 'dockerd', 30_000);
    },
    async clean() {
      const ids = isUp() ? docker('ps', '-aq').split('\n').filter(Boolean) : [];
      if (ids.length > 0) docker('rm', '-f', ...ids);
      await endProcess(daemon, 'SIGTERM');
      for (const pid of pidsNaming(folder)) process.kill(pid, 'SIGKILL');
      unmountBelow(folder);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
