import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyBytes, hashBytes, sameBytes, viewOf } from '../../src/lib/bytes.ts';

/** Bytes with room before and after, as a part of a larger buffer. */
const part = fc
  .record({ body: fc.uint8Array({ maxLength: 400 }), before: fc.nat(9), after: fc.nat(9) })
  .map(({ body, before, after }) => {
    const bytes = Buffer.concat([
      Buffer.alloc(3),
      Buffer.alloc(before, 1),
      body,
      Buffer.alloc(after, 2),
    ]).subarray(3);
    return { bytes, start: before, end: before + body.length, body };
  });

describe('bytes four at a time', () => {
  it('copies these bytes and no other', () => {
    fc.assert(
      fc.property(part, fc.nat(20), ({ bytes, start, end, body }, at) => {
        const target = new Uint8Array(450).fill(0xee);
        copyBytes(bytes, start, end, target, viewOf(target), at);
        const expected = new Uint8Array(450).fill(0xee);
        expected.set(body, at);
        expect(target).toEqual(expected);
      }),
    );
  });

  it('tells equal bytes from others, wherever they differ, and hashes equal ones alike', () => {
    fc.assert(
      fc.property(part, fc.nat(9), fc.nat(), (one, shift, spot) => {
        const { bytes, start, end, body } = one;
        const again = new Uint8Array(shift + body.length);
        again.set(body, shift);
        const [a, b] = [viewOf(again), viewOf(bytes)];
        expect(sameBytes(a, shift, b, start, end)).toBe(true);
        const hash = hashBytes(b, start, end);
        expect(hashBytes(a, shift, shift + body.length)).toBe(hash);
        expect(hash).toBe(hash & 0x7fffffff);
        if (body.length === 0) return;
        again[shift + (spot % body.length)]! ^= 0x20;
        expect(sameBytes(a, shift, b, start, end)).toBe(false);
      }),
    );
  });

  it('spreads ids that differ in a digit over a table', () => {
    const slots = new Set<number>();
    for (let i = 0; i < 4096; i += 1) {
      const id = Buffer.from(`node:10000${String(i).padStart(6, '0')}:${i % 7}`);
      slots.add(hashBytes(viewOf(id), 0, id.length) & 8191);
    }
    // 8192 places, 4096 balls: 3223 expected.
    expect(slots.size).toBeGreaterThan(3100);
  });

  it('gives each of several buffers its own view', () => {
    const all = [1, 2, 3].map((fill) => new Uint8Array(4).fill(fill));
    for (const round of [all, [...all].reverse()])
      for (const bytes of round) expect(viewOf(bytes).getUint8(2)).toBe(bytes[2]);
  });
});
