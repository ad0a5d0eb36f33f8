import type { Host } from './host.ts';
import { packageVersion, unitOf } from './packages.ts';
import { flagOf, type HostProcess, listAs, processesOf, readAs } from './processes.ts';
import { listeningPorts } from './sockets.ts';

/** What this host shows of Tetragon, without asking it anything. */
export interface TetragonInstall {
  /** Words for an operator: where it was found. */
  found: string[];
  process?: HostProcess;
  version?: string;
  /** As a source takes it: where an agent listens, as far as files and ports tell. */
  address?: string;
  /** Where it is configured to listen, if nothing is there. */
  configured?: string;
  exportFile?: string;
  /** Port of its Prometheus metrics, if something listens there. */
  metricsPort?: number;
}

const sockets = [
  '/var/run/tetragon/tetragon.sock',
  '/run/tetragon/tetragon.sock',
  '/var/run/cilium/tetragon/tetragon.sock',
];
const exportFiles = ['/var/run/cilium/tetragon/tetragon.log', '/var/log/tetragon/tetragon.log'];
/** Later ones win; one file for each flag. */
const folders = [
  '/usr/lib/tetragon/tetragon.conf.d',
  '/usr/local/lib/tetragon/tetragon.conf.d',
  '/etc/tetragon/tetragon.conf.d',
];
const usualPort = 54_321;
const usualMetrics = 2112;

/** Undefined if there is no sign of it. */
export function findTetragon(host: Host): TetragonInstall | undefined {
  const process = processesOf(host).find(({ name }) => name === 'tetragon');
  const setting = (name: string) => settingOf(host, process, name);
  const listening = listeningPorts(host);
  const configured = setting('server-address');
  const configuredPath = /^unix:\/\/(\/.+)$/.exec(configured ?? '')?.[1];
  const socket = [...(configuredPath === undefined ? [] : [configuredPath]), ...sockets].find(host.isSocket);
  const port = portOf(configured) ?? usualPort;
  const address =
    socket !== undefined ? `unix://${socket}` : listening.has(port) ? `localhost:${port}` : undefined;
  const exportFile = [setting('export-filename'), ...exportFiles].find(
    (path) => path !== undefined && path !== '' && host.stat(path)?.isFile(),
  );
  const unit = unitOf(host, ['tetragon.service']);
  const version = packageVersion(host, process, 'tetragon');
  const metricsPort = portOf(setting('metrics-server')) ?? usualMetrics;
  const found = [
    ...(process === undefined ? [] : [`process ${process.pid} (${process.args[0]})`]),
    ...(unit === undefined ? [] : [unit]),
    ...folders.slice(1).filter((path) => host.list(path).length > 0),
    ...(socket === undefined ? [] : [socket]),
    ...(address !== undefined && socket === undefined ? [`something listens at ${address}`] : []),
    ...(exportFile === undefined ? [] : [exportFile]),
  ];
  if (found.length === 0) return undefined;
  return {
    found,
    ...(process !== undefined && { process }),
    ...(version !== undefined && { version }),
    ...(address !== undefined && { address }),
    ...(configured !== undefined && address === undefined && { configured }),
    ...(exportFile !== undefined && { exportFile }),
    ...(listening.has(metricsPort) && { metricsPort }),
  };
}

/** A flag of the agent: the command line before the files. */
function settingOf(host: Host, process: HostProcess | undefined, name: string): string | undefined {
  const given = process === undefined ? undefined : flagOf(process.args, `--${name}`, `-${name}`);
  if (given !== undefined) return given;
  const own = process === undefined ? undefined : flagOf(process.args, '--config-dir');
  const files = [...folders, ...(own === undefined ? [] : [own])]
    .filter((folder) => listAs(host, process, folder).includes(name))
    .map((folder) => readAs(host, process, `${folder}/${name}`)?.trim());
  return files.filter((text) => text !== undefined && text !== '').at(-1);
}

function portOf(address: string | undefined): number | undefined {
  const port = Number(/:(\d{1,5})$/.exec(address ?? '')?.[1]);
  return port > 0 && port < 65_536 ? port : undefined;
}
