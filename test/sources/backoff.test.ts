import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openBackoff, wait } from '../../src/sources/backoff.ts';

describe('backoff', () => {
  it('doubles its bound up to the maximum and starts again after a reset', () => {
    const backoff = openBackoff({ first_ms: 100, max_ms: 500, random: () => 0.5 });
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([50, 100, 200, 250, 250]);
    backoff.reset();
    expect(backoff.next()).toBe(50);
  });

  it('spreads each wait over the whole range from zero to the bound', () => {
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.array(unit, { minLength: 1, maxLength: 20 }), (draws) => {
        const left = [...draws];
        const backoff = openBackoff({ first_ms: 250, max_ms: 30_000, random: () => left.shift() ?? 0 });
        return draws.every((draw, attempt) => {
          const bound = Math.min(30_000, 250 * 2 ** attempt);
          return backoff.next() === Math.round(draw * bound);
        });
      }),
    );
  });
});

describe('wait', () => {
  it('ends at once when the signal aborts, before or while it waits', async () => {
    const early = AbortSignal.abort();
    await wait(60_000, early);
    const later = new AbortController();
    const waiting = wait(60_000, later.signal);
    later.abort();
    await waiting;
    expect(later.signal.aborted).toBe(true);
  });
});
