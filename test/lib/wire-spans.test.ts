import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timestampParts, timestampSeconds, Walk, wrappedNumber } from '../../src/lib/wire.ts';
import { WireSpans } from '../../src/lib/wire-spans.ts';

/** The same by the walk over every field: field → [tag, start, end] of its last occurrence; undefined: it throws. */
function walked(bytes: Uint8Array): Map<number, number[]> | undefined {
  const found = new Map<number, number[]>();
  try {
    const walk = new Walk(bytes);
    while (walk.next())
      if (walk.type === 2 && walk.field < 32) found.set(walk.field, [walk.tag, walk.start, walk.end]);
    return found;
  } catch {
    return undefined;
  }
}

function spanned(bytes: Uint8Array, spans: WireSpans): Map<number, number[]> | undefined {
  try {
    spans.read(bytes, 0, bytes.length);
  } catch {
    return undefined;
  }
  const found = new Map<number, number[]>();
  for (let field = 1; field < 32; field += 1) {
    const places = [spans.tag(field), spans.start(field), spans.end(field)];
    if (spans.has(field)) found.set(field, places);
    // Nothing is left of the message before, nor of one that was none.
    else expect([...places, spans.length(field)]).toEqual([0, 0, 0, 0]);
  }
  return found;
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest > 127) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}

const number = fc.oneof(fc.nat(127), fc.nat(20_000), fc.nat({ max: 2 ** 31 - 1 }), fc.nat(2 ** 53 - 1));
const field = fc
  .record({
    field: fc.oneof(fc.integer({ min: 1, max: 31 }), fc.constantFrom(32, 1000, 1001, 40_001)),
    type: fc.constantFrom(0, 2, 2, 2, 2, 1, 5),
    value: number,
    body: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 300 })),
  })
  .map(({ field: at, type, value, body }) => {
    const key = varint(at * 8 + type);
    if (type === 0) return [...key, ...varint(value)];
    if (type === 2) return [...key, ...varint(body.length), ...body];
    return [...key, ...new Array<number>(type === 1 ? 8 : 4).fill(7)];
  });

describe('where fields lie', () => {
  const spans = new WireSpans();

  it('is what the walk over every field says, for any message', () => {
    let several = 0;
    fc.assert(
      fc.property(fc.array(field, { minLength: 3, maxLength: 12 }), (fields) => {
        const bytes = Uint8Array.from(fields.flat());
        const expected = walked(bytes);
        expect(spanned(bytes, spans)).toEqual(expected);
        if ((expected?.size ?? 0) > 2) several += 1;
      }),
      { numRuns: 1000 },
    );
    expect(several).toBeGreaterThan(100);
  });

  it('is refused by both for the same bytes, cut or changed anywhere', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.nat(),
        fc.nat(255),
        (fields, cut, at, byte) => {
          const whole = Uint8Array.from(fields.flat());
          whole[at % whole.length] = byte;
          const bytes = whole.subarray(0, (cut % whole.length) + 1);
          const expected = walked(bytes);
          expect(spanned(bytes, spans)).toEqual(expected);
          if (expected === undefined) refused += 1;
        },
      ),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(200);
  });
});

describe('numbers in small messages', () => {
  it('are those of the walk, the last one where one comes twice, other fields between them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 17 }), number), { maxLength: 5 }), (pairs) => {
        const bytes = Uint8Array.from(pairs.flatMap(([at, value]) => [...varint(at * 8), ...varint(value)]));
        const last = (wanted: number) => pairs.findLast(([at]) => at === wanted)?.[1] ?? 0;
        expect(wrappedNumber(bytes, 0, bytes.length)).toBe(last(1));
        expect(timestampParts(bytes, 0, bytes.length)).toEqual({ seconds: last(1), nanos: last(2) });
        expect(timestampSeconds(bytes, 0, bytes.length)).toBe(last(1) + last(2) / 1e9);
      }),
    );
  });
});
