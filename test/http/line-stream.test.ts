import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openLineStream } from '../../src/http/line-stream.ts';
import { settle } from '../support/clock.ts';

/** A reader who reads when the test lets it. */
function slowReader() {
  const read: string[] = [];
  let go: (() => void) | undefined;
  const out = new Writable({
    highWaterMark: 10,
    write(chunk, _encoding, done) {
      read.push(String(chunk).trim());
      go = done;
    },
  });
  return {
    out,
    read,
    async readOn() {
      for (let i = 0; i < 50; i += 1) {
        const next = go;
        go = undefined;
        next?.();
        await settle(1);
      }
    },
  };
}

describe('lines for one reader', () => {
  it('come at once and whole while he reads', async () => {
    const { out, read, readOn } = slowReader();
    const stream = openLineStream(out, String, () => {});
    for (const line of ['a', 'b', 'c']) stream.send(line);
    await readOn();
    expect(read).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['lines', { max_lines: 3, max_bytes: 1000 }],
    ['bytes', { max_lines: 1000, max_bytes: 30 }],
  ])(
    'are held back up to a bound of %s while he does not, and then dropped and told',
    async (_what, bounds) => {
      const { out, read, readOn } = slowReader();
      let dropped = 0;
      const stream = openLineStream(
        out,
        (count) => `lost ${count}`,
        (count) => {
          dropped += count;
        },
        bounds,
      );
      for (let i = 0; i < 20; i += 1) stream.send(`line-000${i % 10}`);
      expect(dropped).toBe(16);
      await readOn();
      expect(read).toEqual(['line-0000', 'line-0001', 'line-0002', 'line-0003', 'lost 16']);
      stream.send('again');
      await readOn();
      expect(read.at(-1)).toBe('again');
    },
  );

  it('end in silence when he leaves', async () => {
    const { out } = slowReader();
    const stream = openLineStream(out, String, () => {});
    out.destroy(new Error('gone'));
    await settle();
    expect(() => stream.send('x')).not.toThrow();
  });
});
