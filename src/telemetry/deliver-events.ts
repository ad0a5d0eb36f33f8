import type { DeliverEvents, DelivererStatus } from '../model/delivery.ts';
import type { Severity } from '../model/finding.ts';
import type { Log } from './log.ts';
import type { Metrics, Tally } from './metrics.ts';

const secondsBuckets = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200];

const blocking = ['paused', 'broken', 'parked', 'disabled'] as const;

/** What happens with each delivery to a sink. */
interface Flow {
  accepted: Partial<Record<Severity, Tally>>;
  arrived: Tally;
  delivered: Tally;
}

/** Deliveries as metrics and log lines, each occurrence in one place. Single deliveries are only counted. */
export function deliverEvents(metrics: Metrics, log: Log): DeliverEvents {
  const accepted = metrics.tallied(
    'lanner_deliveries_accepted_total',
    'Deliveries accepted (one finding to one sink), by sink and severity',
    ['sink', 'severity'],
  );
  const recovered = metrics.counter(
    'lanner_deliveries_recovered_total',
    'Deliveries of a former run found in the spool',
    ['sink'],
  );
  const delivered = metrics.tallied('lanner_deliveries_delivered_total', 'Deliveries that arrived', ['sink']);
  const dead = metrics.counter(
    'lanner_deliveries_dead_total',
    'Deliveries given up and kept as dead letters, by reason',
    ['sink', 'reason'],
  );
  const shed = metrics.counter(
    'lanner_deliveries_shed_total',
    'Deliveries dropped for good, by reason and severity',
    ['sink', 'reason', 'severity'],
  );
  const attempts = metrics.tallied('lanner_delivery_attempts_total', 'Attempts by outcome and reason', [
    'sink',
    'outcome',
    'reason',
  ]);
  const attemptSeconds = metrics.histogram(
    'lanner_delivery_attempt_seconds',
    'How long attempts took',
    ['sink'],
    secondsBuckets,
  );
  const delay = metrics.histogram(
    'lanner_delivery_delay_seconds',
    'From accepted to delivered, by sink; of a batch, of its oldest',
    ['sink'],
    secondsBuckets,
  );
  const blocked = metrics.gauge(
    'lanner_sink_blocked',
    '1 while a sink is paused, broken, parked or disabled',
    ['sink', 'state'],
  );
  const degraded = metrics.gauge('lanner_spool_degraded', '1 while deliveries are kept in memory only');
  degraded.set(0);
  const setAside = metrics.counter(
    'lanner_spool_set_aside_total',
    'Stores that could not be used and were set aside',
  );
  const lastReason = new Map<string, string>();
  const flows = new Map<string, Flow>();

  function flowOf(sink: string): Flow {
    let flow = flows.get(sink);
    if (flow === undefined) {
      flow = {
        accepted: {},
        arrived: attempts.of({ sink, outcome: 'delivered', reason: '' }),
        delivered: delivered.of({ sink }),
      };
      flows.set(sink, flow);
    }
    return flow;
  }

  return {
    accepted(sink, severity) {
      const flow = flowOf(sink);
      flow.accepted[severity] ??= accepted.of({ sink, severity });
      flow.accepted[severity].count += 1;
    },
    recovered(sink, count) {
      recovered.inc({ sink }, count);
      log.info('deliveries of a former run wait in the spool', { sink, count });
    },
    attempted(sink, outcome, took_ms) {
      const reason = outcome.kind === 'delivered' ? '' : outcome.reason;
      if (outcome.kind === 'delivered') flowOf(sink).arrived.count += 1;
      else attempts.counter.inc({ sink, outcome: outcome.kind, reason });
      attemptSeconds.observe({ sink }, took_ms / 1000);
      // A failing sink would say the same a thousand times.
      const former = lastReason.get(sink) ?? '';
      if (former === reason || reason === 'aborted') return;
      lastReason.set(sink, reason);
      if (outcome.kind === 'delivered') log.info('sink delivers again', { sink, after: former });
      else log.warn('attempt failed', { sink, outcome: outcome.kind, reason, detail: outcome.detail });
    },
    delivered(sink, count, age_ms) {
      flowOf(sink).delivered.count += count;
      delay.observe({ sink }, age_ms / 1000);
    },
    dead(sink, reason, delivery, detail) {
      dead.inc({ sink, reason });
      log.error('delivery given up, kept as dead letter', { sink, reason, delivery, detail });
    },
    shed(sink, reason, severity) {
      shed.inc({ sink, reason, severity });
    },
    sinkState(sink, state, detail) {
      for (const each of blocking) blocked.set({ sink, state: each }, each === state ? 1 : 0);
      if (state === 'flowing') log.info('sink flows', { sink, detail });
      else if (state === 'paused' || state === 'broken') log.warn(`sink ${state}`, { sink, detail });
      else log.error(`sink ${state}: its configuration needs a look`, { sink, detail });
    },
    sinkRemoved(sink, waiting) {
      for (const state of blocking) blocked.remove({ sink, state });
      if (waiting === 0) return;
      dead.inc({ sink, reason: 'sink_removed' }, waiting);
      log.error('no such sink is configured any more: what waited for it are dead letters now', {
        sink,
        count: waiting,
        mend: 'configure it again and `lanner spool retry --all --sink NAME`, or drop them',
      });
    },
    storeDegraded(detail) {
      degraded.set(1);
      log.error('the spool does not take writes: deliveries are kept in memory only', {
        code: 'store_unusable',
        detail,
      });
    },
    storeRecovered(written) {
      degraded.set(0);
      log.info('the spool takes writes again', { written });
    },
    storeSetAside(path, detail) {
      setAside.inc();
      log.error('the store could not be used and was set aside; a new one was begun', { path, detail });
    },
  };
}

/** What waits, read from the status whenever metrics are scraped. */
export function deliverGauges(
  metrics: Metrics,
  status: () => DelivererStatus,
  now: () => number,
): () => void {
  const waiting = metrics.gauge('lanner_deliveries_waiting', 'Deliveries that wait', ['sink']);
  const inFlight = metrics.gauge('lanner_deliveries_in_flight', 'Attempts under way', ['sink']);
  const bytes = metrics.gauge('lanner_spool_bytes', 'Size of what waits');
  const oldest = metrics.gauge('lanner_spool_oldest_seconds', 'Age of the oldest waiting delivery');
  return () => {
    const { sinks, spool } = status();
    // A sink may have been removed since.
    waiting.reset();
    inFlight.reset();
    for (const sink of sinks) {
      waiting.set({ sink: sink.name }, sink.waiting);
      inFlight.set({ sink: sink.name }, sink.in_flight);
    }
    bytes.set(spool.bytes);
    oldest.set(spool.oldest === undefined ? 0 : Math.max(0, (now() - Date.parse(spool.oldest)) / 1000));
  };
}
