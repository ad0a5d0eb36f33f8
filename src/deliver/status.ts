import type { DelivererStatus, SinkStatus } from '../model/delivery.ts';
import type { Lane } from './lane.ts';
import type { Ledger, SpoolBounds } from './ledger.ts';
import type { Spool } from './spool.ts';

/** What has happened to a sink's deliveries since start. */
export interface Tally {
  delivered: number;
  dead: number;
  shed: number;
}

export function statusOf(
  lanes: ReadonlyMap<string, Lane>,
  tallyOf: (sink: string) => Tally,
  ledger: Ledger,
  spool: Spool,
  bounds: SpoolBounds,
): DelivererStatus {
  const oldest = ledger.oldest();
  return {
    sinks: [...lanes.values()].map((lane) => sinkStatus(lane, tallyOf(lane.sink.name))),
    spool: {
      durable: spool.durable,
      ...(spool.degraded === undefined ? {} : { degraded: spool.degraded }),
      waiting: ledger.count,
      bytes: ledger.bytes,
      max_deliveries: bounds.max_deliveries,
      max_bytes: bounds.max_bytes,
      ...(oldest === undefined ? {} : { oldest: new Date(oldest).toISOString() }),
    },
  };
}

function sinkStatus(lane: Lane, tally: Tally): SinkStatus {
  const { gate, sink } = lane;
  const until = gate.until_ms;
  return {
    name: sink.name,
    type: sink.type,
    state: gate.state,
    ...(gate.detail === '' ? {} : { detail: gate.detail }),
    ...(until === undefined || !Number.isFinite(until) ? {} : { until: new Date(until).toISOString() }),
    waiting: lane.waiting,
    in_flight: lane.inFlight,
    attempts: lane.attempts,
    ...tally,
    ...(lane.lastError === undefined ? {} : { last_error: lane.lastError }),
  };
}
