import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type FileBookmark,
  openTetragonFile,
  tetragonFileSchema,
} from '../../../src/sources/tetragon/follow.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { until } from '../../support/fixtures.ts';
import { testIntake } from '../../support/intake.ts';
import { recordedLines } from '../../support/recordings.ts';

const all = recordedLines('tetragon/scenario-k8s.export');
const text = (from: number, to: number) => `${all.slice(from, to).join('\n')}\n`;
let folder: string;
let path: string;
let stop: () => Promise<void>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  path = join(folder, 'tetragon.log');
  stop = async () => {};
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

function follow(options: object = {}, bookmark?: FileBookmark) {
  const config = tetragonFileSchema.parse({ type: 'tetragon_file', path, poll_ms: 10, ...options });
  const source = openTetragonFile('file', config, { log: silentLog, bookmark });
  const intake = testIntake();
  const abort = new AbortController();
  const done = source.run(intake, abort.signal);
  stop = async () => {
    abort.abort();
    await done;
  };
  return { source, intake };
}

describe("following Tetragon's export file", () => {
  it('begins at the end, and reads what is appended', async () => {
    writeFileSync(path, text(0, 100));
    const { source, intake } = follow();
    await until(() => source.health().state === 'ok', 'ok');
    appendFileSync(path, text(100, 200));
    await until(() => intake.counts.messages === 100, 'a hundred lines');
    expect(intake.counts.unreadable).toBe(0);
  });

  it('goes on where the one before it stopped, unfinished line and rotation included', async () => {
    writeFileSync(path, text(0, 100));
    const bookmark: FileBookmark = {};
    const first = follow({}, bookmark);
    await until(() => first.source.health().state === 'ok', 'ok');
    const cut = all[150]!.length / 2;
    appendFileSync(path, text(100, 150) + all[150]!.subarray(0, cut).toString());
    await stop();
    expect(first.intake.counts).toMatchObject({ messages: 50, unreadable: 0 });
    appendFileSync(path, `${all[150]!.subarray(cut).toString()}\n${text(151, 200)}`);
    const second = follow({ poll_ms: 20 }, bookmark);
    await until(() => second.intake.counts.messages === 50, 'the next fifty');
    await stop();
    renameSync(path, `${path}.1`);
    writeFileSync(path, text(200, 210));
    const third = follow({}, bookmark);
    await until(() => third.intake.counts.messages === 10, 'the new file from its start');
    expect(second.intake.counts.unreadable + third.intake.counts.unreadable).toBe(0);
  });

  it('begins at the start when told so', async () => {
    writeFileSync(path, text(0, 536));
    const { intake } = follow({ from: 'start' });
    await until(() => intake.counts.messages === 536, 'all lines');
    expect(intake.events).toHaveLength(105);
  });

  it('reads a line that is written in two parts once', async () => {
    writeFileSync(path, '');
    const { source, intake } = follow();
    await until(() => source.health().state === 'ok', 'ok');
    const line = text(0, 1);
    appendFileSync(path, line.slice(0, 700));
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(intake.counts.messages).toBe(0);
    appendFileSync(path, line.slice(700));
    await until(() => intake.counts.messages === 1, 'the line');
    expect(intake.counts.unreadable).toBe(0);
  });

  it('reads the rest of a rotated file and then the new one from its start', async () => {
    writeFileSync(path, text(0, 50));
    const { intake } = follow({ from: 'start' });
    await until(() => intake.counts.messages === 50, 'the first lines');
    appendFileSync(path, text(50, 90));
    renameSync(path, `${path}.1`);
    writeFileSync(path, text(90, 120));
    await until(() => intake.counts.messages === 120, 'both files');
    appendFileSync(path, text(120, 150));
    await until(() => intake.counts.messages === 150, 'the new file');
  });

  it('starts over when the file is truncated', async () => {
    writeFileSync(path, text(0, 50));
    const { intake } = follow({ from: 'start' });
    await until(() => intake.counts.messages === 50, 'the first lines');
    truncateSync(path, 0);
    await new Promise((resolve) => setTimeout(resolve, 40));
    appendFileSync(path, text(50, 60));
    await until(() => intake.counts.messages === 60, 'the lines after');
  });

  it('waits for a file that is not there yet, and says so', async () => {
    const { source, intake } = follow({ from: 'end' });
    await until(() => source.health().code === 'recording_missing', 'recording_missing');
    expect(source.health().reason).toContain(path);
    writeFileSync(path, text(0, 10));
    await until(() => intake.counts.messages === 10, 'a file that came later is read from its start');
    expect(source.health().state).toBe('ok');
  });

  it('counts lines that are no JSON and lines that are too long, and goes on', async () => {
    writeFileSync(path, `nonsense\n${'x'.repeat(100_000)}\n${text(0, 5)}`);
    const { intake } = follow({ from: 'start', max_message_bytes: 65_536 });
    await until(() => intake.counts.messages === 7, 'all lines');
    expect(intake.counts.dropped).toEqual({ not_json: 1, oversized: 1 });
  });
});
