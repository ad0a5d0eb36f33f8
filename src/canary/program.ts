import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { CanarySign } from '../model/canary.ts';

/** Longer than any start of a process takes; then it is killed. */
const TIMEOUT_MS = 10_000;
const mark = 'lanner-canary-';

/** The program that is run: our own Node.js, which is there wherever Lanner runs. It prints its version and ends. */
export const canaryBinary = process.execPath;

/** Arguments of one canary. Its 128 random bits are known to nobody before it runs. */
export function canaryArguments(nonce = randomBytes(16).toString('hex')): string[] {
  return ['--version', `${mark}${nonce}`];
}

/** What sensors are told to let through. */
export function canarySign(): CanarySign {
  return { binary: canaryBinary, pattern: `^--version ${mark}[0-9a-f]{32}$` };
}

/**
 * Runs it: no shell, nothing of our environment, no open file, never longer than ten seconds or than `signal`
 * lives. Fulfilled when it has ended and was waited for; rejects if it could not be started.
 */
export function runCanary(args: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(canaryBinary, args, {
      // Falco tells argv[0] as well: it is the path, so that the whole command line is known.
      argv0: canaryBinary,
      cwd: '/',
      env: {},
      stdio: 'ignore',
      detached: false,
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      signal,
    });
    child.once('error', (error) => (signal.aborted ? resolve() : reject(error)));
    child.once('close', () => resolve());
  });
}
