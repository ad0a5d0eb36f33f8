import { readlinkSync } from 'node:fs';
import type { Host } from './host.ts';

const LISTEN = '0A';
const ESTABLISHED = '01';
const CONNECTED = '03';

interface TcpRow {
  localPort: number;
  remotePort: number;
  state: string;
  inode: string;
}

function tcpRows(host: Host): TcpRow[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    (host.read(file) ?? '')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
        if (local === undefined || remote === undefined || state === undefined) return [];
        const port = (address: string) => Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
        return [{ localPort: port(local), remotePort: port(remote), state, inode: inode ?? '' }];
      }),
  );
}

/** TCP ports of this network that something listens at. */
export function listeningPorts(host: Host): Set<number> {
  return new Set(
    tcpRows(host)
      .filter(({ state }) => state === LISTEN)
      .map(({ localPort }) => localPort),
  );
}

/** Inodes of the client sockets on this network that are connected to the port. */
export function clientsOfPort(host: Host, port: number): string[] {
  return tcpRows(host)
    .filter(({ state, remotePort }) => state === ESTABLISHED && remotePort === port)
    .map(({ inode }) => inode);
}

/**
 * How many clients are connected to the unix socket. The kernel lists a connection's server end with the path, and
 * in the network namespace of the client: so every namespace is looked at. Undefined if /proc shows none.
 */
export function clientsOfSocket(host: Host, path: string): number | undefined {
  const seen = new Set<string>();
  let tables = 0;
  let clients = 0;
  for (const pid of ['self', ...host.list('/proc').filter((name) => /^\d+$/.test(name))]) {
    const namespace = namespaceOf(host, pid);
    if (namespace === undefined || seen.has(namespace)) continue;
    const table = host.read(`/proc/${pid}/net/unix`);
    if (table === undefined) continue;
    seen.add(namespace);
    tables += 1;
    clients += table.split('\n').filter((line) => isConnection(line, path)).length;
  }
  return tables === 0 ? undefined : clients;
}

function namespaceOf(host: Host, pid: string): string | undefined {
  try {
    return readlinkSync(host.real(`/proc/${pid}/ns/net`));
  } catch {
    return undefined;
  }
}

/** `Num RefCount Protocol Flags Type St Inode Path`; /var/run and /run are one. */
function isConnection(line: string, path: string): boolean {
  const [, , , , , state, , bound] = line.trim().split(/\s+/);
  return state === CONNECTED && bound !== undefined && plain(bound) === plain(path);
}

function plain(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/');
}

/** Processes that hold one of these sockets open, by inode; only root sees those of others. */
export function holdersOf(host: Host, inodes: readonly string[]): number[] {
  const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`));
  return host
    .list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      host.list(`/proc/${pid}/fd`).some((fd) => {
        try {
          return wanted.has(readlinkSync(host.real(`/proc/${pid}/fd/${fd}`)));
        } catch {
          return false;
        }
      }),
    )
    .map(Number);
}
