import type { Clock } from '../lib/clock.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { HistoryRecord, HistoryStore, Miss, MissedExec } from '../model/history.ts';
import type { MissesConfig } from './config.ts';
import { DAY_MS, missRecordOf } from './recorder.ts';
import { openSampler, type Sampled } from './sampler.ts';
import { type HistoryEvents, openWriter } from './writer.ts';

/** Keeps a sample of the execs that named a tool and did not fire; never waits. */
export interface MissRecorder {
  miss(missed: MissedExec): void;
  /** Since start, by what became of them; what the writer left out is counted as kept here. */
  counts(): Readonly<Record<Sampled, number>>;
  /** Fulfilled when everything so far is written or counted as left out. */
  flush(): Promise<void>;
  /** The same, and the counts that are written now and then; ends the timer. */
  close(): Promise<void>;
}

export interface MissRecorderParts {
  store: Pick<HistoryStore, 'keepMisses'>;
  config: MissesConfig;
  clock: Clock;
  events: HistoryEvents;
  /** The id of the finding that the event would be. */
  findingId: (eventId: string) => string;
  /** Takes credentials out of what is kept. */
  redact: (miss: Miss) => Miss;
  /** Hears each that is kept. */
  heard?: (record: HistoryRecord) => void;
}

/** How long a count may wait to be written: kill -9 loses that much of it. */
const COUNTS_MS = 30_000;

export function openMissRecorder(parts: MissRecorderParts): MissRecorder {
  const { store, config, clock, events, findingId, redact } = parts;
  const sampler = openSampler(config);
  const counted: Record<Sampled, number> = { kept: 0, counted: 0, rate_limited: 0 };
  const writer = openWriter(
    async (batch) => {
      const counts = sampler.counts();
      if (batch.length === 0 && counts.length === 0) return 0;
      const before_ms = clock.now() - config.max_days * DAY_MS;
      return store.keepMisses(batch, counts, { max_bytes: config.max_bytes, before_ms });
    },
    clock,
    { max_records: 1000, max_bytes: 4 * 2 ** 20 },
    events,
  );
  let cancel: (() => void) | undefined;

  function writeCounts(): void {
    cancel = undefined;
    writer.nudge();
  }

  const idOf = (event: ExecEvent) => `m-${findingId(event.id).slice(2)}`;

  return {
    miss(missed) {
      const { event, verdict, seconds } = missed;
      if (verdict.tool === undefined) return;
      let id = '';
      const fate = sampler.take(event, verdict.tool, verdict.severity, seconds, () => {
        id = idOf(event);
        return id;
      });
      counted[fate] += 1;
      cancel ??= clock.after(COUNTS_MS, writeCounts);
      if (fate !== 'kept') return;
      const record = missRecordOf(redact(missOf(id, verdict.tool, missed)), clock.now());
      writer.push(record);
      parts.heard?.(record);
    },
    counts: () => counted,
    flush: writer.flush,
    async close() {
      cancel?.();
      await writer.flush();
      writer.nudge();
      await writer.flush();
    },
  };
}

function missOf(id: string, tool: string, { event, verdict, facts, floor }: MissedExec): Miss {
  const known = (facts.seen_before ?? 0) > 0 || facts.chain !== undefined;
  return {
    schema: 'lanner.miss/v1',
    id,
    time: event.time,
    severity: verdict.severity,
    score: verdict.score,
    tool,
    ...(verdict.category !== undefined && { category: verdict.category }),
    indicators: verdict.indicators,
    floor,
    ...(known && { facts }),
    exec: event,
  };
}
