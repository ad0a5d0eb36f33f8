import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { configOrDefaults } from '../../src/commands/defaults.ts';
import { replay } from '../../src/commands/replay.ts';
import type { Finding } from '../../src/model/finding.ts';
import { openReplayPipeline } from '../../src/service/replay.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { fixture } from '../support/fixtures.ts';

it('waits for a full pipe once, however many findings come from one chunk', async () => {
  const heard: Finding[] = [];
  const { pipeline } = openReplayPipeline({
    config: configOrDefaults(undefined),
    log: silentLog,
    deliver: false,
    onFinding: (finding) => heard.push(finding),
  });
  const pipe = new EventEmitter();
  let written = 0;
  let most = 0;
  const out = {
    write(_text: string) {
      written += 1;
      most = Math.max(most, pipe.listenerCount('drain'));
      setImmediate(() => pipe.emit('drain'));
      return false;
    },
    once: (event: 'drain', listener: () => void) => void pipe.once(event, listener),
  };
  const summary = await replay([fixture('recordings/falco/stock-rules.http.jsonl.gz')], pipeline, heard, {
    json: true,
    out,
    paint: (_style, text) => text,
    log: silentLog,
  });
  expect(written).toBe(summary.findings);
  expect(written).toBeGreaterThan(11);
  expect(most).toBe(1);
});
