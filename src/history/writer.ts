import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { BoundedQueue } from '../lib/queue.ts';
import type { HistoryRecord } from '../model/history.ts';

/** Why something is not in the history. Each is the label of a metric. */
export type LeftOut = 'queue_full' | 'too_large' | 'store_failed';

export interface HistoryEvents {
  kept(count: number): void;
  forgotten(count: number): void;
  leftOut(reason: LeftOut, count: number, detail: string): void;
}

export interface WriterBounds {
  max_records: number;
  max_bytes: number;
}

/** Hands records to the store behind the pipeline's back: `push` only queues and never waits. */
export interface Writer {
  push(record: HistoryRecord): void;
  /** Writes even if no record waits: what `write` adds of its own. */
  nudge(): void;
  /** Fulfilled when everything queued so far is written or counted as left out. */
  flush(): Promise<void>;
}

/** In one transaction of the store's thread. */
const BATCH = 200;
/** What comes meanwhile goes along: a transaction costs as much as the records of several findings. */
const LINGER_MS = 100;
const MAX_RECORD_BYTES = 2 ** 20;

/** `write` keeps a batch and answers how many older ones were forgotten for it; one that rejects is left out. */
export function openWriter(
  write: (batch: HistoryRecord[]) => Promise<number>,
  clock: Clock,
  bounds: WriterBounds,
  events: HistoryEvents,
): Writer {
  const queue = new BoundedQueue<HistoryRecord>(bounds.max_records, bounds.max_bytes);
  let writing: Promise<void> | undefined;
  let hurry: () => void = () => {};
  let taken = 0;
  let done = 0;
  let waiting: { until: number; resolve: () => void }[] = [];

  async function writeAll(): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = clock.after(LINGER_MS, resolve);
      hurry = () => {
        cancel();
        resolve();
      };
    });
    hurry = () => {};
    do await writeBatch(take());
    while (queue.length > 0);
  }

  async function writeBatch(batch: HistoryRecord[]): Promise<void> {
    try {
      const forgotten = await write(batch);
      if (batch.length > 0) events.kept(batch.length);
      if (forgotten > 0) events.forgotten(forgotten);
    } catch (error) {
      if (batch.length > 0) events.leftOut('store_failed', batch.length, messageOf(error));
    }
    done += batch.length;
    settle();
  }

  function settle(): void {
    for (const { until, resolve } of waiting) if (until <= done) resolve();
    waiting = waiting.filter(({ until }) => until > done);
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

  function nudge(): void {
    writing ??= writeAll().finally(() => {
      writing = undefined;
      // Whoever came while it was ending.
      if (queue.length > 0) nudge();
      settle();
    });
  }

  return {
    push(record) {
      const size = record.payload.length;
      if (size > MAX_RECORD_BYTES) return events.leftOut('too_large', 1, `a record of ${size} characters`);
      if (!queue.push(record, size))
        return events.leftOut('queue_full', 1, 'the store is slower than records come');
      taken += 1;
      nudge();
      if (queue.length >= BATCH) hurry();
    },
    nudge,
    async flush() {
      if (writing === undefined) return;
      hurry();
      const until = taken;
      await new Promise<void>((resolve) => waiting.push({ until, resolve }));
    },
  };
}
