import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { locked, writePid } from './holder.ts';

/**
 * A state directory that is ours before the store's thread, which has a lock of its own, is started: a unix socket
 * in it, at which this process listens. The kernel ends the listening however the process ends, in whatever
 * network namespace it was.
 */
export interface Claim {
  /**
   * True: a former process left its socket, so it was killed. It is replaced by `takeOver`, which is allowed only
   * to whoever holds the lock of the store's thread: two that start at once must not both replace it.
   */
  readonly isStale: boolean;
  takeOver(): Promise<void>;
  release(): void;
}

const socketName = 'lock.sock';
/** sockaddr_un holds 108 bytes on Linux, 104 elsewhere; a longer path would be cut off in silence. */
const longestPath = 100;
/** NFS, SMB, CIFS, FUSE, Ceph, 9p, Lustre: a socket there says nothing about the processes of another host. */
const remote = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x00c36400, 0x01021997, 0x0bd00bd0,
]);

/**
 * Makes the directory if it is missing. Undefined: no socket can stand there (a file in the way, no room, too long
 * a path, a network file system), and the thread's lock is all there is. Throws LannerError `store_locked`.
 */
export async function claimDirectory(directory: string): Promise<Claim | undefined> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (remote.has(statfsSync(directory).type >>> 0)) return undefined;
  } catch {
    // What is wrong with it is told by the thread, which is started then.
    return undefined;
  }
  const path = join(directory, socketName);
  // Beyond the first only if the holder ends at this moment.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const fresh = await listenAt(path, linkSync);
    if (fresh !== 'taken') return fresh && held(directory, path, fresh);
    const holder = await probe(path);
    if (holder === 'alive') throw locked(directory);
    if (holder === 'dead') return stale(path);
    if (holder === 'unknown') return undefined;
  }
  return undefined;
}

function held(directory: string, path: string, server: Server): Claim | undefined {
  const release = () => {
    rmSync(path, { force: true });
    server.close();
  };
  try {
    writePid(directory);
  } catch {
    release();
    return undefined;
  }
  return { isStale: false, takeOver: async () => {}, release };
}

function stale(path: string): Claim {
  let server: Server | undefined;
  return {
    isStale: true,
    async takeOver() {
      const replaced = server === undefined ? await listenAt(path, renameSync) : undefined;
      // One that could not be replaced stays stale: who comes next asks for the thread's lock, too.
      if (replaced !== 'taken') server ??= replaced;
    },
    release() {
      if (server !== undefined) rmSync(path, { force: true });
      server?.close();
      server = undefined;
    },
  };
}

/**
 * Listens at a name of its own, and only then `place`s the socket at the path: whoever finds it there finds it
 * listening, or dead. Undefined if that cannot be done here.
 */
async function listenAt(
  path: string,
  place: (from: string, to: string) => void,
): Promise<Server | 'taken' | undefined> {
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  if (Buffer.byteLength(draft) > longestPath) return undefined;
  const server = createServer((caller) => caller.destroy());
  server.unref();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(draft, resolve));
    // Whoever shares the directory may ask whether we live.
    chmodSync(draft, 0o666);
    place(draft, path);
    return server;
  } catch (error) {
    server.close();
    return (error as NodeJS.ErrnoException).code === 'EEXIST' ? 'taken' : undefined;
  } finally {
    rmSync(draft, { force: true });
  }
}

function probe(path: string): Promise<'alive' | 'dead' | 'gone' | 'unknown'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('alive');
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') resolve('dead');
      else if (code === 'ENOENT') resolve('gone');
      // Its queue is full.
      else resolve(code === 'EAGAIN' ? 'alive' : 'unknown');
    });
  });
}
