import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { until } from '../enriching.ts';
import { writeImage } from './image-tar.ts';
import { busyboxLayers, endProcess, pathOf, pidsNaming, startDaemon, unmountBelow } from './system.ts';

const reference = 'registry.test/shop/web:1.4.2';
const pause = 'registry.test/infra/pause:1';

export interface ContainerRequest {
  pod: string;
  name: string;
  image?: string;
  command?: string[];
  mounts?: { container_path: string; host_path: string; readonly: boolean }[];
  security?: object;
}

/** A containerd of the test's own: private root, state and socket. */
export interface RealContainerd {
  readonly socket: string;
  readonly folder: string;
  readonly reference: string;
  readonly configDigest: string;
  /** Makes a pod and one container in it that runs; returns their ids. */
  run(request: ContainerRequest): Promise<{ container: string; sandbox: string }>;
  /** Runs a command in a container; what it wrote. */
  exec(container: string, cmd: string[]): Promise<string>;
  /** The same with its exit code. Rejects if it cannot be started. */
  execCode(container: string, cmd: string[]): Promise<{ code: number; output: string }>;
  readonly running: ReadonlySet<string>;
  ctr(...args: string[]): string;
  remove(container: string): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  clean(): Promise<void>;
  log(): string;
}

const configuration = (folder: string, socket: string) => `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;

export async function startContainerd(): Promise<RealContainerd> {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-ctrd-'));
  const socket = join(folder, 'c.sock');
  const config = join(folder, 'config.toml');
  writeFileSync(config, configuration(folder, socket));
  const open = () => startDaemon(pathOf('containerd')!, ['--config', config], join(folder, 'log'));
  let daemon = open();
  const ctr = (...args: string[]) =>
    execFileSync(pathOf('ctr')!, ['-a', socket, '-n', 'k8s.io', ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const isUp = () => {
    try {
      ctr('version');
      return true;
    } catch {
      return false;
    }
  };
  await until(isUp, 'containerd');

  const [system, app] = busyboxLayers();
  const configDigest = writeImage(join(folder, 'app.tar'), {
    tags: [reference, 'registry.test/shop/web:stable'],
    layers: [system!, app!],
    created: '2026-03-14T09:26:53Z',
    config: {
      Entrypoint: ['/app/run.sh'],
      User: '0',
      Labels: {
        'org.opencontainers.image.source': 'https://git.test/shop/web',
        'org.opencontainers.image.revision': '9f2c1d7e0b4a',
        'org.opencontainers.image.version': '1.4.2',
        'org.opencontainers.image.title': 'shop-web',
        'org.opencontainers.image.vendor': 'Test Shop',
        team: 'shop',
      },
    },
  });
  writeImage(join(folder, 'pause.tar'), {
    tags: [pause],
    layers: [system!],
    created: '2026-01-01T00:00:00Z',
    config: { Entrypoint: ['/bin/sleep', '1000000'] },
  });
  for (const name of ['app', 'pause']) ctr('images', 'import', join(folder, `${name}.tar`));
  // As after a pull: known under its repository's digest, too.
  const digest = /sha256:[0-9a-f]{64}/.exec(ctr('images', 'ls', `name==${reference}`))![0];
  ctr('images', 'tag', reference, `registry.test/shop/web@${digest}`);

  const call = control(socket);
  const sandboxes: string[] = [];
  const running = new Set<string>();
  const made: RealContainerd = {
    socket,
    folder,
    reference,
    configDigest,
    running,
    ctr,
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    async run(request) {
      const uid = `00000000-0000-4000-8000-${String(sandboxes.length).padStart(12, '0')}`;
      const labels = {
        'io.kubernetes.pod.name': request.pod,
        'io.kubernetes.pod.namespace': 'shop',
        'io.kubernetes.pod.uid': uid,
      };
      const logs = join(folder, 'pods', request.pod);
      mkdirSync(logs, { recursive: true });
      const config = {
        metadata: { name: request.pod, namespace: 'shop', uid },
        log_directory: logs,
        labels: { ...labels, app: 'shop-web', 'pod-template-hash': '7d9c6b5f4d' },
        linux: {
          cgroup_parent: `/lanner-test/pod${uid}`,
          security_context: { namespace_options: { network: 2, pid: 1 } },
        },
      };
      const { pod_sandbox_id } = await call<{ pod_sandbox_id: string }>('RunPodSandbox', { config });
      sandboxes.push(pod_sandbox_id);
      const { container_id } = await call<{ container_id: string }>('CreateContainer', {
        pod_sandbox_id,
        sandbox_config: config,
        config: {
          metadata: { name: request.name },
          image: { image: request.image ?? reference },
          command: request.command ?? [],
          mounts: request.mounts ?? [],
          labels: { ...labels, 'io.kubernetes.container.name': request.name },
          log_path: `${request.name}.log`,
          linux: { security_context: { namespace_options: { network: 2, pid: 1 }, ...request.security } },
        },
      });
      await call('StartContainer', { container_id });
      running.add(container_id);
      return { container: container_id, sandbox: pod_sandbox_id };
    },
    exec: async (container, cmd) => (await made.execCode(container, cmd)).output,
    async execCode(container_id, cmd) {
      const request = { container_id, cmd, timeout: 10 };
      const answer = await call<{ stdout: Buffer; stderr: Buffer; exit_code: number }>('ExecSync', request);
      const output = answer.stdout.toString('utf8') + answer.stderr.toString('utf8');
      return { code: answer.exit_code, output };
    },
    async remove(container_id) {
      await call('StopContainer', { container_id, timeout: 0 });
      await call('RemoveContainer', { container_id });
      running.delete(container_id);
    },
    kill: () => endProcess(daemon, 'SIGKILL'),
    async start() {
      daemon = open();
      await until(isUp, 'containerd');
    },
    async clean() {
      if (!isUp()) await made.start();
      for (const pod_sandbox_id of sandboxes) {
        await call('StopPodSandbox', { pod_sandbox_id }).catch(() => undefined);
        await call('RemovePodSandbox', { pod_sandbox_id }).catch(() => undefined);
      }
      await endProcess(daemon, 'SIGTERM');
      // Shims that lost their containerd.
      for (const pid of pidsNaming(socket)) process.kill(pid, 'SIGKILL');
      unmountBelow(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return made;
}

function control(socket: string): <T>(method: string, request: object) => Promise<T> {
  const loaded = loadSync(new URL('./cri-control.proto', import.meta.url).pathname, {
    keepCase: true,
    longs: String,
    defaults: true,
  });
  const Service = grpc.makeGenericClientConstructor(
    loaded['runtime.v1.RuntimeService'] as grpc.ServiceDefinition,
    'x',
  );
  return (method, request) => {
    const client = new Service(`unix://${socket}`, grpc.credentials.createInsecure());
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, answer: unknown) => {
        client.close();
        if (error === null) resolve(answer as never);
        else reject(error);
      };
      (client[method] as (request: object, options: object, done: unknown) => void).call(
        client,
        request,
        { deadline: Date.now() + 30_000 },
        done,
      );
    });
  };
}
