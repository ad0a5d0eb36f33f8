import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** When a proposed exception ends depends on the day. */
const dateless = (text: string) => text.replace(/expires \d{4}-\d\d-\d\d/g, 'expires DAY');

it('the story of the README is what its commands print, and ends well', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const told = /npm run story.*?```\n(.*?)```/s.exec(readme)?.[1]?.split('\n') ?? [];
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'test/story/main.mjs')]);
  const printed = dateless(stdout).split('\n');
  expect(told.length).toBeGreaterThan(15);
  expect(told.map(dateless).filter((line) => !printed.includes(line))).toEqual([]);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('The noise is gone, the attack is not.');
}, 60_000);
