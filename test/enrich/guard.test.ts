import { describe, expect, it } from 'vitest';
import { enrichSchema } from '../../src/enrich/config.ts';
import { guard } from '../../src/enrich/guard.ts';
import { createOnce } from '../../src/enrich/once.ts';
import type { FactSource, Lookup } from '../../src/enrich/source.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { enrichEvents } from '../../src/telemetry/enrich-events.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';

/** Time that passes when told to. */
function handClock(): Clock & { pass(ms: number): Promise<void> } {
  let time = 0;
  let timers: { at: number; action: () => void }[] = [];
  return {
    now: () => time,
    after(ms, action) {
      const timer = { at: time + ms, action };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    async pass(ms) {
      time += ms;
      const due = timers.filter((one) => one.at <= time);
      timers = timers.filter((one) => one.at > time);
      for (const { action } of due) action();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** A source that answers when told to; two lookups at a time, two may wait, two failures open the breaker. */
function make() {
  const clock = handClock();
  const asked: string[] = [];
  const answers = new Map<string, (lookup: Lookup) => void>();
  const source: FactSource = {
    name: 'cri:x',
    kind: 'cri',
    lookup: ({ id }, signal) =>
      new Promise((resolve) => {
        asked.push(id);
        answers.set(id, resolve);
        signal.addEventListener('abort', () => resolve({ kind: 'failed', reason: 'failed' }));
      }),
    run: () => Promise.resolve(),
    down: () => undefined,
    health: () => ({ name: 'x', state: 'ok' }),
  };
  const config = enrichSchema.parse({
    deadline_ms: 100,
    lookup_timeout_ms: 1000,
    max_lookups: 2,
    max_waiting: 2,
    breaker: { failures: 2, open_ms: 500, open_max_ms: 500 },
  });
  const guarded = guard(source, config, clock, enrichEvents(new Metrics(), silentLog));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const answer = async (id: string) => {
    answers.get(id)!({ kind: 'missing' });
    await turn();
  };
  return { ...guarded, clock, asked, answer, turn };
}

describe('a guarded source', () => {
  it('is asked so many questions at a time, those of findings before those that look ahead', async () => {
    const { ask, asked, answer } = make();
    for (const id of ['a', 'b']) void ask({ id });
    void ask({ id: 'c', ahead: true });
    void ask({ id: 'd' });
    expect(asked).toEqual(['a', 'b']);
    await answer('a');
    expect(asked).toEqual(['a', 'b', 'd']);
    await answer('b');
    expect(asked).toEqual(['a', 'b', 'd', 'c']);
  });

  it('refuses what may not wait any more, counted apart for those that look ahead', () => {
    const { ask } = make();
    for (const id of ['a', 'b', 'c', 'd']) void ask({ id });
    expect(ask({ id: 'e' })).toEqual({ kind: 'failed', reason: 'overloaded' });
    expect(ask({ id: 'f', ahead: true })).toBeInstanceOf(Promise);
  });

  it('turns all away who wait when it is left alone', async () => {
    const { ask, asked, clock } = make();
    for (const id of ['a', 'b']) void ask({ id });
    const waiting = ask({ id: 'c' });
    await clock.pass(100);
    expect(await waiting).toEqual({ kind: 'failed', reason: 'breaker_open' });
    expect(asked).toEqual(['a', 'b']);
    expect(ask({ id: 'd' })).toEqual({ kind: 'failed', reason: 'breaker_open' });
  });

  it('is tried again though the questions from before still hang', async () => {
    const { ask, asked, answer, clock, isOpen } = make();
    for (const id of ['a', 'b']) void ask({ id });
    await clock.pass(100);
    await clock.pass(500);
    const trial = ask({ id: 'c' });
    expect(asked).toEqual(['a', 'b', 'c']);
    await answer('c');
    expect(await trial).toEqual({ kind: 'missing' });
    expect(isOpen()).toBe(false);
  });

  it('gives late answers, and says "deadline" of those that never come', async () => {
    const { ask, answer, clock } = make();
    const late = ask({ id: 'a' });
    const never = ask({ id: 'b' });
    await clock.pass(100);
    await answer('a');
    expect(await late).toEqual({ kind: 'missing' });
    await clock.pass(900);
    expect(await never).toEqual({ kind: 'failed', reason: 'deadline' });
  });

  it('is not blamed for answers that say there is nothing', async () => {
    const { ask, answer, isOpen } = make();
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      const asking = ask({ id });
      await answer(id);
      await asking;
    }
    expect(isOpen()).toBe(false);
  });
});

describe('asking once', () => {
  it('serves all who want the same with one answer, and remembers it', async () => {
    const once = createOnce<{ at: number }>(10);
    let asked = 0;
    const ask = async () => {
      asked += 1;
      return { at: asked };
    };
    const both = await Promise.all([once.get('a', ask), once.get('a', ask)]);
    expect(both).toEqual([{ at: 1 }, { at: 1 }]);
    expect(await once.get('a', ask)).toEqual({ at: 1 });
  });

  it('does not remember failures and absence', async () => {
    const once = createOnce<{ at: number }>(10);
    await expect(once.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await once.get('a', async () => undefined)).toBeUndefined();
    expect(await once.get('a', async () => ({ at: 3 }))).toEqual({ at: 3 });
  });

  it('keeps to its bound', async () => {
    const once = createOnce<{ at: number }>(3);
    for (let at = 0; at < 100; at += 1) await once.get(String(at), async () => ({ at }));
    expect(once.size).toBe(3);
  });
});
