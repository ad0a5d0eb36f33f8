import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../enriching.ts';
import { endProcess, freePort, pathOf, startDaemon } from './system.ts';

const adminToken = 'admin-of-the-test';

/** A kube-apiserver of the test's own with its etcd; no controllers and no kubelet run. */
export interface RealApiServer {
  readonly host: string;
  readonly port: number;
  /** Folder with the `token` of the user `lanner` and `ca.crt`, as a pod has it. */
  readonly serviceAccount: string;
  readonly adminToken: string;
  /** A request by the administrator; rejects unless it succeeds. */
  send<T>(method: string, path: string, body?: object): Promise<T>;
  /** A request by whom the token belongs to; `watch` requests end by their timeoutSeconds. */
  ask(token: string, method: string, path: string, body?: object): Promise<{ status: number; body: string }>;
  /** `kubectl` as the administrator; what it wrote. */
  kubectl(...args: string[]): { status: number | null; out: string };
  kill(): Promise<void>;
  start(): Promise<void>;
  clean(): Promise<void>;
}

export async function startApiServer(): Promise<RealApiServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-kube-'));
  const [client, peer, port] = await Promise.all([freePort(), freePort(), freePort()]);
  const etcd = startDaemon(
    pathOf('etcd')!,
    [
      `--data-dir=${folder}/etcd`,
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      '--unsafe-no-fsync',
    ],
    join(folder, 'etcd.log'),
  );
  execFileSync('openssl', ['genrsa', '-out', join(folder, 'sa.key'), '2048'], { stdio: 'ignore' });
  writeFileSync(join(folder, 'tokens.csv'), `${adminToken},admin,1,system:masters\nlanner-token,lanner,2\n`);
  const open = () =>
    startDaemon(
      pathOf('kube-apiserver')!,
      [
        `--etcd-servers=http://127.0.0.1:${client}`,
        `--secure-port=${port}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        `--cert-dir=${folder}/certs`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-signing-key-file=${folder}/sa.key`,
        `--service-account-key-file=${folder}/sa.key`,
        `--token-auth-file=${folder}/tokens.csv`,
        '--authorization-mode=RBAC',
        '--service-cluster-ip-range=10.99.0.0/24',
        '--disable-admission-plugins=ServiceAccount',
        '--endpoint-reconciler-type=none',
      ],
      join(folder, 'apiserver.log'),
    );
  let daemon = open();

  const ask = (token: string, method: string, path: string, body?: object) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json';
      const headers = { authorization: `Bearer ${token}`, 'content-type': type };
      const sent = request(
        { host: '127.0.0.1', port, path, method, headers, rejectUnauthorized: false },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode!, body: text }));
        },
      );
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const send = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const { status, body: text } = await ask(adminToken, method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return (text.startsWith('{') ? JSON.parse(text) : text) as T;
  };
  const isReady = () =>
    send('GET', '/readyz').then(
      () => true,
      () => false,
    );
  await until(isReady, 'kube-apiserver', 60_000);

  const serviceAccount = join(folder, 'serviceaccount');
  mkdirSync(serviceAccount);
  writeFileSync(join(serviceAccount, 'token'), 'lanner-token');
  writeFileSync(join(serviceAccount, 'ca.crt'), readFileSync(join(folder, 'certs/apiserver.crt')));
  return {
    host: '127.0.0.1',
    port,
    serviceAccount,
    adminToken,
    send,
    ask,
    kubectl(...args) {
      const server = [
        `--server=https://127.0.0.1:${port}`,
        `--token=${adminToken}`,
        '--insecure-skip-tls-verify',
      ];
      const run = spawnSync(pathOf('kubectl')!, [...server, ...args], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: folder },
      });
      return { status: run.status, out: run.stdout + run.stderr };
    },
    kill: () => endProcess(daemon, 'SIGKILL'),
    async start() {
      daemon = open();
      await until(isReady, 'kube-apiserver', 60_000);
    },
    async clean() {
      await endProcess(daemon, 'SIGKILL');
      await endProcess(etcd, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
