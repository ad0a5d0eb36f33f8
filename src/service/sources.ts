import { isDeepStrictEqual } from 'node:util';
import { canarySign } from '../canary/program.ts';
import type { Config } from '../config.ts';
import { pause, systemClock } from '../lib/clock.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { Intake, Source, SourceHealth } from '../model/intake.ts';
import { checkListen, type FileBookmark, openSource } from '../sources/index.ts';
import type { Log } from '../telemetry/log.ts';
import { canarySources } from './canary.ts';

type SourceConfig = Config['sources'][string];
type SourcesConfig = Pick<Config, 'sources' | 'canary'>;

export interface SourcesParts {
  config: SourcesConfig;
  intake: (name: string) => Intake;
  /** Gets what a source of Falco's HTTP output is to pass on. */
  relay: (name: string, body: Buffer, type: string) => void;
  /** Hears the first trouble that waiting cannot mend, of a source that was there at the start. */
  fail: (error: unknown) => void;
  log: Log;
}

/** How the sources of a configuration differ from those that run. */
export interface SourceChanges {
  added: string[];
  changed: string[];
  removed: string[];
  /** Opened, not started. */
  opened: Map<string, Running>;
}

interface Running {
  name: string;
  config: SourceConfig;
  /** Its sensor is asked for canaries. */
  canary: boolean;
  source: Source;
  stop: AbortController;
  ended: Promise<void>;
  /** Why it does not run, while that is so. */
  failure?: string;
}

/** The sources that run, each by itself: one that did not change is not touched by a change of others. */
export interface Sources {
  all(): readonly Source[];
  health(): SourceHealth[];
  start(): void;
  /** Opens what is new or changed and looks whether it can listen. Rejects with a LannerError as these do. */
  plan(config: SourcesConfig): Promise<SourceChanges>;
  /** Stops what was removed or changed; fulfilled when everything that arrived there was handed over. */
  leave(changes: SourceChanges): Promise<void>;
  /** Starts what is new or changed. */
  enter(changes: SourceChanges): void;
  /** Fulfilled when all have handed over what had arrived. */
  stop(): Promise<void>;
}

/** A source that cannot start after a reload is tried again so often. */
const RETRY_MS = 5_000;

/** Throws LannerError `config_invalid`. */
export function openSources(parts: SourcesParts): Sources {
  const { log } = parts;
  const running = new Map<string, Running>();
  const bookmarks = new Map<string, FileBookmark>();
  for (const name of Object.keys(parts.config.sources)) running.set(name, open(name, parts.config));

  function open(name: string, of: SourcesConfig): Running {
    const config = of.sources[name]!;
    const canary = canarySources(of).includes(name);
    const bookmark = bookmarks.get(name) ?? {};
    bookmarks.set(name, bookmark);
    const relay = (body: Buffer, type: string) => parts.relay(name, body, type);
    return {
      name,
      config,
      canary,
      source: openSource(name, config, { log, relay, bookmark, ...(canary && { canary: canarySign() }) }),
      stop: new AbortController(),
      ended: Promise.resolve(),
    };
  }

  function run({ name, source, stop }: Running): Promise<void> {
    return source.run(parts.intake(name), stop.signal);
  }

  /** The process has others to serve: it does not end for one that came later. */
  async function keepRunning(one: Running): Promise<void> {
    while (!one.stop.signal.aborted) {
      try {
        await run(one);
        delete one.failure;
        return;
      } catch (error) {
        if (one.failure === undefined)
          log.error('a source cannot start; it is tried again', {
            source: one.name,
            reason: messageOf(error),
          });
        one.failure = messageOf(error);
        await pause(systemClock, RETRY_MS, one.stop.signal);
      }
    }
  }

  return {
    all: () => [...running.values()].map(({ source }) => source),
    health: () =>
      [...running.values()].map(({ source, failure }) => {
        const health = source.health();
        return failure === undefined || health.state === 'ok'
          ? health
          : { ...health, state: 'failed', reason: failure };
      }),
    start() {
      for (const one of running.values()) one.ended = run(one).catch(parts.fail);
    },
    async plan(config) {
      const configs = config.sources;
      const asked = canarySources(config);
      const names = Object.keys(configs);
      const added = names.filter((name) => !running.has(name));
      const changed = names.filter((name) =>
        isChanged(running.get(name), configs[name], asked.includes(name)),
      );
      const removed = [...running.keys()].filter((name) => configs[name] === undefined);
      const opened = new Map([...added, ...changed].map((name) => [name, open(name, config)] as const));
      const freed = [...changed, ...removed].flatMap((name) => listenOf(running.get(name)?.config) ?? []);
      for (const one of opened.values())
        await checkListen(one.name, one.config, freed.includes(listenOf(one.config) ?? ''));
      const listening = names
        .flatMap((name) => listenOf(configs[name]) ?? [])
        .filter((at) => !at.endsWith(':0'));
      const twice = listening.find((at, index) => listening.indexOf(at) !== index);
      if (twice !== undefined)
        throw new LannerError(
          'config_invalid',
          `two sources listen at ${twice}`,
          'Give one another address.',
        );
      return { added, changed, removed, opened };
    },
    async leave({ changed, removed }) {
      const leaving = [...changed, ...removed].flatMap((name) => running.get(name) ?? []);
      for (const { stop } of leaving) stop.abort();
      await Promise.all(leaving.map(({ ended }) => ended));
      for (const name of removed) {
        running.delete(name);
        bookmarks.delete(name);
      }
    },
    enter({ opened }) {
      for (const [name, one] of opened) {
        running.set(name, one);
        one.ended = keepRunning(one);
      }
    },
    async stop() {
      for (const { stop } of running.values()) stop.abort();
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}

/** Where a relay leads is the business of its sink. */
function isChanged(running: Running | undefined, wanted: SourceConfig | undefined, canary: boolean): boolean {
  if (running === undefined || wanted === undefined) return false;
  return running.canary !== canary || !isDeepStrictEqual(withoutRelay(running.config), withoutRelay(wanted));
}

function withoutRelay(config: SourceConfig): object {
  return { ...config, relay: undefined };
}

function listenOf(config: SourceConfig | undefined): string | undefined {
  return config?.type === 'falco_http' ? config.listen : undefined;
}
