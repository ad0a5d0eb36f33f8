import { messageOf } from '../lib/errors.ts';
import { BoundedQueue } from '../lib/queue.ts';
import type { Finding } from '../model/finding.ts';
import type { HistoryRecord, HistoryStore } from '../model/history.ts';
import type { HistoryConfig } from './config.ts';

/** Why a finding is not in the history. Each is the label of a metric. */
export type LeftOut = 'queue_full' | 'too_large' | 'store_failed';

export interface HistoryEvents {
  kept(count: number): void;
  forgotten(count: number): void;
  leftOut(reason: LeftOut, count: number, detail: string): void;
}

/** Writes findings to the history behind the pipeline's back: `keep` only queues and never waits. */
export interface Recorder {
  keep(finding: Finding, fate: { hidden: boolean; sinks: readonly string[] }): void;
  /** Fulfilled when everything queued so far is written or counted as left out. */
  flush(): Promise<void>;
}

export interface RecorderParts {
  store: Pick<HistoryStore, 'keepHistory'>;
  config: HistoryConfig;
  /** Epoch milliseconds. */
  now: () => number;
  events: HistoryEvents;
  /** Bounds of what waits; others than the defaults are for tests. */
  queue?: { max_findings: number; max_bytes: number };
}

/** In one transaction of the store's thread. */
const BATCH = 200;
const MAX_FINDING_BYTES = 2 ** 20;
const DAY_MS = 86_400_000;

export function openRecorder({ store, config, now, events, queue: bounds }: RecorderParts): Recorder {
  const queue = new BoundedQueue<HistoryRecord>(
    bounds?.max_findings ?? 5000,
    bounds?.max_bytes ?? 16 * 2 ** 20,
  );
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    // Those of one turn of the event loop go together.
    await new Promise((resolve) => setImmediate(resolve));
    for (let batch = take(); batch.length > 0; batch = take()) {
      try {
        const bounds = { max_bytes: config.max_bytes, before_ms: now() - config.max_days * DAY_MS };
        const forgotten = await store.keepHistory(batch, bounds);
        events.kept(batch.length);
        if (forgotten > 0) events.forgotten(forgotten);
      } catch (error) {
        events.leftOut('store_failed', batch.length, messageOf(error));
      }
    }
  }

  function take(): HistoryRecord[] {
    const batch: HistoryRecord[] = [];
    while (batch.length < BATCH) {
      const record = queue.shift();
      if (record === undefined) break;
      batch.push(record);
    }
    return batch;
  }

  return {
    keep(finding, fate) {
      const record = recordOf(finding, fate, now());
      const size = record.payload.length;
      if (size > MAX_FINDING_BYTES) return events.leftOut('too_large', 1, `a finding of ${size} characters`);
      if (!queue.push(record, size))
        return events.leftOut('queue_full', 1, 'the store is slower than findings come');
      writing ??= write().finally(() => {
        writing = undefined;
      });
    },
    async flush() {
      while (writing !== undefined) await writing;
    },
  };
}

/** What is kept of a finding. Context is left out: it is what other findings and the recent execs said. */
export function recordOf(
  finding: Finding,
  { hidden, sinks }: { hidden: boolean; sinks: readonly string[] },
  kept_ms: number,
): HistoryRecord {
  const { context: _context, ...kept } = finding;
  const { image, pod } = finding.exec;
  const images = [...new Set([image?.reference, image?.repository, image?.digest])].filter(
    (one) => one !== undefined,
  );
  return {
    id: finding.id,
    revision: finding.revision,
    time: finding.time,
    kept_ms,
    severity: finding.severity,
    ...(finding.tool !== undefined && { tool: finding.tool }),
    ...(images.length > 0 && { image: images.join('\n') }),
    ...(pod !== undefined && { namespace: pod.namespace }),
    ...(pod?.workload !== undefined && { workload: pod.workload }),
    indicators: finding.indicators.map(({ id }) => id),
    exceptions: (finding.exceptions ?? []).filter(({ applied }) => applied).map(({ name }) => name),
    hidden,
    sinks: [...sinks],
    payload: JSON.stringify(kept),
  };
}
