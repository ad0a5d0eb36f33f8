import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pathOf, tellSkipped } from '../support/real/system.ts';

const actionlint = pathOf('actionlint');
tellSkipped(
  'the workflows',
  actionlint === undefined ? 'actionlint is not here (.ci/install-real.sh)' : undefined,
);

it.runIf(actionlint !== undefined)('the workflows are what GitHub understands', () => {
  const run = spawnSync(actionlint!, ['-no-color', '-shellcheck='], {
    cwd: join(import.meta.dirname, '../..'),
    encoding: 'utf8',
  });
  expect(run.stdout).toBe('');
  expect(run.status, run.stderr).toBe(0);
});
