import { describe, expect, it } from 'vitest';
import type { DeliveryStore, SpoolRecord } from '../../src/deliver/store/contract.ts';
import { memoryStore } from '../../src/deliver/store/memory.ts';
import type { Outcome } from '../../src/model/delivery.ts';
import { settle } from '../support/clock.ts';
import { aDeliverer, delivered, scriptedSink } from '../support/deliver.ts';
import { aFinding, findings } from '../support/finding.ts';

const retry: Outcome = { kind: 'retry', reason: 'server_error', detail: 'HTTP 500' };
const rejected = (reason: Extract<Outcome, { kind: 'rejected' }>['reason']): Outcome => ({
  kind: 'rejected',
  reason,
});

describe('delivery', () => {
  it('reaches each sink once, with an id of its own', async () => {
    const { deliverer, clock } = aDeliverer((c) => [scriptedSink('a', c), scriptedSink('b', c)]);
    await deliverer.accept(aFinding(), ['a', 'b']);
    await clock.advance(0);
    expect(deliverer.status().sinks.map((sink) => [sink.name, sink.delivered, sink.waiting])).toEqual([
      ['a', 1, 0],
      ['b', 1, 0],
    ]);
    expect(await deliverer.drain(1000)).toEqual({ delivered: 0, left: 0 });
  });

  it('is stored as JSON with its size in bytes, and the sink gets the text of the finding', async () => {
    const records: SpoolRecord[] = [];
    const store: DeliveryStore = { ...memoryStore(), put: async (more) => void records.push(...more) };
    const { deliverer, clock, sinks } = aDeliverer((c) => [scriptedSink('a', c), scriptedSink('b "c"', c)], {
      store,
    });
    const finding = aFinding({ title: 'Ünïcode "quoted" \u2028' });
    await deliverer.accept(finding, ['a', 'b "c"']);
    await clock.advance(0);
    expect(records.map(({ payload }) => payload)).toEqual(
      sinks.map((sink) => JSON.stringify(sink.asked[0]?.parcel)),
    );
    expect(records.map(({ entry }) => entry.bytes)).toEqual(
      records.map(({ payload }) => Buffer.byteLength(payload)),
    );
    expect(sinks.map((sink) => sink.asked[0]?.options?.json?.map(String))).toEqual(
      sinks.map(() => [JSON.stringify(finding)]),
    );
  });

  it('is repeated with the same id and waits that double up to the bound, until it arrives', async () => {
    const failing = (c: Parameters<typeof scriptedSink>[1]) =>
      scriptedSink('a', c, (_parcel, attempt) => (attempt < 6 ? retry : delivered), {
        retry_initial_ms: 1000,
        retry_max_ms: 6000,
        breaker_failures: 100,
      });
    const {
      deliverer,
      clock,
      sinks: [sink],
    } = aDeliverer((c) => [failing(c)]);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(60_000);
    const asked = sink.asked;
    expect(asked.map(({ at }) => at - asked[0]!.at)).toEqual([0, 1000, 3000, 7000, 13_000, 19_000]);
    expect(new Set(asked.map(({ parcel }) => parcel.id)).size).toBe(1);
    expect(deliverer.status().sinks[0]).toMatchObject({ delivered: 1, waiting: 0, attempts: 6 });
  });

  it.each(['client_error', 'not_implemented', 'unexpected_status', 'unrenderable'] as const)(
    'that is rejected as %s becomes a dead letter at once and can be revived',
    async (reason) => {
      let well = false;
      const { deliverer, clock, recorded } = aDeliverer((c) => [
        scriptedSink('a', c, () => (well ? delivered : rejected(reason))),
      ]);
      await deliverer.accept(aFinding(), ['a']);
      await clock.advance(0);
      expect(deliverer.status().sinks[0]).toMatchObject({ dead: 1, waiting: 0, attempts: 1 });
      expect(recorded.of('dead')[0]?.args.slice(0, 2)).toEqual(['a', reason]);
      const [letter] = await deliverer.admin.deadLetters(10);
      expect(letter).toMatchObject({ reason, entry: { id: 'f-1a2b3c:1:a' } });
      well = true;
      expect(await deliverer.admin.revive(['f-1a2b3c:1:a'])).toBe(1);
      await clock.advance(0);
      expect(deliverer.status().sinks[0]).toMatchObject({ delivered: 1, waiting: 0 });
      expect(await deliverer.admin.deadLetters(10)).toEqual([]);
    },
  );

  it('that is too large is tried once more, compact, and then given up', async () => {
    const {
      deliverer,
      clock,
      sinks: [sink],
    } = aDeliverer((c) => [scriptedSink('a', c, () => rejected('too_large'))]);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(0);
    expect(sink.asked.map(({ options }) => options?.compact)).toEqual([false, true]);
    expect(deliverer.status().sinks[0]).toMatchObject({ dead: 1 });
  });

  it('becomes a dead letter when it is older than the sink keeps it', async () => {
    const { deliverer, clock, recorded } = aDeliverer((c) => [
      scriptedSink('a', c, () => retry, { max_age_ms: 100_000 }),
    ]);
    await deliverer.start();
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(90_000);
    expect(deliverer.status().sinks[0]).toMatchObject({ waiting: 1, dead: 0 });
    await clock.advance(30_000);
    expect(deliverer.status().sinks[0]).toMatchObject({ waiting: 0, dead: 1 });
    expect(recorded.of('dead')[0]?.args[1]).toBe('expired');
  });

  it('survives a sink that throws, as a dead letter', async () => {
    const { deliverer, clock } = aDeliverer((c) => [
      scriptedSink('a', c, () => {
        throw new Error('bug');
      }),
    ]);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(0);
    expect(deliverer.status().sinks[0]).toMatchObject({ dead: 1, waiting: 0 });
  });

  it('takes back the slot of a sink that never ends', async () => {
    const { deliverer, clock } = aDeliverer((c) => [
      scriptedSink('a', c, (_parcel, attempt) => (attempt === 1 ? new Promise(() => {}) : delivered), {
        concurrency: 1,
        lease_ms: 5_000,
      }),
    ]);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(4_999);
    expect(deliverer.status().sinks[0]).toMatchObject({ in_flight: 1, delivered: 0 });
    await clock.advance(10_000);
    expect(deliverer.status().sinks[0]).toMatchObject({ in_flight: 0, delivered: 1 });
  });

  it('of the same finding accepted twice is one delivery while it waits', async () => {
    const { deliverer, clock } = aDeliverer((c) => [scriptedSink('a', c, () => new Promise(() => {}))]);
    await deliverer.accept(aFinding(), ['a']);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(0);
    expect(deliverer.status().spool.waiting).toBe(1);
  });

  it('of the same finding accepted twice is accepted the second time only when it is on disk', async () => {
    const store = memoryStore();
    const writes: (() => void)[] = [];
    const slow = { ...store, put: () => new Promise<void>((resolve) => void writes.push(resolve)) };
    const { deliverer } = aDeliverer((c) => [scriptedSink('a', c, () => new Promise(() => {}))], {
      store: slow,
    });
    const accepted: number[] = [];
    void deliverer.accept(aFinding(), ['a']).then(() => accepted.push(1));
    void deliverer.accept(aFinding(), ['a']).then(() => accepted.push(2));
    await settle();
    expect(accepted).toEqual([]);
    for (const written of writes) written();
    await settle();
    expect(accepted).toEqual([1, 2]);
  });
});

describe('a sink in trouble', () => {
  it('that says Retry-After is left alone as a whole until then, and asked once at first', async () => {
    let asked = 0;
    const {
      deliverer,
      clock,
      sinks: [sink],
    } = aDeliverer((c) => [
      scriptedSink('a', c, () =>
        asked++ === 0 ? { kind: 'retry', reason: 'throttled', after_ms: 30_000 } : delivered,
      ),
    ]);
    for (const finding of findings(1)) await deliverer.accept(finding, ['a']);
    await clock.advance(0);
    for (const finding of findings(20).slice(1)) await deliverer.accept(finding, ['a']);
    await clock.advance(29_999);
    expect(sink.asked).toHaveLength(1);
    expect(deliverer.status().sinks[0]).toMatchObject({ state: 'paused', waiting: 20 });
    await clock.advance(1);
    expect(deliverer.status().sinks[0]).toMatchObject({ state: 'flowing', waiting: 0, delivered: 20 });
  });

  it('is asked ever more rarely, and everything follows its first answer', async () => {
    let well = false;
    const {
      deliverer,
      clock,
      recorded,
      sinks: [sink],
    } = aDeliverer((c) => [scriptedSink('a', c, () => (well ? delivered : retry), { concurrency: 2 })]);
    for (const finding of findings(100)) await deliverer.accept(finding, ['a']);
    await clock.advance(3_600_000);
    // Five failures open the breaker; an hour of probes doubles up to five minutes.
    expect(sink.asked.length).toBeLessThan(40);
    expect(recorded.of('sinkState').map(({ args }) => args[1])).toEqual(['broken']);
    well = true;
    await clock.advance(300_000);
    expect(deliverer.status().sinks[0]).toMatchObject({ state: 'flowing', waiting: 0, delivered: 100 });
    expect(recorded.of('sinkState').map(({ args }) => args[1])).toEqual(['broken', 'flowing']);
  });

  it('is not held up by one finding that it cannot digest', async () => {
    const {
      deliverer,
      clock,
      sinks: [sink],
    } = aDeliverer((c) => [
      scriptedSink('a', c, (parcel) => (parcel.id.startsWith('poison') ? retry : delivered), {
        concurrency: 1,
        breaker_failures: 2,
      }),
    ]);
    await deliverer.accept(aFinding({ id: 'poison', severity: 'critical' }), ['a']);
    await clock.advance(10_000);
    expect(deliverer.status().sinks[0]?.state).toBe('broken');
    for (const finding of findings(50, { severity: 'low' })) await deliverer.accept(finding, ['a']);
    await clock.advance(600_000);
    expect(sink.arrived).toHaveLength(50);
    expect(deliverer.status().sinks[0]).toMatchObject({ waiting: 1, dead: 0 });
  });

  it.each(['unauthorized', 'redirect'] as const)(
    'that answers %s is parked, keeps everything, is asked again',
    async (reason) => {
      let well = false;
      const { deliverer, clock } = aDeliverer((c) => [
        scriptedSink('a', c, () => (well ? delivered : rejected(reason))),
      ]);
      for (const finding of findings(20)) await deliverer.accept(finding, ['a']);
      await clock.advance(1_000);
      expect(deliverer.status().sinks[0]).toMatchObject({ state: 'parked', waiting: 20, dead: 0 });
      well = true;
      await clock.advance(60_000);
      expect(deliverer.status().sinks[0]).toMatchObject({ state: 'flowing', waiting: 0, delivered: 20 });
    },
  );

  it('that answers 410 is never asked again until a person says so', async () => {
    let well = false;
    const {
      deliverer,
      clock,
      sinks: [sink],
    } = aDeliverer((c) => [
      scriptedSink('a', c, () => (well ? delivered : rejected('gone')), { concurrency: 1 }),
    ]);
    for (const finding of findings(5)) await deliverer.accept(finding, ['a']);
    await clock.advance(24 * 3_600_000);
    expect(sink.asked).toHaveLength(1);
    expect(deliverer.status().sinks[0]).toMatchObject({ state: 'disabled', waiting: 5, dead: 0 });
    well = true;
    expect(deliverer.admin.unblock('a')).toBe(true);
    await clock.advance(0);
    expect(deliverer.status().sinks[0]).toMatchObject({ state: 'flowing', delivered: 5 });
  });

  it('slows neither another sink nor the intake', async () => {
    const {
      deliverer,
      clock,
      sinks: [, fast],
    } = aDeliverer((c) => [scriptedSink('slow', c, () => new Promise(() => {})), scriptedSink('fast', c)]);
    for (const finding of findings(500)) await deliverer.accept(finding, ['slow', 'fast']);
    await clock.advance(0);
    expect(fast.arrived).toHaveLength(500);
    expect(deliverer.status().sinks[0]).toMatchObject({ waiting: 500, in_flight: 8 });
  });
});

describe('order', () => {
  it('of revisions of a finding is kept, though the first fails and others pass it', async () => {
    const {
      deliverer,
      clock,
      sinks: [sink],
    } = aDeliverer((c) => [
      scriptedSink('a', c, (parcel, attempt) => (parcel.id === 'f:1:a' && attempt < 3 ? retry : delivered)),
    ]);
    await deliverer.accept(aFinding({ id: 'f', revision: 1, severity: 'low' }), ['a']);
    await deliverer.accept(aFinding({ id: 'f', revision: 2, severity: 'critical' }), ['a']);
    await deliverer.accept(aFinding({ id: 'g' }), ['a']);
    await clock.advance(60_000);
    expect(sink.arrived).toEqual(['g:1:a', 'f:1:a', 'f:2:a']);
  });

  it('of a backlog is by severity, and by age within one', async () => {
    const gates: (() => void)[] = [];
    const {
      deliverer,
      clock,
      sinks: [sink],
    } = aDeliverer((c) => [
      scriptedSink('a', c, () => new Promise((resolve) => gates.push(() => resolve(delivered))), {
        concurrency: 1,
      }),
    ]);
    for (const [id, severity] of [
      ['1', 'low'],
      ['2', 'low'],
      ['3', 'high'],
      ['4', 'critical'],
      ['5', 'high'],
    ] as const) {
      await deliverer.accept(aFinding({ id, severity }), ['a']);
    }
    for (let i = 0; i < 5; i++) {
      await settle();
      gates.shift()?.();
    }
    await clock.advance(0);
    expect(sink.arrived.map((id) => id.slice(0, 1))).toEqual(['1', '4', '3', '5', '2']);
  });
});

describe('a full spool', () => {
  it('sheds the oldest of the lowest severity first, and counts each', async () => {
    const { deliverer, clock, recorded } = aDeliverer(
      (c) => [scriptedSink('a', c, () => new Promise(() => {}), { concurrency: 1 })],
      { bounds: { max_deliveries: 4 } },
    );
    for (const [id, severity] of [
      ['flying', 'info'],
      ['1', 'high'],
      ['2', 'low'],
      ['3', 'low'],
      ['4', 'medium'],
      ['5', 'low'],
      ['6', 'info'],
    ] as const) {
      await deliverer.accept(aFinding({ id, severity }), ['a']);
      await clock.advance(0);
    }
    expect(deliverer.admin.waiting(10).map((entry) => entry.id.split(':')[0])).toEqual([
      'flying',
      '5',
      '4',
      '1',
    ]);
    expect(recorded.of('shed').map(({ args }) => args)).toEqual([
      ['a', 'spool_full', 'low'],
      ['a', 'spool_full', 'low'],
      ['a', 'spool_full', 'info'],
    ]);
    expect(deliverer.status().sinks[0]).toMatchObject({ shed: 3, waiting: 4 });
  });

  it('of bytes is kept as well', async () => {
    const { deliverer } = aDeliverer(
      (c) => [scriptedSink('a', c, () => new Promise(() => {}), { concurrency: 1 })],
      {
        bounds: { max_bytes: 20_000 },
      },
    );
    for (const finding of findings(100)) await deliverer.accept(finding, ['a']);
    expect(deliverer.status().spool.bytes).toBeLessThanOrEqual(20_000);
    expect(deliverer.status().spool.waiting).toBeGreaterThan(3);
  });
});

describe('drain', () => {
  it('waits for what is under way and for what will be due before the deadline', async () => {
    const { deliverer, clock } = aDeliverer((c) => [
      scriptedSink('a', c, (_parcel, attempt) => (attempt < 3 ? retry : delivered)),
    ]);
    await deliverer.accept(aFinding(), ['a']);
    const drained = deliverer.drain(10_000);
    await clock.advance(5_000);
    expect(await drained).toEqual({ delivered: 1, left: 0 });
    expect(clock.pending).toBe(0);
  });

  it('ends early when nothing can happen before the deadline', async () => {
    const { deliverer, clock } = aDeliverer((c) => [scriptedSink('a', c, () => rejected('unauthorized'))]);
    for (const finding of findings(3)) await deliverer.accept(finding, ['a']);
    await clock.advance(0);
    expect(await deliverer.drain(30_000)).toEqual({ delivered: 0, left: 3 });
    expect(clock.pending).toBe(0);
  });

  it('aborts at the deadline what has not ended, and says what is left; twice is as once', async () => {
    let signal: AbortSignal | undefined;
    const { deliverer, clock } = aDeliverer((c) => [
      scriptedSink('a', c, (_parcel, _attempt, given) => {
        signal = given;
        return new Promise((resolve) =>
          given.addEventListener('abort', () => resolve({ kind: 'retry', reason: 'aborted' })),
        );
      }),
    ]);
    await deliverer.accept(aFinding(), ['a']);
    const drained = deliverer.drain(2_000);
    await clock.advance(1_999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(signal?.aborted).toBe(true);
    expect(await drained).toEqual({ delivered: 0, left: 1 });
    expect(deliverer.drain(1)).toBe(drained);
  });
});

describe('the account', () => {
  it('balances: accepted is delivered, dead, shed or waiting', async () => {
    let count = 0;
    const outcomes: Outcome[] = [delivered, retry, rejected('client_error'), retry, delivered];
    const { deliverer, clock, recorded } = aDeliverer(
      (c) => [scriptedSink('a', c, () => outcomes[count++ % outcomes.length]!)],
      { bounds: { max_deliveries: 50 } },
    );
    for (const finding of findings(200)) void deliverer.accept(finding, ['a']);
    await clock.advance(5_000);
    const [sink] = deliverer.status().sinks;
    expect(sink!.delivered + sink!.dead + sink!.shed + sink!.waiting).toBe(recorded.of('accepted').length);
    expect(sink!.shed).toBeGreaterThan(0);
    expect(sink!.dead).toBeGreaterThan(0);
  });
});
