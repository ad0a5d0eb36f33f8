import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { createDetector } from '../../src/detect/index.ts';
import { indicators } from '../../src/detect/indicators/index.ts';
import type { Example } from '../../src/detect/indicators/types.ts';
import { judgeEvent } from '../../src/detect/judge.ts';
import { mitigations } from '../../src/detect/mitigations/index.ts';
import { buildSettings } from '../../src/detect/settings.ts';

const settings = buildSettings(defaultDetectConfig());
const state = { chain: [] };

/** Ids of what fired in the whole judgement, the early test included; empty where nothing was judged. */
function fired(example: Example): string[] {
  const event = exampleEvent(example);
  const judged = judgeEvent(event, settings, state);
  return judged?.score.hits.map((hit) => hit.id) ?? [];
}

function title(example: Example): string {
  return [
    example.run,
    ...(example.by ? [`by ${example.by.join(' < ')}`] : []),
    ...(example.cwd ? [`in ${example.cwd}`] : []),
  ]
    .join(' ')
    .slice(0, 160);
}

for (const entry of [...indicators, ...mitigations]) {
  describe(entry.id, () => {
    for (const example of entry.examples.fires) {
      test(`fires on ${title(example)}`, () => {
        expect(fired(example)).toContain(entry.id);
      });
    }
    for (const example of entry.examples.silent) {
      test(`is silent on ${title(example)}`, () => {
        expect(fired(example)).not.toContain(entry.id);
      });
    }
  });
}

test('chain_download_run fires on the end of a chain that the memory knows', () => {
  const chain = [
    {
      step: 'download' as const,
      text: 'curl -o /opt/x http://files.example.com/x',
      time: '2026-01-02T03:00:00Z',
    },
    { step: 'chmod' as const, text: 'chmod +x /opt/x', time: '2026-01-02T03:00:01Z' },
  ];
  const judged = judgeEvent(exampleEvent({ run: '/opt/x/nc db 5432' }), settings, { chain });
  expect(judged?.score.hits.map((hit) => hit.id)).toContain('chain_download_run');
  expect(judged?.score.severity).toBe('high');
});

test('every file of an indicator stands in the list, and no id twice', () => {
  const files = readdirSync(new URL('../../src/detect/indicators', import.meta.url)).filter(
    (name) => !/^(?:index|types)\.ts$/.test(name),
  );
  expect(indicators.map((entry) => `${entry.id.replaceAll('_', '-')}.ts`).sort()).toEqual(files.sort());
  const ids = [...indicators, ...mitigations].map((entry) => entry.id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every indicator has an example on both sides, says what it is, and names techniques', () => {
  for (const entry of [...indicators, ...mitigations]) {
    if (entry.id !== 'chain_download_run') expect(entry.examples.fires.length, entry.id).toBeGreaterThan(0);
    expect(entry.examples.silent.length, entry.id).toBeGreaterThan(0);
    expect(entry.description.length, entry.id).toBeGreaterThan(40);
    expect(entry.title.length, entry.id).toBeGreaterThan(3);
  }
  for (const entry of indicators) {
    expect(entry.points, entry.id).toBeGreaterThan(0);
    for (const technique of entry.mitre) expect(technique).toMatch(/^T\d{4}(?:\.\d{3})?$/);
  }
  for (const entry of mitigations) expect(entry.points, entry.id).toBeLessThan(0);
});

test('a switched-off indicator never fires and a weight replaces its points', () => {
  const event = exampleEvent({ run: 'nc -lvnp4444' });
  const off = createDetector({ ...defaultDetectConfig(), disabled_indicators: ['listener'] });
  expect(off.judge(event).indicators.map((hit) => hit.id)).not.toContain('listener');
  const heavy = createDetector({ ...defaultDetectConfig(), weights: { listener: 50 } });
  expect(heavy.judge(event)).toMatchObject({ severity: 'high', score: 75 });
});
