import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config.ts';

/** Keys that a running Lanner does not change: what they size or open is made once. */
export const restartKeys = [
  'state_dir',
  'durable',
  'processes',
  'state',
  'enrich',
  'http.enabled',
  'http.listen',
  'http.tls',
  'http.insecure',
] as const;

/** What can be taken over while running, and the keys of `restartKeys` that differ from what runs. */
export function withoutRestart(running: Config, wanted: Config): { config: Config; needed: string[] } {
  const { token, token_file } = wanted.http;
  const { token: _token, token_file: _tokenFile, ...listening } = running.http;
  const { state_dir, durable, processes, state, enrich } = running;
  const { state_dir: _stateDir, ...rest } = wanted;
  return {
    config: {
      ...rest,
      ...(state_dir !== undefined && { state_dir }),
      durable,
      processes,
      state,
      enrich,
      http: {
        ...listening,
        ...(token !== undefined && { token }),
        ...(token_file !== undefined && { token_file }),
      },
    },
    needed: restartKeys.filter((key) => !isDeepStrictEqual(at(running, key), at(wanted, key))),
  };
}

/** The top-level keys by which they differ. */
export function changedKeys(a: Config, b: Config): string[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)] as (keyof Config)[]);
  return [...keys].filter((key) => !isDeepStrictEqual(a[key], b[key]));
}

function at(config: Config, path: string): unknown {
  let value: unknown = config;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  return value;
}
