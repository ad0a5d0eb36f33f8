import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { openReplayPipeline } from '../../src/service/replay.ts';
import { silentLog } from '../../src/telemetry/log.ts';

it.each([
  [undefined, ['low']],
  [{ seen_before: 4 }, []],
])('what is judged again is judged with what memory knew then: %j', async (facts, told) => {
  const config = parseConfig('version: 1\nsources: {t: {type: tetragon}}\n', 'test');
  const severities: string[] = [];
  const { pipeline, recall } = openReplayPipeline({
    config,
    log: silentLog,
    deliver: false,
    onFinding: ({ severity }) => severities.push(severity),
  });
  const event = exampleEvent({ run: 'curl http://203.0.113.7/x', by: ['/opt/app/server'] });
  if (facts !== undefined) recall(event, facts);
  void pipeline.intake('replay').judge(event);
  await pipeline.idle();
  expect(severities).toEqual(told);
});
