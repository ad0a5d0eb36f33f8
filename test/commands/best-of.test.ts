import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestOf } from '../../src/commands/best-of.ts';

const ours = fc
  .tuple(fc.constantFrom('f', 'm'), fc.integer({ min: 0, max: 3000 }))
  .map(([kind, n]) => `${kind}-${(n * 0x1000003).toString(16).padStart(24, '0')}`);
const ids = fc.oneof(ours, fc.string());

describe('what counts of each exec', () => {
  it('is what a map of the highest rank, and of equal ones the first, would say', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ id: ids, rank: fc.integer({ min: 0, max: 5 }) }), { maxLength: 4000 }),
        (entries) => {
          const best = bestOf();
          const plain = new Map<string, { rank: number; place: number }>();
          for (const [place, { id, rank }] of entries.entries()) {
            best.enter(id, rank, place);
            // The kind does not tell execs apart: a finding and a miss of one exec are the same.
            const key = id.replace(/^[fm]-(?=[0-9a-f]{24}$)/, '');
            const known = plain.get(key);
            if (known === undefined || rank > known.rank) plain.set(key, { rank, place });
          }
          for (const { id } of entries)
            expect(best.placeOf(id)).toBe(plain.get(id.replace(/^[fm]-(?=[0-9a-f]{24}$)/, ''))?.place);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('knows nothing of what was never entered', () => {
    const best = bestOf();
    best.enter(`f-${'0'.repeat(24)}`, 1, 7);
    expect(best.placeOf(`f-${'1'.repeat(24)}`)).toBeUndefined();
    expect(best.placeOf('x')).toBeUndefined();
  });
});
