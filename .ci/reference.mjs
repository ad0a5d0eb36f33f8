// Writes the pages that are rendered from the compiled code, so `npm run build` comes first:
//   deploy/reference/detection.md          every tool, indicator and mitigation
//   deploy/reference/configuration.*       every key of the configuration, for people and for editors
//   deploy/reference/metrics.md, errors.md, cli.md
//   deploy/reference/*.schema.json         JSON Schemas of findings and notices
//   deploy/reference/formats.md            what receivers show
//   deploy/reference/exceptions.md         what exceptions match on, and those that come with Lanner
// test/house/reference*.test.ts and test/model/schemas.test.ts find a stale page.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatsReference } from '../dist/commands/formats.js';
import { cliReference } from '../dist/commands/reference/cli.js';
import { configurationReference, configurationSchema } from '../dist/commands/reference/configuration.js';
import { errorsReference } from '../dist/commands/reference/errors.js';
import { metricsReference } from '../dist/commands/reference/metrics.js';
import { exceptionsReference } from '../dist/commands/reference/exceptions.js';
import { detectionReference } from '../dist/commands/reference.js';
import { findingJsonSchema, noticeJsonSchema } from '../dist/commands/schemas.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function formats() {
  const template = (name) => readFileSync(join(root, `deploy/templates/${name}.liquid`), 'utf8');
  return formatsReference({ discord: template('discord'), google_chat: template('google-chat') });
}

async function help(args) {
  const main = join(root, 'dist/main.js');
  return (await promisify(execFile)(process.execPath, [main, ...args, '--help'])).stdout;
}

export const pages = {
  'deploy/reference/detection.md': detectionReference,
  'deploy/reference/configuration.md': configurationReference,
  'deploy/reference/configuration.schema.json': configurationSchema,
  'deploy/reference/metrics.md': metricsReference,
  'deploy/reference/errors.md': errorsReference,
  'deploy/reference/cli.md': () => cliReference(help),
  'deploy/reference/finding.schema.json': findingJsonSchema,
  'deploy/reference/notice.schema.json': noticeJsonSchema,
  'deploy/reference/formats.md': formats,
  'deploy/reference/exceptions.md': exceptionsReference,
};

for (const [path, render] of Object.entries(pages)) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await render());
}
