import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/deliver/store/memory.ts';
import type { Outcome, Sink } from '../../src/model/delivery.ts';
import { type ManualClock, settle } from '../support/clock.ts';
import { aDeliverer, delivered, type ScriptedSink, scriptedSink } from '../support/deliver.ts';
import { aFinding, findings } from '../support/finding.ts';

const retry: Outcome = { kind: 'retry', reason: 'server_error' };
const unauthorized: Outcome = { kind: 'rejected', reason: 'unauthorized' };
const nothing = { added: [], replaced: [], removed: [] };

/** A sink whose attempts end when the test says so, and that knows whether it was closed. */
function openEnded(
  name: string,
  clock: ManualClock,
): ScriptedSink & { end(outcome: Outcome): void; closed(): boolean } {
  const ends: ((outcome: Outcome) => void)[] = [];
  let isClosed = false;
  const sink = scriptedSink(name, clock, () => new Promise<Outcome>((resolve) => ends.push(resolve)));
  return Object.assign(sink, {
    end: (outcome: Outcome) => ends.shift()?.(outcome),
    closed: () => isClosed,
    close: async () => {
      isClosed = true;
    },
  });
}

describe('a sink that a new configuration does not name as changed', () => {
  it('keeps its attempt under way and its waits', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [
      openEnded('a', c),
      scriptedSink('b', c, () => retry),
    ]);
    const [a, b] = sinks;
    await deliverer.accept(aFinding(), ['a', 'b']);
    await clock.advance(0);
    const before = deliverer.status().sinks;
    deliverer.reconfigure({ ...nothing, added: [scriptedSink('c', clock)] }, { max_deliveries: 500 });
    expect(deliverer.status().sinks.slice(0, 2)).toEqual(before);
    expect(deliverer.status().spool.max_deliveries).toBe(500);
    await clock.advance(0);
    expect([a.asked.length, b.asked.length]).toEqual([1, 1]);
    a.end(delivered);
    await clock.advance(0);
    expect(deliverer.status().sinks[0]).toMatchObject({ name: 'a', delivered: 1, attempts: 1 });
    await deliverer.accept(aFinding({ id: 'f-2' }), ['c']);
    await clock.advance(0);
    expect(deliverer.status().sinks[2]).toMatchObject({ name: 'c', delivered: 1 });
  });
});

describe('a sink that has changed', () => {
  it('lets what is under way arrive by the former one, which is closed only then', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [openEnded('a', c)]);
    const next = scriptedSink('a', clock);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(0);
    deliverer.reconfigure({ ...nothing, replaced: [next] });
    await clock.advance(0);
    expect(sinks[0].closed()).toBe(false);
    sinks[0].end(delivered);
    await clock.advance(0);
    expect(sinks[0].closed()).toBe(true);
    expect(next.asked).toEqual([]);
    expect(deliverer.status().sinks[0]).toMatchObject({ delivered: 1, waiting: 0 });
  });

  it.each<[string, Outcome]>([
    ['fails', retry],
    ['is not let in', unauthorized],
    ['is refused', { kind: 'rejected', reason: 'client_error' }],
  ])('gets what %s at the former one, and is not blamed for it', async (_what, outcome) => {
    const { deliverer, clock, sinks, recorded } = aDeliverer((c) => [openEnded('a', c)]);
    const next = scriptedSink('a', clock);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(0);
    deliverer.reconfigure({ ...nothing, replaced: [next] });
    sinks[0].end(outcome);
    await clock.advance(0);
    expect(next.arrived).toEqual(['f-1a2b3c:1:a']);
    expect(deliverer.status().sinks[0]).toMatchObject({ state: 'flowing', delivered: 1, dead: 0 });
    expect(recorded.of('dead')).toEqual([]);
  });

  it('takes over what waits behind a closed gate, at once', async () => {
    const { deliverer, clock, recorded } = aDeliverer((c) => [scriptedSink('a', c, () => unauthorized)]);
    for (const one of findings(5)) await deliverer.accept(one, ['a']);
    await clock.advance(0);
    expect(deliverer.status().sinks[0]?.state).toBe('parked');
    const next = scriptedSink('a', clock);
    deliverer.reconfigure({ ...nothing, replaced: [next] });
    await clock.advance(0);
    expect(next.arrived).toHaveLength(5);
    expect(recorded.of('sinkState').at(-1)?.args).toEqual(['a', 'flowing', 'its configuration has changed']);
  });

  it('keeps the order within one finding: a revision does not pass the one under way', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [openEnded('a', c)]);
    const next = scriptedSink('a', clock);
    await deliverer.accept(aFinding(), ['a']);
    await deliverer.accept(aFinding({ revision: 2 }), ['a']);
    await clock.advance(0);
    deliverer.reconfigure({ ...nothing, replaced: [next] });
    await clock.advance(0);
    expect(next.asked).toEqual([]);
    sinks[0].end(retry);
    await clock.advance(0);
    expect(next.arrived).toEqual(['f-1a2b3c:1:a', 'f-1a2b3c:2:a']);
  });

  it('that takes no batches any more gets one by one what was put together', async () => {
    const batch = { max_count: 10, max_bytes: 1e6, max_wait_ms: 10 };
    const { deliverer, clock, sinks } = aDeliverer((c) => [scriptedSink('a', c, () => retry, { batch })]);
    for (const one of findings(6)) await deliverer.accept(one, ['a']);
    await clock.advance(20);
    expect(sinks[0].asked[0]?.parcel).toHaveProperty('batch');
    const next = scriptedSink('a', clock);
    deliverer.reconfigure({ ...nothing, replaced: [next] });
    await clock.advance(0);
    expect(next.arrived.sort()).toEqual(findings(6).map(({ id }) => `${id}:1:a`));
  });
});

describe('a sink that was removed', () => {
  it('leaves what waited as dead letters, as one that is not there at the start', async () => {
    const { deliverer, clock, recorded } = aDeliverer(
      (c) => [scriptedSink('a', c, () => retry), scriptedSink('b', c)],
      {
        store: memoryStore(),
      },
    );
    for (const one of findings(3)) await deliverer.accept(one, ['a', 'b']);
    await clock.advance(0);
    deliverer.reconfigure({ ...nothing, removed: ['a'] });
    expect(recorded.of('sinkRemoved').map(({ args }) => args)).toEqual([['a', 3]]);
    expect(deliverer.status().sinks.map(({ name }) => name)).toEqual(['b']);
    expect(deliverer.status().spool.waiting).toBe(0);
    const letters = await deliverer.admin.deadLetters(10);
    expect(letters.map(({ reason, entry }) => [reason, entry.sink])).toEqual(
      findings(3).map(() => ['sink_removed', 'a']),
    );
    const again = scriptedSink('a', clock);
    deliverer.reconfigure({ ...nothing, added: [again] });
    expect(await deliverer.admin.revive(letters.map(({ entry }) => entry.id))).toBe(3);
    await clock.advance(0);
    expect(again.arrived).toHaveLength(3);
  });

  it.each<[string, Outcome, { delivered: number; dead: number }]>([
    ['arrives', delivered, { delivered: 1, dead: 0 }],
    ['does not arrive', retry, { delivered: 0, dead: 1 }],
  ])('counts what is under way when it %s', async (_what, outcome, expected) => {
    const { deliverer, clock, sinks, recorded } = aDeliverer((c) => [openEnded('a', c)]);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(0);
    deliverer.reconfigure({ ...nothing, removed: ['a'] });
    sinks[0].end(outcome);
    await clock.advance(0);
    expect(sinks[0].closed()).toBe(true);
    expect({ delivered: recorded.of('delivered').length, dead: recorded.of('dead').length }).toEqual(
      expected,
    );
    expect(deliverer.status().spool.waiting).toBe(0);
  });

  it('does not hold up the end of the process', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [openEnded('a', c)]);
    await deliverer.accept(aFinding(), ['a']);
    await clock.advance(0);
    deliverer.reconfigure({ ...nothing, removed: ['a'] });
    const drained = deliverer.drain(0);
    await clock.advance(2000);
    expect(await drained).toEqual({ delivered: 0, left: 0 });
    expect(sinks[0].closed()).toBe(true);
  });
});

describe('however sinks come, change and go', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('accept' as const) }) },
    fc.record({ do: fc.constant('change' as const), sink: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('remove' as const), sink: fc.constantFrom('b', 'c') }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 3000 }) }),
  );

  it('each accepted delivery arrives once, or is a dead letter of a removed sink', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.infiniteStream(fc.nat(99)),
        async (steps, chance) => {
          const arrived: string[] = [];
          const make = (name: string, clock: ManualClock): Sink =>
            scriptedSink(name, clock, async (parcel, _attempt, signal) => {
              const draw = chance.next().value ?? 0;
              if (draw % 3 === 0) await new Promise<void>((done) => clock.after(draw * 10, done));
              if (draw >= 70 && draw < 90) return retry;
              if (draw >= 90) return unauthorized;
              if (!signal.aborted) arrived.push(parcel.id);
              return delivered;
            });
          const { deliverer, clock } = aDeliverer((c) => [make('a', c)]);
          const there = new Set(['a']);
          const accepted: string[] = [];
          for (const [index, one] of steps.entries()) {
            if (one.do === 'accept') {
              const finding = aFinding({ id: `f-${index}` });
              accepted.push(...[...there].map((sink) => `${finding.id}:1:${sink}`));
              void deliverer.accept(finding, [...there]);
            } else if (one.do === 'change') {
              const sink = make(one.sink, clock);
              deliverer.reconfigure(
                there.has(one.sink) ? { ...nothing, replaced: [sink] } : { ...nothing, added: [sink] },
              );
              there.add(one.sink);
            } else if (one.do === 'remove') {
              deliverer.reconfigure({ ...nothing, removed: there.delete(one.sink) ? [one.sink] : [] });
            } else await clock.advance(one.ms);
            await settle(1);
          }
          // Parked sinks are asked again after a while.
          for (let hours = 0; hours < 48 && deliverer.status().spool.waiting > 0; hours++)
            await clock.advance(3_600_000);
          const dead = (await deliverer.admin.deadLetters(1000)).map(({ entry, reason }) => {
            expect(reason).toBe('sink_removed');
            return entry.id;
          });
          expect([...arrived, ...dead].sort()).toEqual(accepted.sort());
        },
      ),
      { numRuns: 60 },
    );
  });
});
