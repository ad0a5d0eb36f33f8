import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Addressee, BatchDelivery, Delivery, Outcome, Parcel } from '../../src/model/delivery.ts';
import { type Severity, severities } from '../../src/model/finding.ts';
import { aDeliverer, delivered, scriptedSink } from '../support/deliver.ts';
import { aFinding, findings } from '../support/finding.ts';

const retry: Outcome = { kind: 'retry', reason: 'server_error' };
const tooLarge: Outcome = { kind: 'rejected', reason: 'too_large' };
const disliked: Outcome = { kind: 'rejected', reason: 'client_error' };
const batch = { max_count: 4, max_bytes: 1_000_000, max_wait_ms: 500 };
const inside = (parcel: Parcel) =>
  ('batch' in parcel ? parcel.batch : [parcel]).map(({ id }) => id.split(':')[0]);

describe('a batch', () => {
  it('goes when it is full, or when its oldest has waited long enough', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [scriptedSink('a', c, () => delivered, { batch })]);
    for (const finding of findings(6)) await deliverer.accept(finding, ['a']);
    expect(sinks[0].asked.map(({ parcel }) => inside(parcel))).toEqual([['f-0', 'f-1', 'f-2', 'f-3']]);
    await clock.advance(499);
    expect(sinks[0].asked).toHaveLength(1);
    await clock.advance(1);
    expect(sinks[0].asked.map(({ parcel }) => inside(parcel))[1]).toEqual(['f-4', 'f-5']);
    expect(deliverer.status().sinks[0]).toMatchObject({ delivered: 6, waiting: 0, attempts: 2 });
  });

  it('holds no more bytes than allowed', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [
      scriptedSink('a', c, () => delivered, { batch: { ...batch, max_bytes: 5_000, max_count: 100 } }),
    ]);
    for (const finding of findings(5)) await deliverer.accept(finding, ['a']);
    await clock.advance(1_000);
    expect(sinks[0].asked.map(({ parcel }) => inside(parcel).length)).toEqual([2, 2, 1]);
  });

  it('is repeated as it was, with the same id, though others came meanwhile', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [
      scriptedSink('a', c, (_parcel, attempt) => (attempt < 3 ? retry : delivered), {
        batch,
        concurrency: 1,
      }),
    ]);
    for (const finding of findings(4)) await deliverer.accept(finding, ['a']);
    await clock.advance(0);
    await deliverer.accept(aFinding({ id: 'late', severity: 'critical' }), ['a']);
    await clock.advance(60_000);
    const first = sinks[0].asked.filter(({ parcel }) => inside(parcel).includes('f-0'));
    expect(first).toHaveLength(3);
    expect(new Set(first.map(({ parcel }) => JSON.stringify(parcel))).size).toBe(1);
  });

  it('that is too large is halved until it fits', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [
      scriptedSink('a', c, (parcel) => (inside(parcel).length > 2 ? tooLarge : delivered), {
        batch: { ...batch, max_count: 8 },
        concurrency: 1,
      }),
    ]);
    for (const finding of findings(8)) await deliverer.accept(finding, ['a']);
    await clock.advance(60_000);
    expect(sinks[0].asked.map(({ parcel }) => inside(parcel).length)).toEqual([8, 4, 2, 2, 4, 2, 2]);
    expect(deliverer.status().sinks[0]).toMatchObject({ delivered: 8, dead: 0 });
  });

  it('with one the receiver does not like is taken apart: only that one is lost', async () => {
    const { deliverer, clock } = aDeliverer((c) => [
      scriptedSink('a', c, (parcel) => (inside(parcel).includes('f-2') ? disliked : delivered), { batch }),
    ]);
    for (const finding of findings(4)) await deliverer.accept(finding, ['a']);
    await clock.advance(60_000);
    expect(deliverer.status().sinks[0]).toMatchObject({ delivered: 3, dead: 1, waiting: 0 });
    expect((await deliverer.admin.deadLetters(9)).map((letter) => letter.entry.id)).toEqual(['f-2:1:a']);
  });

  it('takes along neither relayed bodies nor status notices', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [scriptedSink('a', c, () => delivered, { batch })]);
    await deliverer.accept(aFinding(), ['a']);
    await deliverer.relay('r-1', Buffer.from([0xff, 0x00]), 'application/json', ['a']);
    await deliverer.accept(aFinding({ id: 'g' }), ['a']);
    await clock.advance(1_000);
    expect(
      sinks[0].asked.map(({ parcel }) => ('relay' in parcel ? parcel.relay.body_base64 : inside(parcel))),
    ).toEqual([['f-1a2b3c'], '/wA=', ['g']]);
  });
});

describe('a group notice', () => {
  const held = (due_in: number, now: number, kind: 'group' | 'rate' = 'group'): Addressee => ({
    sink: 'a',
    hold: { key: 'k', kind, due_ms: now + due_in, labels: { namespace: 'shop' } },
  });

  it('tells at its time how many there are, by severity, and shows the most severe', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [scriptedSink('a', c)]);
    const began = clock.now();
    for (const [index, finding] of findings(20).entries()) {
      const severity: Severity = index === 7 ? 'critical' : index % 2 === 0 ? 'low' : 'medium';
      await deliverer.accept({ ...finding, severity }, [held(10_000, began)]);
      await clock.advance(10);
    }
    expect(sinks[0].asked).toHaveLength(0);
    await clock.advance(10_000);
    const [notice] = sinks[0].asked.map(({ parcel }) => parcel as Delivery);
    expect(sinks[0].asked).toHaveLength(1);
    expect(notice?.finding.id).toBe('f-7');
    expect(notice?.group).toMatchObject({
      key: 'k',
      labels: { namespace: 'shop' },
      count: 20,
      by_severity: { critical: 1, low: 10, medium: 9 },
      first: new Date(began).toISOString(),
      last: new Date(began + 190).toISOString(),
    });
    expect(notice?.group?.samples.map(({ id }) => id)).toEqual(['f-7', 'f-19', 'f-17', 'f-15', 'f-13']);
    expect(deliverer.status().sinks[0]).toMatchObject({ delivered: 20, waiting: 0, attempts: 1 });
  });

  it('goes earlier when one comes with an earlier time, and takes the others along', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [scriptedSink('a', c)]);
    await deliverer.accept(aFinding({ id: 'f' }), [held(60_000, clock.now())]);
    await clock.advance(1_000);
    await deliverer.accept(aFinding({ id: 'g', severity: 'critical' }), [held(0, clock.now())]);
    await clock.advance(1);
    expect(sinks[0].asked.map(({ parcel }) => (parcel as Delivery).group?.count)).toEqual([2]);
    await clock.advance(120_000);
    expect(sinks[0].asked).toHaveLength(1);
  });

  it('of a group follows the one before it, which still fails', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [
      scriptedSink('a', c, (_parcel, attempt) => (attempt < 3 ? retry : delivered)),
    ]);
    await deliverer.accept(aFinding({ id: 'f' }), [held(0, clock.now())]);
    await clock.advance(1);
    await deliverer.accept(aFinding({ id: 'g' }), [held(0, clock.now())]);
    await clock.advance(60_000);
    expect(sinks[0].asked.map(({ parcel }) => (parcel as Delivery).finding.id)).toEqual([
      'f',
      'f',
      'f',
      'g',
      'g',
      'g',
    ]);
  });

  it('that is held goes out when Lanner stops', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [scriptedSink('a', c)]);
    await deliverer.accept(aFinding(), [held(3_600_000, clock.now())]);
    const drained = deliverer.drain(5_000);
    await clock.advance(5_000);
    expect(await drained).toEqual({ delivered: 1, left: 0 });
    expect(sinks[0].asked).toHaveLength(1);
  });
});

describe('whatever happens', () => {
  it('nothing is delivered twice after it arrived, overtakes its key, or leaves the account', async () => {
    const outcome = fc.constantFrom<Outcome>(
      delivered,
      delivered,
      delivered,
      retry,
      { kind: 'retry', reason: 'throttled', after_ms: 2_000 },
      { kind: 'retry', reason: 'timeout' },
      disliked,
      tooLarge,
      { kind: 'rejected', reason: 'unauthorized' },
    );
    const step = fc.record({
      id: fc.integer({ min: 0, max: 12 }).map((n) => `k${n}`),
      severity: fc.constantFrom(...severities.slice(1)),
      hold: fc.option(
        fc.record({ key: fc.constantFrom('x', 'y'), due: fc.integer({ min: 0, max: 5_000 }) }),
        { freq: 3 },
      ),
      wait: fc.integer({ min: 0, max: 900 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.infiniteStream(outcome),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        async (steps, outcomes, batches, concurrency) => {
          const arrived: string[] = [];
          let asked = 0;
          const { deliverer, clock, recorded } = aDeliverer((c) => [
            scriptedSink(
              'a',
              c,
              async (parcel) => {
                asked += 1;
                // Wells at last, so that everything ends.
                const answer = asked > 150 ? delivered : (outcomes.next().value as Outcome);
                if (answer.kind !== 'delivered') return answer;
                const members = 'batch' in parcel ? (parcel as BatchDelivery).batch : [parcel as Delivery];
                for (const member of members) if (!('group' in member)) arrived.push(member.id);
                return answer;
              },
              { concurrency, breaker_failures: 3, ...(batches ? { batch: { ...batch, max_count: 3 } } : {}) },
            ),
          ]);
          const revisions = new Map<string, number>();
          for (const { id, severity, hold, wait } of steps) {
            const revision = (revisions.get(id) ?? 0) + 1;
            revisions.set(id, revision);
            const to: Addressee = hold
              ? {
                  sink: 'a',
                  hold: { key: hold.key, kind: 'group', due_ms: clock.now() + hold.due, labels: {} },
                }
              : { sink: 'a' };
            void deliverer.accept(aFinding({ id, revision, severity }), [to]);
            await clock.advance(wait);
          }
          for (let hour = 0; hour < 8; hour++) await clock.advance(3_600_000);
          const [sink] = deliverer.status().sinks;
          expect(sink).toMatchObject({ waiting: 0, in_flight: 0 });
          expect(sink!.delivered + sink!.dead).toBe(recorded.of('accepted').length);
          expect(recorded.of('accepted')).toHaveLength(steps.length);
          expect(new Set(arrived).size).toBe(arrived.length);
          for (const id of revisions.keys()) {
            const order = arrived
              .filter((each) => each.startsWith(`${id}:`))
              .map((each) => Number(each.split(':')[1]));
            expect(order).toEqual([...order].sort((a, b) => a - b));
          }
          await deliverer.drain(0);
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
