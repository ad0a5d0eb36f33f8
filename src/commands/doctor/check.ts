import type { Config } from '../../config.ts';
import { LannerError, messageOf } from '../../lib/errors.ts';
import type { Host } from '../host/host.ts';
import type { Running } from './running.ts';

/** `warn`: it works, and something is worth a look. `skipped`: it could not be tried; the text says why. */
export type Status = 'ok' | 'warn' | 'error' | 'skipped';

/** What one check found about one thing. */
export interface Result {
  status: Status;
  /** What it is about: `source t`, `sink ops`, `node`. */
  about: string;
  text: string;
  /** Of `warn` and `error`: what to do. */
  mend?: string;
  /** Stable code, where it is one of the errors of `lanner run`. */
  code?: string;
}

/** What every check gets. */
export interface Checkup {
  config: Config;
  /** The configuration's file, for relative paths. */
  file: string;
  /** Where the sensors' files are looked for. */
  host: Host;
  /** This process' own. */
  own: Host;
  env: Readonly<Record<string, string | undefined>>;
  /** Longest wait for one answer. */
  timeoutMs: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The Lanner that runs by this configuration, if one does. */
  running: Running | undefined;
  /** Runs a program of our own, to see whether the sensors report it. */
  runCanary: (args: readonly string[], signal: AbortSignal) => Promise<void>;
  /** Clocks that were seen on the way, for the check of the clock, which comes last. */
  clocks: { of: string; skew_ms: number }[];
}

/** One check. Sends no finding and changes nothing; a rejection is a bug and shown as one. */
export interface Check {
  id: string;
  run(checkup: Checkup): Result[] | Promise<Result[]>;
}

export const ok = (about: string, text: string): Result => ({ status: 'ok', about, text });
export const skipped = (about: string, text: string): Result => ({ status: 'skipped', about, text });
export const warn = (about: string, text: string, mend: string): Result => ({
  status: 'warn',
  about,
  text,
  mend,
});
export const error = (about: string, text: string, mend: string): Result => ({
  status: 'error',
  about,
  text,
  mend,
});

/** A trouble as the service would show it. */
export function failed(about: string, trouble: unknown, mend = 'Look at the reason.'): Result {
  if (!(trouble instanceof LannerError)) return error(about, messageOf(trouble), mend);
  return { ...error(about, trouble.message, trouble.mend), code: trouble.code };
}

/** Sources of one type, with their names. */
export function sourcesOf<T extends Config['sources'][string]['type']>(
  config: Config,
  type: T,
): [string, Extract<Config['sources'][string], { type: T }>][] {
  return Object.entries(config.sources).filter(
    (entry): entry is [string, Extract<Config['sources'][string], { type: T }>] => entry[1].type === type,
  );
}
