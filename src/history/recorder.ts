import type { Clock } from '../lib/clock.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { Finding } from '../model/finding.ts';
import { textOf } from '../model/finding-text.ts';
import type { HistoryRecord, HistoryStore, Miss } from '../model/history.ts';
import type { HistoryConfig } from './config.ts';
import { type HistoryEvents, openWriter, type WriterBounds } from './writer.ts';

/** What became of a finding. */
export interface Fate {
  hidden: boolean;
  sinks: readonly string[];
}

/** Writes findings to the history behind the pipeline's back: `keep` only queues and never waits. */
export interface Recorder {
  keep(record: HistoryRecord): void;
  /** Fulfilled when everything queued so far is written or counted as left out. */
  flush(): Promise<void>;
}

export interface RecorderParts {
  store: Pick<HistoryStore, 'keepHistory'>;
  config: Pick<HistoryConfig, 'max_bytes' | 'max_days'>;
  clock: Clock;
  events: HistoryEvents;
  /** Bounds of what waits; others than the defaults are for tests. */
  queue?: WriterBounds;
}

export const DAY_MS = 86_400_000;

export function openRecorder({ store, config, clock, events, queue }: RecorderParts): Recorder {
  const writer = openWriter(
    (batch) =>
      store.keepHistory(batch, {
        max_bytes: config.max_bytes,
        before_ms: clock.now() - config.max_days * DAY_MS,
      }),
    clock,
    queue ?? { max_records: 5000, max_bytes: 16 * 2 ** 20 },
    events,
  );
  return { keep: writer.push, flush: writer.flush };
}

/** What is kept of a finding. Context is left out: it is what other findings and the recent execs said. */
export function recordOf(finding: Finding, { hidden, sinks }: Fate, kept_ms: number): HistoryRecord {
  return {
    ...columnsOf(finding),
    revision: finding.revision,
    kept_ms,
    exceptions: (finding.exceptions ?? []).filter(({ applied }) => applied).map(({ name }) => name),
    hidden,
    sinks: [...sinks],
    payload: textOf(finding).kept,
  };
}

/** What is kept of an exec that did not fire. */
export function missRecordOf(miss: Miss, kept_ms: number): HistoryRecord {
  return {
    ...columnsOf(miss),
    revision: 1,
    kept_ms,
    exceptions: [],
    hidden: false,
    sinks: [],
    payload: JSON.stringify(miss),
  };
}

type Columns = Pick<
  HistoryRecord,
  'id' | 'time' | 'severity' | 'tool' | 'image' | 'namespace' | 'workload' | 'indicators'
>;

function columnsOf(kept: Finding | Miss): Columns {
  const { id, time, severity, tool, exec } = kept;
  const images = imagesOf(exec);
  const { pod } = exec;
  return {
    id,
    time,
    severity,
    ...(tool !== undefined && { tool }),
    ...(images.length > 0 && { image: images.join('\n') }),
    ...(pod !== undefined && { namespace: pod.namespace }),
    ...(pod?.workload !== undefined && { workload: pod.workload }),
    indicators: kept.indicators.map((one) => one.id),
  };
}

function imagesOf({ image }: ExecEvent): string[] {
  const all = [image?.reference, image?.repository, image?.digest];
  return [...new Set(all.filter((one) => one !== undefined))];
}
