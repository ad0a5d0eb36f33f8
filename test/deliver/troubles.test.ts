import { describe, expect, it } from 'vitest';
import { type Observation, openTroubleWatch } from '../../src/deliver/troubles.ts';
import type { CanaryHealth } from '../../src/model/canary.ts';
import type { SinkStatus } from '../../src/model/delivery.ts';
import { newSourceCounts, type SourceCounts, type SourceHealth } from '../../src/model/intake.ts';

const start = Date.parse('2026-11-22T12:00:00Z');
const source = (state: SourceHealth['state'], reason?: string): SourceHealth => ({
  name: 'tetragon',
  type: 'tetragon',
  state,
  since: '',
  ...(reason === undefined ? {} : { reason }),
});
const sink = (change: Partial<SinkStatus> = {}): SinkStatus => ({
  name: 'ops',
  type: 'webhook',
  state: 'flowing',
  waiting: 0,
  in_flight: 0,
  delivered: 0,
  dead: 0,
  shed: 0,
  attempts: 0,
  ...change,
});

/** Looks at seconds after the start; answers what was told as `state kind subject`. */
function watching() {
  const watch = openTroubleWatch({ after_ms: 60_000 });
  return (
    at: number,
    change: {
      source?: SourceHealth;
      counts?: Partial<SourceCounts>;
      sink?: SinkStatus;
      spool?: object;
      canary?: CanaryHealth['state'];
      refused?: string;
    } = {},
  ) => {
    const observation: Observation = {
      sources: [change.source ?? source('ok')],
      ...(change.canary !== undefined && { canaries: [{ source: 'tetragon', state: change.canary }] }),
      ...(change.refused !== undefined && { config_refused: change.refused }),
      counts: new Map([['tetragon', { ...newSourceCounts(), ...change.counts }]]),
      status: {
        sinks: [change.sink ?? sink()],
        spool: { durable: true, waiting: 0, bytes: 0, max_deliveries: 100, max_bytes: 1000, ...change.spool },
      },
    };
    return watch
      .look(observation, start + at * 1000)
      .map((notice) => `${notice.state} ${notice.kind} ${notice.subject}`);
  };
}

describe('a trouble', () => {
  it('of a source is told when it lasts, and once when it is over', () => {
    const look = watching();
    const down = { source: source('degraded', 'nothing listens') };
    expect(look(0, down)).toEqual([]);
    expect(look(50, down)).toEqual([]);
    expect(look(60, down)).toEqual(['started source_down tetragon']);
    expect(look(70, down)).toEqual([]);
    expect(look(80)).toEqual(['ended source_down tetragon']);
    expect(look(90)).toEqual([]);
  });

  it('of a sensor that is blind is told at once, one missed canary never', () => {
    const look = watching();
    for (const canary of ['waiting', 'seen', 'missed'] as const) expect(look(0, { canary })).toEqual([]);
    expect(look(10, { canary: 'blind' })).toEqual(['started sensor_blind tetragon']);
    expect(look(20, { canary: 'blind' })).toEqual([]);
    expect(look(30, { canary: 'seen' })).toEqual(['ended sensor_blind tetragon']);
  });

  it('of a refused configuration is told when it lasts, and once when it is mended', () => {
    const look = watching();
    const refused = { refused: 'lanner.yaml:3:1 not valid YAML' };
    expect(look(0, refused)).toEqual([]);
    expect(look(60, refused)).toEqual(['started config_refused configuration']);
    expect(look(70, refused)).toEqual([]);
    expect(look(80)).toEqual(['ended config_refused configuration']);
  });

  it('that is over soon is never told', () => {
    const look = watching();
    expect(look(0, { source: source('degraded') })).toEqual([]);
    expect(look(30)).toEqual([]);
    expect(look(60, { source: source('degraded') })).toEqual([]);
    expect(look(100)).toEqual([]);
  });

  it('keeps its id from start to end, and another one has another', () => {
    const watch = openTroubleWatch({ after_ms: 0 });
    const observe = (state: SourceHealth['state'], at: number) =>
      watch.look(
        {
          sources: [source(state)],
          counts: new Map(),
          status: {
            sinks: [],
            spool: { durable: true, waiting: 0, bytes: 0, max_deliveries: 1, max_bytes: 1 },
          },
        },
        start + at,
      );
    const [began] = observe('degraded', 0);
    const [ended] = observe('ok', 10_000);
    expect(ended).toMatchObject({
      id: began?.id,
      started: began?.started,
      ended: '2026-11-22T12:00:10.000Z',
    });
    expect(observe('failed', 20_000)[0]?.id).not.toBe(began?.id);
  });

  it('of a stopped or healthy source is none', () => {
    const look = watching();
    expect([look(0, { source: source('stopped') }), look(900, { source: source('stopped') })]).toEqual([
      [],
      [],
    ]);
  });

  it('of losses is told at once and over when none came for ten minutes', () => {
    const look = watching();
    expect(look(0, { counts: { sensor_lost_events: 5 } })).toEqual([]);
    expect(look(10, { counts: { sensor_lost_events: 9 } })).toEqual(['started upstream_drops tetragon']);
    expect(look(500, { counts: { sensor_lost_events: 12 } })).toEqual([]);
    expect(look(1_000, { counts: { sensor_lost_events: 12 } })).toEqual([]);
    expect(look(1_100, { counts: { sensor_lost_events: 12 } })).toEqual(['ended upstream_drops tetragon']);
  });

  it('of our own full queue is one of losses', () => {
    const look = watching();
    look(0);
    expect(look(10, { counts: { dropped: { queue_full: 3 } } })).toEqual(['started upstream_drops tetragon']);
    expect(watching()(0, { counts: { dropped: { not_json: 3 } } })).toEqual([]);
  });

  it('of the spool begins at four fifths and ends well below', () => {
    const look = watching();
    expect(look(0, { spool: { waiting: 79 } })).toEqual([]);
    expect(look(10, { spool: { bytes: 800 } })).toEqual(['started spool_filling spool']);
    expect(look(20, { spool: { waiting: 70 } })).toEqual([]);
    expect(look(30, { spool: { waiting: 59 } })).toEqual(['ended spool_filling spool']);
    expect(look(40, { spool: { degraded: 'SQLITE_FULL' } })).toEqual(['started spool_degraded spool']);
  });

  it('of a sink that a person must mend is told at once, of one that is down after five minutes', () => {
    const parked = watching();
    expect(parked(0, { sink: sink({ state: 'parked', detail: 'unauthorized' }) })).toEqual([
      'started sink_blocked ops',
    ]);
    const broken = watching();
    expect(broken(0, { sink: sink({ state: 'broken' }) })).toEqual([]);
    expect(broken(299, { sink: sink({ state: 'paused' }) })).toEqual([]);
    expect(broken(300, { sink: sink({ state: 'broken' }) })).toEqual(['started sink_blocked ops']);
    expect(broken(310)).toEqual(['ended sink_blocked ops']);
  });

  it('of deliveries given up is told', () => {
    const look = watching();
    look(0, { sink: sink({ dead: 2 }) });
    expect(look(10, { sink: sink({ dead: 3 }) })).toEqual(['started delivery_lost ops']);
    expect(look(620, { sink: sink({ dead: 3 }) })).toEqual(['ended delivery_lost ops']);
  });
});
