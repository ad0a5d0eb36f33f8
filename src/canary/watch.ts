import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { CanaryCheck, CanaryEvents, CanaryHealth } from '../model/canary.ts';
import type { SourceHealth } from '../model/intake.ts';
import type { CanaryConfig } from './config.ts';
import { canaryArguments, canaryBinary, runCanary } from './program.ts';

export interface CanaryParts {
  config: CanaryConfig;
  /** Sources that are expected to report it. */
  names: readonly string[];
  /** Health of these, and maybe of others: asked when a canary runs and when it is due. */
  sources: () => readonly SourceHealth[];
  clock: Clock;
  events: CanaryEvents;
  /** Runs a program of this binary and these arguments; for tests. Default: our own Node.js. */
  run?: (args: readonly string[], signal: AbortSignal) => Promise<void>;
}

export interface CanaryWatch {
  /** What a source asks of each exec. Sources that are not expected to report any have none. */
  check(source: string): CanaryCheck | undefined;
  start(): void;
  /** Ends the program if it runs just now. */
  stop(): Promise<void>;
  health(): CanaryHealth[];
  /** Why no canary can be run, while that is so. */
  failure(): string | undefined;
}

/** The first runs so long after the start: sources are connected by then. */
const FIRST_MS = 5_000;
/** Canaries that were missed are recognized when they come after all; older ones are ordinary execs. */
const KEPT = 4;

/** A canary that a source has not reported yet. */
interface Out {
  text: Buffer;
  started_ms: number;
  /** Its time is over. */
  missed: boolean;
}

interface Coverage {
  out: Out[];
  /** The last that were reported. */
  past: Buffer[];
  misses: number;
  health: CanaryHealth;
}

/**
 * Runs canaries and holds each source to reporting them. A source that is not connected is not asked: that it sees
 * nothing is known and told. Constructing it runs nothing.
 */
export function openCanaryWatch(parts: CanaryParts): CanaryWatch {
  const { config, names, clock, events } = parts;
  const run = parts.run ?? runCanary;
  const coverage = new Map<string, Coverage>(
    names.map((source) => [source, { out: [], past: [], misses: 0, health: { source, state: 'waiting' } }]),
  );
  const abort = new AbortController();
  let failure: string | undefined;
  let running: Promise<void> = Promise.resolve();
  let cancel: () => void = () => {};

  function isConnected(source: string): boolean {
    const health = parts.sources().find(({ name }) => name === source);
    return health?.state === 'ok' || health?.code === 'stream_silent';
  }

  function typeOf(source: string): string {
    return parts.sources().find(({ name }) => name === source)?.type ?? '';
  }

  function release(): void {
    const args = canaryArguments();
    const text = Buffer.from(args.join(' '));
    const started_ms = clock.now();
    const asked = names.filter((source) => {
      if (isConnected(source)) return true;
      events.ended(source, 'skipped');
      return false;
    });
    if (asked.length === 0) {
      cancel = clock.after(config.within_secs * 1000, release);
      return;
    }
    for (const source of asked) {
      const kept = coverage.get(source)!;
      kept.out = [...kept.out, { text, started_ms, missed: false }].slice(-KEPT);
    }
    running = run(args, abort.signal).then(
      () => {
        failure = undefined;
      },
      (error: unknown) => fail(asked, text, messageOf(error)),
    );
    cancel = clock.after(config.within_secs * 1000, () => settle(asked, text));
  }

  function fail(asked: readonly string[], text: Buffer, reason: string): void {
    failure = `${canaryBinary} cannot be run: ${reason}`;
    events.failed(failure);
    for (const source of asked) {
      coverage.get(source)!.out = coverage.get(source)!.out.filter((one) => one.text !== text);
      events.ended(source, 'failed');
    }
  }

  /** The time of one canary is over. */
  function settle(asked: readonly string[], text: Buffer): void {
    const missing = asked.filter((source) => {
      const one = coverage.get(source)!.out.find((each) => each.text === text);
      if (one !== undefined) one.missed = true;
      return one !== undefined;
    });
    const repeat = missing.map((source) => miss(source)).some((again) => again);
    const rest = repeat ? 0 : (config.interval_secs - config.within_secs) * 1000;
    cancel = clock.after(rest, release);
  }

  /** True if another one must show at once whether this was an accident. */
  function miss(source: string): boolean {
    if (!isConnected(source)) {
      events.ended(source, 'skipped');
      return false;
    }
    const kept = coverage.get(source)!;
    kept.misses += 1;
    events.ended(source, 'missed');
    const blind = kept.misses >= config.misses;
    if (blind && kept.health.state !== 'blind') events.blind(source, true);
    kept.health = {
      ...kept.health,
      state: blind ? 'blind' : 'missed',
      reason: `${missedText(kept.misses, config.within_secs)}. ${mendOf(typeOf(source))}`,
    };
    return kept.misses < config.misses;
  }

  function report(source: string, one: Out): void {
    const kept = coverage.get(source)!;
    const at = clock.now();
    const delay_ms = at - one.started_ms;
    kept.out = kept.out.filter((each) => each !== one);
    kept.past = [...kept.past, one.text].slice(-KEPT);
    events.reported(source, delay_ms, at);
    events.ended(source, one.missed ? 'late' : 'seen');
    const seen = { last_seen: new Date(at).toISOString(), delay_ms };
    if (one.missed) {
      const late = `program starts are reported late: the last after ${(delay_ms / 1000).toFixed(1)} s, above canary.within_secs (${config.within_secs})`;
      kept.health = { ...kept.health, ...seen, reason: late };
      return;
    }
    if (kept.health.state === 'blind') events.blind(source, false);
    kept.misses = 0;
    kept.health = { source, state: 'seen', ...seen };
  }

  return {
    check(source) {
      const kept = coverage.get(source);
      if (kept === undefined) return undefined;
      return checkFor(
        kept,
        (one) => report(source, one),
        () => events.repeated(source),
      );
    },
    start() {
      cancel = clock.after(Math.min(FIRST_MS, config.interval_secs * 1000), release);
    },
    stop() {
      cancel();
      abort.abort();
      return running;
    },
    health: () => [...coverage.values()].map(({ health }) => health),
    failure: () => failure,
  };
}

function missedText(misses: number, within_secs: number): string {
  const what =
    misses === 1 ? '1 program start of our own was' : `${misses} program starts of our own in a row were`;
  return `${what} not reported within ${within_secs} s`;
}

function mendOf(type: string): string {
  if (type.startsWith('falco'))
    return 'Load deploy/falco/lanner_rules.yaml of this version into Falco (its rule Lanner Canary reports them), and look at its own log and metrics';
  if (type === 'tetragon_file')
    return "Let Tetragon's export filters pass this host's execs, or leave the source out of canary.sources";
  return "Look at the agent's own log and metrics; `lanner doctor` tries each step";
}

/**
 * Runs for every exec of the host: what has not the length of a canary's arguments costs two comparisons.
 */
function checkFor(
  kept: Pick<Coverage, 'out' | 'past'>,
  onReport: (one: Out) => void,
  onRepeated: () => void,
): CanaryCheck {
  const binary = Buffer.from(canaryBinary);
  const length = Buffer.byteLength(canaryArguments().join(' '));
  return {
    exec(bytes, pathStart, pathEnd, textStart, textEnd) {
      if (textEnd - textStart !== length || pathEnd - pathStart !== binary.length) return false;
      if (!isAt(bytes, pathStart, binary)) return false;
      const one = kept.out.find(({ text }) => isAt(bytes, textStart, text));
      if (one !== undefined) onReport(one);
      else if (kept.past.some((text) => isAt(bytes, textStart, text))) onRepeated();
      return one !== undefined;
    },
  };
}

function isAt(bytes: Uint8Array, start: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[start + i] !== text[i]) return false;
  return true;
}
