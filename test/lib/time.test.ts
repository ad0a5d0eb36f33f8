import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { movedBy, normalizeTime, rfc3339, secondsOf } from '../../src/lib/time.ts';

/** Without anything remembered. */
const plainly = (time: string) =>
  Date.parse(`${time.slice(0, 19)}Z`) / 1000 + Number(`0.${time.slice(20, 29) || '0'}`);

describe('times', () => {
  it('are read the same in any order, whole or cut, after what is no time', () => {
    const texts = [
      '2026-01-02T03:04:05.123456789Z',
      '2026-01-02T03:04:05Z',
      '2026-01-02',
      '',
      'no time at all, none',
    ];
    const any = fc.oneof(
      fc.constantFrom(...texts),
      fc.integer({ min: 0, max: 4e9 }).map((seconds) => rfc3339(seconds, 7)),
      fc.string({ maxLength: 32 }),
    );
    fc.assert(
      fc.property(fc.array(any, { maxLength: 8 }), (times) => {
        for (const time of times) expect(secondsOf(time)).toBe(plainly(time));
      }),
    );
  });

  it.each([
    ['2026-01-01T00:10:05.999999999Z', -900, '2025-12-31T23:55:05Z'],
    ['2026-01-01T00:10:05.999999999Z', 300, '2026-01-01T00:15:05Z'],
    ['2026-01-01T00:10:05+01:00', 300, '2025-12-31T23:15:05Z'],
    ['2026-99-01T00:10:05.999999999Z', 300, '2026-99-01T00:10:05.999999999Z'],
    ['sometime', 300, 'sometime'],
  ])('%s moved by %d seconds is %s', (time, seconds, moved) => {
    expect(movedBy(time, seconds)).toBe(moved);
  });

  it('that were written are normal, and those that are none stay none', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e10, max: 1e13 }),
        fc.integer({ min: -5, max: 2e9 }),
        (seconds, nanos) => {
          const text = rfc3339(Math.floor(seconds), nanos);
          const known = normalizeTime(text);
          for (let other = 0; other < 4; other += 1) rfc3339(other, 0);
          expect(normalizeTime(text)).toBe(known);
        },
      ),
    );
    expect(normalizeTime(rfc3339(1_700_000_000, 5))).toBe('2023-11-14T22:13:20.000000005Z');
    expect(normalizeTime(rfc3339(1_700_000_000, 5e9))).toBeUndefined();
    expect(normalizeTime('')).toBeUndefined();
  });
});
