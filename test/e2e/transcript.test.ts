import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const script = join(import.meta.dirname, '../transcript/main.mjs');

it('a fresh host: init, doctor, run, a finding, and a sensor that is seen to see', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--installed']);
  const lines = stdout.split('\n');
  for (const line of [
    'Wrote lanner.yaml: reads tetragon (tetragon).',
    'ok      source tetragon  Tetragon v1.7.0 (recorded) answers',
    'CRITICAL ncat executed in shop/shop-web-7d9c6b5f4d-x2k8p, container web (lab.local/shop/web:1.4.2)',
    'lanner init, doctor, run: ended with 0 and 0',
  ])
    expect(lines).toContain(line);
  expect(stdout).toMatch(/ok {6}source tetragon {2}reports a program start of this host after \d+ ms/);
  expect(stdout).toMatch(/the sensor reported a program start of this host after \d+ ms/);
}, 60_000);
