import type { Config } from '../config.ts';
import { redactEvent, redactText } from '../detect/index.ts';
import { type Feed, openFeed } from '../history/feed.ts';
import { openMissRecorder } from '../history/misses.ts';
import { openRecorder, recordOf } from '../history/recorder.ts';
import { systemClock } from '../lib/clock.ts';
import type { Finding } from '../model/finding.ts';
import type { HistoryStore, Miss, MissedExec } from '../model/history.ts';
import { findingId } from '../pipeline.ts';
import { historyEvents, missEvents } from '../telemetry/history-events.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Everything the pipeline made, for whoever wants to look at it later. No call waits. */
export interface Journal {
  finding(finding: Finding, fate: { hidden: boolean; sinks: readonly string[] }): void;
  miss(missed: MissedExec): void;
  /** What is kept, as it is made. */
  readonly feed: Feed;
  /** Before each scrape. */
  refresh(): void;
  /** Fulfilled when everything so far is written or counted as left out. */
  written(): Promise<void>;
  /** The same, and the counts that are written now and then. */
  close(): Promise<void>;
}

export interface JournalParts {
  /** As it is now. */
  config: () => Pick<Config, 'history' | 'detect'>;
  /** Absent: nothing is kept. */
  store: HistoryStore | undefined;
  metrics: Metrics;
  log: Log;
}

export function openJournal({ config, store, metrics, log }: JournalParts): Journal {
  // Registered without a history too: what is not counted shows as zero.
  const events = historyEvents(metrics, log);
  const aboutMisses = missEvents(metrics, log);
  const feed = openFeed();
  const history = live(() => config().history);
  const recorder = store && openRecorder({ store, config: history, clock: systemClock, events });
  const misses =
    store &&
    openMissRecorder({
      store,
      config: live(() => config().history.misses),
      clock: systemClock,
      events: aboutMisses,
      findingId,
      heard: (record) => feed.publish(record, true),
      redact: (miss) => (config().detect.redact ? redactMiss(miss) : miss),
    });
  return {
    feed,
    finding(finding, fate) {
      const isKept = history.enabled && recorder !== undefined;
      if (!isKept && feed.isIdle) return;
      const record = recordOf(finding, fate, Date.now());
      if (isKept) recorder.keep(record);
      feed.publish(record, false);
    },
    miss(missed) {
      const { enabled, misses: sample } = config().history;
      if (enabled && sample.enabled) misses?.miss(missed);
    },
    refresh: () => aboutMisses.refresh(misses?.counts() ?? { counted: 0, rate_limited: 0 }),
    async written() {
      await Promise.all([recorder?.flush(), misses?.flush()]);
    },
    async close() {
      await recorder?.flush();
      await misses?.close();
    },
  };
}

/** An object whose properties are those of what `get` answers at the time they are read. */
function live<T extends object>(get: () => T): T {
  return new Proxy({} as T, { get: (_target, key) => Reflect.get(get(), key) });
}

/** The detector has masked its own texts already. */
function redactMiss(miss: Miss): Miss {
  const { facts } = miss;
  const chain = facts?.chain?.map((step) => ({ ...step, text: redactText(step.text) }));
  return {
    ...miss,
    exec: redactEvent(miss.exec),
    ...(facts !== undefined && { facts: { ...facts, ...(chain !== undefined && { chain }) } }),
  };
}
