import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { techniqueNames } from '../../src/model/attack.ts';

const folder = join(import.meta.dirname, '../../src/detect');

it('every technique that the detection names has its name, and so has the technique above it', () => {
  const used = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').match(/T1\d{3}(?:\.\d{3})?/g) ?? []);
  const wanted = new Set(used.flatMap((id) => [id, id.split('.')[0]!]));
  expect(wanted.size).toBeGreaterThan(50);
  expect([...wanted].filter((id) => techniqueNames[id] === undefined)).toEqual([]);
});
