import { createConnection } from 'node:net';
import { LannerError, messageOf } from '../lib/errors.ts';

/**
 * Fulfilled if something accepts connections at the socket. Rejects with a coded error otherwise, so that "no
 * socket", "not permitted" and "nobody listens" can be told, which HTTP and gRPC clients blur.
 */
export function checkSocket(path: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, signal });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error) => reject(socketError(path, error)));
  });
}

/** The coded error for a failed connection to a unix socket. */
export function socketError(path: string, error: unknown): LannerError {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new LannerError(
        'socket_missing',
        `${path} does not exist`,
        'name the socket of the runtime under enrich.runtimes, and mount it where Lanner runs in a container',
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
      return new LannerError(
        'socket_permission',
        `${path} may not be opened by this user`,
        "run Lanner with the socket's group, or ask the Kubernetes API instead: a runtime socket is root on the node",
        { cause: error },
      );
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return new LannerError(
        'connect_refused',
        `nothing listens at ${path}`,
        'check that the runtime runs; Lanner tries again by itself',
        { cause: error },
      );
    default:
      return new LannerError(
        'runtime_failed',
        `${path}: ${messageOf(error)}`,
        'check that the runtime runs',
        {
          cause: error,
        },
      );
  }
}
