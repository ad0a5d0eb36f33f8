// Writes the pages that are rendered from the compiled code, so `npm run build` comes first:
//   deploy/reference/detection.md          every tool, indicator and mitigation (src/commands/reference.ts)
//   deploy/reference/*.schema.json         JSON Schemas of findings and notices (src/commands/schemas.ts)
// test/house/reference.test.ts and test/model/schemas.test.ts find a stale page without dist.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { detectionReference } from '../dist/commands/reference.js';
import { findingJsonSchema, noticeJsonSchema } from '../dist/commands/schemas.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export const pages = {
  'deploy/reference/detection.md': detectionReference,
  'deploy/reference/finding.schema.json': findingJsonSchema,
  'deploy/reference/notice.schema.json': noticeJsonSchema,
};

for (const [path, render] of Object.entries(pages)) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, render());
}
