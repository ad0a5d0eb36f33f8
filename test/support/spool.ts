import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SpoolEntry, SpoolRecord } from '../../src/deliver/store/contract.ts';

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lanner-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A record of a delivery with a payload of its own. */
export function aRecord(id: string, change: Partial<SpoolEntry> = {}): SpoolRecord {
  const payload = JSON.stringify({ id, sink: 'a', finding: { id } });
  return {
    payload,
    entry: {
      id,
      sink: 'a',
      severity: 'high',
      order_key: id,
      accepted_ms: 1_795_391_913_209,
      attempts: 0,
      bytes: payload.length,
      batchable: true,
      ...change,
    },
  };
}
