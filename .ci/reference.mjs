// Writes the pages that are rendered from the compiled code, so `npm run build` comes first:
//   deploy/reference/detection.md    every tool, indicator and mitigation
//   deploy/reference/configuration.* every key of the configuration, for people and for editors
//   deploy/reference/metrics.md, errors.md, cli.md
// test/house/reference*.test.ts find a stale page.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cliReference } from '../dist/commands/reference/cli.js';
import { configurationReference, configurationSchema } from '../dist/commands/reference/configuration.js';
import { errorsReference } from '../dist/commands/reference/errors.js';
import { metricsReference } from '../dist/commands/reference/metrics.js';
import { detectionReference } from '../dist/commands/reference.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

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
};

for (const [path, render] of Object.entries(pages)) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await render());
}
