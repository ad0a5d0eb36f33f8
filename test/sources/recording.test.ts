import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameHead, frames, lines } from '../../src/sources/framing.ts';
import { recordTaker } from '../../src/sources/record-taker.ts';
import { readRecording } from '../../src/sources/recording.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { fixture } from '../support/fixtures.ts';
import { noInterest, testIntake } from '../support/intake.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanner-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, options: { form?: 'tetragon' | 'falco'; maxMessageBytes?: number } = {}) {
  const intake = testIntake({ interest: noInterest });
  const seen: string[] = [];
  await readRecording(path, {
    ...options,
    intake,
    taker: (form, shape) => {
      seen.push(`${form} ${shape}`);
      return recordTaker(form, shape, { source: 'test', intake, log: silentLog });
    },
  });
  return { counts: intake.counts, seen };
}

describe('a recording', () => {
  it.each([
    ['tetragon/scenario.bin.gz', 'tetragon frames', 535],
    ['tetragon/scenario-k8s.bin.gz', 'tetragon frames', 536],
    ['tetragon/scenario-k8s.export.jsonl.gz', 'tetragon lines', 536],
    ['tetragon/storm.bin.gz', 'tetragon frames', 3000],
    ['tetragon/throttle.bin.gz', 'tetragon frames', 329],
    ['falco/scenario.bin.gz', 'falco frames', 126],
    ['falco/scenario-jsonout.bin.gz', 'falco frames', 125],
    ['falco/scenario.http.jsonl.gz', 'falco lines', 125],
    ['falco/scenario-lean.bin.gz', 'falco frames', 126],
    ['falco/scenario-stock.bin.gz', 'falco frames', 122],
    ['falco/stock-rules.http.jsonl.gz', 'falco lines', 122],
    ['falco/storm-lean.bin.gz', 'falco frames', 5000],
    ['falco/internal.bin.gz', 'falco frames', 80],
    ['falco/bad-utf8.bin.gz', 'falco frames', 7],
  ])('%s is told by its bytes and read whole, nothing unreadable', async (name, seen, messages) => {
    const result = await read(fixture(`recordings/${name}`));
    expect(result.seen).toEqual([seen]);
    expect(result.counts.messages).toBe(messages);
    expect(result.counts.unreadable).toBe(0);
  });

  const scenario = fixture('recordings/tetragon/scenario.bin.gz');
  const plain = () => gunzipSync(readFileSync(scenario));

  it('is read the same when it is not gzipped', async () => {
    expect((await read(file('plain.bin', plain()))).counts.messages).toBe(535);
  });

  it('gives everything before the cut when it ends inside a message', async () => {
    const { counts } = await read(file('cut.bin', plain().subarray(0, -10)));
    expect(counts.messages).toBe(534);
    expect(counts.dropped).toEqual({ truncated_recording: 1 });
  });

  it('gives everything before the damage when its gzip stream is damaged', async () => {
    const whole = gzipSync(plain(), { level: 0 });
    const { counts } = await read(file('damaged.bin.gz', whole.subarray(0, Math.floor(whole.length / 2))));
    expect(counts.messages).toBeGreaterThan(100);
    expect(counts.messages).toBeLessThan(535);
    expect(counts.dropped.truncated_recording).toBeGreaterThanOrEqual(1);
  });

  it('skips a message with a hostile length and reads the next ones', async () => {
    const huge = Buffer.concat([frameHead(100 * 1024 * 1024), Buffer.alloc(100 * 1024 * 1024)]);
    const { counts } = await read(file('hostile.bin', Buffer.concat([plain(), huge, plain()])));
    expect(counts.messages).toBe(535 * 2 + 1);
    expect(counts.dropped).toEqual({ oversized: 1 });
  });

  it.each([
    ['one that does not exist', 'nowhere.bin', undefined, 'recording_missing'],
    ['a folder', '.', undefined, 'recording_unreadable'],
    ['text that is no sensor’s', 'text.jsonl', '{"hello":"world"}\n', 'recording_form'],
    ['garbage', 'garbage.bin', Buffer.alloc(4096, 7), 'recording_form'],
  ])('%s is refused with its code', async (_what, name, content, code) => {
    const path = content === undefined ? join(folder, name) : file(name, content);
    await expect(read(path)).rejects.toMatchObject({ code });
  });

  it('is taken as what the caller says it is', async () => {
    const { counts } = await read(file('odd.jsonl', '{"hello":"world"}\nnot json\n'), { form: 'falco' });
    expect(counts.messages).toBe(2);
    expect(counts.unreadable).toBe(2);
  });

  it('may be empty', async () => {
    expect((await read(file('empty.bin', ''))).counts.messages).toBe(0);
  });
});

describe('framing', () => {
  const cut = (bytes: Buffer, sizes: number[]) => {
    const parts: Buffer[] = [];
    for (let at = 0, i = 0; at < bytes.length; i += 1) {
      const size = Math.max(1, sizes[i % sizes.length] ?? 1);
      parts.push(bytes.subarray(at, at + size));
      at += size;
    }
    return parts;
  };

  it('gives the same messages however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }),
        (messages, sizes) => {
          const bytes = Buffer.concat(messages.flatMap((one) => [frameHead(one.length), Buffer.from(one)]));
          const got: Buffer[] = [];
          const reader = frames(
            40,
            (one) => got.push(one),
            (length) => got.push(Buffer.alloc(length, 1)),
          );
          for (const part of cut(bytes, sizes)) reader.push(part);
          expect(reader.end()).toBe(0);
          expect(got).toEqual(
            messages.map((one) => (one.length > 40 ? Buffer.alloc(one.length, 1) : Buffer.from(one))),
          );
        },
      ),
    );
  });

  it('gives the same lines however the text is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-zé]{0,60}$/)),
        fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }),
        (texts, sizes) => {
          const got: string[] = [];
          let oversized = 0;
          const reader = lines(
            40,
            (line) => got.push(line.toString()),
            () => void ++oversized,
          );
          for (const part of cut(Buffer.from(texts.join('\r\n')), sizes)) reader.push(part);
          reader.end();
          const fits = (text: string) => Buffer.byteLength(text) < 40;
          expect(got.filter(fits)).toEqual(texts.filter((text) => text !== '' && fits(text)));
          expect(oversized).toBeLessThanOrEqual(texts.filter((text) => !fits(text)).length);
        },
      ),
    );
  });
});
