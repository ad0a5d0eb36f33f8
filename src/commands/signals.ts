import { exitCodes } from './exit-codes.ts';

/**
 * Fulfilled with the name of the first SIGINT or SIGTERM. A second one ends the process at once: whoever sends
 * it does not want to wait for the drain.
 */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: string) => {
      if (asked) process.exit(exitCodes.interrupted.code);
      asked = true;
      resolve(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

/** Calls back at each SIGHUP, which from now on does not end the process. */
export function onHangup(action: () => void): void {
  process.on('SIGHUP', action);
}
