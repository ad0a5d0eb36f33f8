import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProgress, progressTerminal } from '../../src/commands/progress.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanner-progress-'));
  file = join(folder, 'recording.bin');
  writeFileSync(file, Buffer.alloc(1000));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A terminal that keeps what was drawn, and a clock that stands where it is put. */
function screen(columns = 120) {
  const drawn: string[] = [];
  const time = { ms: 0 };
  const terminal = { write: (text: string) => drawn.push(text.replace('\r\u001b[K', '')), columns };
  return { drawn, time, terminal, now: () => time.ms };
}

describe('the progress of long work', () => {
  it('shows the share read, what is through, its rate and the time left', () => {
    const { drawn, time, terminal, now } = screen();
    const progress = openProgress({ files: [file], unit: 'events', terminal, now });
    for (let at = 0; at < 255; at += 1) progress.step();
    time.ms = 1000;
    progress.at(file, 250);
    expect(drawn).toEqual(['[######                   ]  25 %  255 events  255/s  0:03 left']);
  });

  it('is drawn a few times a second, however often it is told', () => {
    const { drawn, time, terminal, now } = screen();
    const progress = openProgress({ files: [file], unit: 'events', terminal, now });
    for (let at = 0; at < 1000; at += 1) {
      time.ms = at;
      progress.at(file, at);
    }
    expect(drawn.length).toBe(5);
  });

  it('goes on where a file is read once more', () => {
    const { drawn, time, terminal, now } = screen();
    const progress = openProgress({ files: [file, file], unit: 'findings', terminal, now });
    progress.at(file, 1000);
    time.ms = 1000;
    progress.at(file, 500);
    expect(drawn.map((line) => line.slice(28, 32))).toEqual([' 50 ', ' 75 ']);
  });

  it('shows counts alone where no size is known', () => {
    const { drawn, time, terminal, now } = screen();
    const progress = openProgress({ files: ['-'], unit: 'events', terminal, now });
    time.ms = 2000;
    for (let at = 0; at < 256; at += 1) progress.step();
    expect(drawn).toEqual(['256 events  128/s']);
  });

  it('fits the terminal, and leaves nothing behind', () => {
    const { drawn, terminal, now } = screen(20);
    const progress = openProgress({ total: 10, unit: 'cases', terminal, now });
    progress.at('cases', 5);
    progress.done();
    expect(drawn.map((line) => line.length)).toEqual([19, 0]);
  });

  it('writes nothing where nothing was drawn', () => {
    const { drawn, terminal, now } = screen();
    openProgress({ files: [file], unit: 'events', terminal, now }).done();
    expect(drawn).toEqual([]);
  });

  it.each([
    [true, true, false, true],
    [true, false, false, true],
    [true, true, true, true],
    [true, false, true, false],
    [false, true, false, false],
    [false, false, true, false],
  ])('stderr a terminal %s, stdout %s, --json %s: drawn %s', (stderr, stdout, json, drawn) => {
    const streams = { stderr: { write: () => true, isTTY: stderr }, stdout: { isTTY: stdout } };
    expect(progressTerminal(json, streams) !== undefined).toBe(drawn);
  });
});
