import { type Clock, pause } from '../lib/clock.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { EnrichHealth, UnknownReason } from '../model/enrich.ts';
import type { EnrichEvents } from '../telemetry/enrich-events.ts';
import type { SourceKind } from './source.ts';

/** The state of a connection, as health and lookups see it. */
export interface Link {
  readonly name: string;
  readonly kind: SourceKind;
  /** The source answers. Ends the back-off and makes lookups possible. */
  up(version: string): void;
  /** It does not; said by the attempt itself where it goes on, else by its rejection. */
  down(error: unknown): void;
  /** Why asking is in vain; undefined while it is up. */
  why(): UnknownReason | undefined;
  health(): EnrichHealth;
  stopped(): void;
}

export interface LinkOptions {
  name: string;
  kind: SourceKind;
  events: EnrichEvents;
  /** What an error without a code is called. */
  failure: { code: string; mend: string };
}

/** Starts as `starting`, during which asking is in vain. */
export function createLink(options: LinkOptions): Link {
  const { name, kind, events } = options;
  let health: EnrichHealth = { name, state: 'starting' };
  let why: UnknownReason | undefined = 'unavailable';
  return {
    name,
    kind,
    why: () => why,
    health: () => health,
    up(version) {
      why = undefined;
      health = { name, state: 'ok', version };
      events.up(name, kind, version);
    },
    down(error) {
      const known = error instanceof LannerError;
      const code = known ? error.code : options.failure.code;
      const reason = `${messageOf(error)}; ${known ? error.mend : options.failure.mend}`;
      why = reasonOf(code);
      health = { name, state: 'degraded', code, reason };
      events.down(name, kind, code, reason);
    },
    stopped() {
      why = 'unavailable';
      health = { name, state: 'stopped' };
    },
  };
}

function reasonOf(code: string): UnknownReason {
  switch (code) {
    case 'socket_missing':
    case 'socket_permission':
      return code;
    case 'kube_denied':
    case 'kube_credentials':
      return 'denied';
    default:
      return 'unavailable';
  }
}

export interface PersistOptions {
  link: Link;
  clock: Clock;
  signal: AbortSignal;
  /** Called once the first attempt has come up or failed. */
  tried: () => void;
  initial_ms?: number;
  max_ms?: number;
}

/**
 * Runs `attempt` again and again until the signal aborts, with a pause that doubles from 250 ms to 30 s and
 * begins anew after each attempt that came up. Never rejects.
 */
export async function persist(
  options: PersistOptions,
  attempt: (signal: AbortSignal, up: (version: string) => void) => Promise<void>,
): Promise<void> {
  const { link, clock, signal, tried } = options;
  const initial = options.initial_ms ?? 250;
  let wait = initial;
  while (!signal.aborted) {
    const ended = new AbortController();
    const onAbort = () => ended.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await attempt(ended.signal, (version) => {
        wait = initial;
        link.up(version);
        tried();
      });
      if (!signal.aborted) link.down(new Error('the connection was ended by the other side'));
    } catch (error) {
      if (!signal.aborted) link.down(error);
    } finally {
      // Whatever the attempt left under way ends with it.
      ended.abort();
      signal.removeEventListener('abort', onAbort);
    }
    tried();
    if (signal.aborted) break;
    await pause(clock, wait * (0.5 + Math.random() / 2), signal);
    wait = Math.min(wait * 2, options.max_ms ?? 30_000);
  }
  link.stopped();
}
