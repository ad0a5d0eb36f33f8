import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { createDetector } from '../../src/detect/index.ts';
import { type GoldCase, type Prediction, scoreCorpus } from '../../src/lib/score-corpus.ts';
import { normalizeNeutral } from '../../src/sources/neutral.ts';

type Case = GoldCase & { event: object };

const gold = readFileSync(new URL('../corpus/dev.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);
const detector = createDetector(defaultDetectConfig());

const verdicts = gold.map((entry) => {
  const event = normalizeNeutral({ ...entry.event, id: entry.id }, 'corpus');
  if (!event) throw new Error(`${entry.id} is no event`);
  return { id: entry.id, verdict: detector.judge(event) };
});
const predictions: Prediction[] = verdicts.map(({ id, verdict }) => ({
  id,
  severity: verdict.severity,
  ...(verdict.tool === undefined ? {} : { tool: verdict.tool }),
}));

describe('the development corpus in its neutral form', () => {
  const score = scoreCorpus(gold, predictions);
  const shown = JSON.stringify({ errors: score.errors, wrong_tools: score.wrong_tools }, null, 1);

  test('is found, rated, and kept silent as labelled', () => {
    expect(score.cases).toBe(127);
    expect(score.detection_recall, shown).toBeGreaterThanOrEqual(0.98);
    expect(score.severity_recall, shown).toBeGreaterThanOrEqual(0.97);
    expect(score.fp_rate, shown).toBeLessThanOrEqual(0.02);
    expect(score.tool_accuracy, shown).toBeGreaterThanOrEqual(0.98);
    expect(score.per_threshold.high?.precision, shown).toBeGreaterThanOrEqual(0.98);
  });

  test('names the labelled category of each alert', () => {
    const wrong = gold.filter(
      (entry) =>
        entry.label === 'alert' &&
        verdicts.find((v) => v.id === entry.id)?.verdict.category !== entry.category,
    );
    expect(wrong.map((entry) => entry.name)).toEqual([]);
  });

  test('says why, names techniques and tells what to do for each finding', () => {
    for (const { id, verdict } of verdicts) {
      if (verdict.severity === 'none') continue;
      expect(verdict.why.length, id).toBeGreaterThan(0);
      expect(verdict.mitre.length, id).toBeGreaterThan(0);
      expect(new Set(verdict.mitre).size, id).toBe(verdict.mitre.length);
      expect(verdict.triage.length, id).toBeGreaterThan(4);
    }
  });
});
