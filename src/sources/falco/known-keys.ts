import { slotOf } from './spans.ts';

/** More keys of one alert than rules print are read without being known. */
const MAX_KEYS = 512;
const MAX_BYTES = 32 * 1024;
const [quote, colon] = [0x22, 0x3a];

/**
 * The keys of the last alert's output fields, in its order: the next alert of the same rule has the same. To compare
 * with what is expected costs half of finding a key's end and looking for its name.
 */
export interface KnownKeys {
  /** The place behind `"key":`, if the key expected as the nth stands at `pos`; else -1. */
  after(bytes: Uint8Array, pos: number, n: number): number;
  /** The early field the nth key names; negative if none. */
  slot(n: number): number;
  /** Expects `bytes[from..to)` as the nth key from now on, and none behind it. Gives the early field it names. */
  learn(bytes: Uint8Array, from: number, to: number, n: number): number;
}

export function openKnownKeys(): KnownKeys {
  const texts = new Uint8Array(MAX_BYTES);
  /** Where the text of each begins, and behind the last where it ends. */
  const starts = new Int32Array(MAX_KEYS + 1);
  const slots = new Int8Array(MAX_KEYS);
  let count = 0;

  return {
    after(bytes, pos, n) {
      if (n >= count) return -1;
      const end = starts[n + 1]!;
      let to = pos;
      for (let at = starts[n]!; at < end; at += 1, to += 1) if (texts[at] !== bytes[to]) return -1;
      return to;
    },
    slot: (n) => slots[n]!,
    learn(bytes, from, to, n) {
      const slot = slotOf(bytes, from, to);
      if (n > count) return slot;
      count = n;
      let at = starts[n]!;
      if (n === MAX_KEYS || at + to - from + 3 > MAX_BYTES) return slot;
      texts[at++] = quote;
      for (let i = from; i < to; i += 1) texts[at++] = bytes[i]!;
      texts[at++] = quote;
      texts[at++] = colon;
      starts[n + 1] = at;
      slots[n] = slot;
      count = n + 1;
      return slot;
    },
  };
}
