import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model/delivery.ts';
import { deliverEvents, deliverGauges } from '../../src/telemetry/deliver-events.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { routeEvents } from '../../src/telemetry/route-events.ts';

function telling() {
  const lines: string[] = [];
  const line = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log: Log = { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug') };
  const metrics = new Metrics();
  const shown = async (name: string) =>
    (await metrics.registry.metrics())
      .split('\n')
      .filter((one) => one.startsWith(name) && !one.includes('_bucket'));
  return { lines, log, metrics, shown };
}

const refused: Outcome = { kind: 'retry', reason: 'connect_refused', detail: 'ECONNREFUSED' };

describe('what happens to deliveries', () => {
  it('is counted by sink and reason, and an attempt is told only when its reason changes', async () => {
    const { lines, log, metrics, shown } = telling();
    const events = deliverEvents(metrics, log);
    for (let i = 0; i < 100; i++) events.attempted('ops', refused, 5);
    events.attempted('ops', { kind: 'retry', reason: 'timeout' }, 5);
    events.attempted('ops', { kind: 'retry', reason: 'aborted' }, 5);
    events.attempted('ops', { kind: 'delivered' }, 5);
    for (let i = 0; i < 100; i++) events.attempted('ops', { kind: 'delivered' }, 5);
    expect(lines).toEqual(['warn attempt failed', 'warn attempt failed', 'info sink delivers again']);
    expect(await shown('lanner_delivery_attempts_total')).toEqual([
      'lanner_delivery_attempts_total{sink="ops",outcome="retry",reason="connect_refused"} 100',
      'lanner_delivery_attempts_total{sink="ops",outcome="retry",reason="timeout"} 1',
      'lanner_delivery_attempts_total{sink="ops",outcome="retry",reason="aborted"} 1',
      'lanner_delivery_attempts_total{sink="ops",outcome="delivered",reason=""} 101',
    ]);
  });

  it('accounts for every delivery', async () => {
    const { log, metrics, shown } = telling();
    const events = deliverEvents(metrics, log);
    events.accepted('ops', 'high');
    events.recovered('ops', 3);
    events.delivered('ops', 2, 1_500);
    events.dead('ops', 'client_error', 'f:1:ops', 'HTTP 400');
    events.shed('ops', 'spool_full', 'low');
    expect(await shown('lanner_deliveries_')).toEqual([
      'lanner_deliveries_accepted_total{sink="ops",severity="high"} 1',
      'lanner_deliveries_recovered_total{sink="ops"} 3',
      'lanner_deliveries_delivered_total{sink="ops"} 2',
      'lanner_deliveries_dead_total{sink="ops",reason="client_error"} 1',
      'lanner_deliveries_shed_total{sink="ops",reason="spool_full",severity="low"} 1',
    ]);
    expect(await shown('lanner_delivery_delay_seconds_sum')).toEqual([
      'lanner_delivery_delay_seconds_sum{sink="ops"} 1.5',
    ]);
  });

  it('shows the state of a sink and of the spool, and says both loudly', async () => {
    const { lines, log, metrics, shown } = telling();
    const events = deliverEvents(metrics, log);
    events.sinkState('ops', 'parked', 'unauthorized');
    events.storeDegraded('SQLITE_FULL');
    expect(await shown('lanner_sink_blocked')).toContain('lanner_sink_blocked{sink="ops",state="parked"} 1');
    expect(await shown('lanner_spool_degraded')).toEqual(['lanner_spool_degraded 1']);
    events.sinkState('ops', 'flowing', '');
    events.storeRecovered(4);
    expect(await shown('lanner_sink_blocked')).toContain('lanner_sink_blocked{sink="ops",state="parked"} 0');
    expect(await shown('lanner_spool_degraded')).toEqual(['lanner_spool_degraded 0']);
    expect(lines.map((one) => one.split(' ')[0])).toEqual(['error', 'error', 'info', 'info']);
  });

  it('is gauged when it is asked for', async () => {
    const { metrics, shown } = telling();
    const refresh = deliverGauges(
      metrics,
      () => ({
        sinks: [
          {
            name: 'ops',
            type: 'webhook',
            state: 'flowing',
            waiting: 7,
            in_flight: 2,
            delivered: 0,
            dead: 0,
            shed: 0,
            attempts: 0,
          },
        ],
        spool: {
          durable: true,
          waiting: 7,
          bytes: 900,
          max_deliveries: 10,
          max_bytes: 1000,
          oldest: '2026-11-22T12:00:00.000Z',
        },
      }),
      () => Date.parse('2026-11-22T12:00:30Z'),
    );
    refresh();
    expect([...(await shown('lanner_deliveries_')), ...(await shown('lanner_spool_'))]).toEqual([
      'lanner_deliveries_waiting{sink="ops"} 7',
      'lanner_deliveries_in_flight{sink="ops"} 2',
      'lanner_spool_bytes 900',
      'lanner_spool_oldest_seconds 30',
    ]);
  });

  it('names a route that cannot be decided, once for each reason', async () => {
    const { lines, log, metrics, shown } = telling();
    const note = routeEvents(metrics, log);
    for (let i = 0; i < 5; i++)
      note({ route: 'route/prod', decision: { is: 'unknown', why: 'the namespace is not known' } });
    note({ route: 'route/prod', decision: { is: 'no', why: '' } });
    expect(lines).toHaveLength(1);
    expect(await shown('lanner_route_undecided_total')).toEqual([
      'lanner_route_undecided_total{route="route/prod"} 5',
    ]);
  });
});
