import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { openSnapshotFile } from '../../src/history/snapshot-file.ts';
import { manualClock } from '../support/clock.ts';
import { temporaryDirectory } from '../support/spool.ts';

it('is written as a whole, some time after it was asked for, and at the end', async () => {
  const folder = temporaryDirectory();
  const path = join(folder, 'sub/state.json');
  const clock = manualClock();
  const failed = vi.fn();
  const file = openSnapshotFile({ path, clock, every_ms: 1000, failed });
  expect(await file.read()).toBeUndefined();
  let text = 'one';
  file.save(() => text);
  text = 'two';
  file.save(() => text);
  await clock.advance(999);
  expect(readdirSync(folder)).toEqual([]);
  await clock.advance(1);
  await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toBe('two'));
  file.save(() => 'three');
  await file.close();
  expect(await openSnapshotFile({ path, clock, every_ms: 1, failed }).read()).toBe('three');
  expect(readdirSync(join(folder, 'sub'))).toEqual(['state.json']);
  expect(failed).not.toHaveBeenCalled();
});

it('says when it cannot be written, and tries again', async () => {
  const folder = temporaryDirectory();
  const path = join(folder, 'state.json');
  mkdirSync(path);
  const failed = vi.fn();
  const file = openSnapshotFile({ path, clock: manualClock(), every_ms: 1000, failed });
  file.save(() => 'x');
  await file.close();
  expect(failed).toHaveBeenCalledTimes(1);
  await expect(file.read()).rejects.toThrow();
});
