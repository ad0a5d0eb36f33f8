// Writes the pages that are rendered from the compiled code, so `npm run build` comes first:
//   deploy/reference/detection.md          every tool, indicator and mitigation (src/commands/reference.ts)
//   deploy/reference/*.schema.json         JSON Schemas of findings and notices (src/commands/schemas.ts)
//   deploy/reference/formats.md            what receivers show (src/commands/formats.ts, deploy/templates)
// test/house/reference.test.ts and test/model/schemas.test.ts find a stale page without dist.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatsReference } from '../dist/commands/formats.js';
import { detectionReference } from '../dist/commands/reference.js';
import { findingJsonSchema, noticeJsonSchema } from '../dist/commands/schemas.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function formats() {
  const template = (name) => readFileSync(join(root, `deploy/templates/${name}.liquid`), 'utf8');
  return formatsReference({ discord: template('discord'), google_chat: template('google-chat') });
}

export const pages = {
  'deploy/reference/detection.md': detectionReference,
  'deploy/reference/finding.schema.json': findingJsonSchema,
  'deploy/reference/notice.schema.json': noticeJsonSchema,
  'deploy/reference/formats.md': formats,
};

for (const [path, render] of Object.entries(pages)) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, render());
}
