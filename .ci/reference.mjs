// Writes the pages that are rendered from the compiled code, so `npm run build` comes first:
//   deploy/reference/detection.md   every tool, indicator and mitigation (src/commands/reference.ts)
// test/house/reference.test.ts finds a stale page without dist.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { detectionReference } from '../dist/commands/reference.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export const pages = { 'deploy/reference/detection.md': detectionReference };

for (const [path, render] of Object.entries(pages)) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, render());
}
