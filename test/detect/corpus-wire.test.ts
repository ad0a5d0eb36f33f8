import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { createDetector } from '../../src/detect/index.ts';
import { type GoldCase, type Prediction, scoreCorpus } from '../../src/lib/score-corpus.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { decodeFalcoJson } from '../../src/sources/falco/index.ts';
import { messageFromJson } from '../../src/sources/tetragon/json.ts';
import { normalizeMessage } from '../../src/sources/tetragon/normalize.ts';

function linesOf(name: string): string[] {
  return readFileSync(new URL(`../corpus/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
}

const gold = linesOf('dev.jsonl').map((line) => JSON.parse(line) as GoldCase);
const ids = JSON.parse(readFileSync(new URL('../corpus/dev.index.json', import.meta.url), 'utf8')) as Record<
  string,
  { tetragon?: string; falco?: string }
>;
const detector = createDetector(defaultDetectConfig());

const forms: Record<string, (line: string) => ExecEvent | undefined> = {
  tetragon: (line) => normalizeMessage(messageFromJson(line), 'corpus'),
  falco(line) {
    const record = decodeFalcoJson(line, 'corpus');
    return record.kind === 'exec' ? record.event : undefined;
  },
};

/** The wire files hold the cases in the order of the neutral one. */
function predict(form: string): Prediction[] {
  return linesOf(`dev.${form}.jsonl`).map((line, at) => {
    const event = forms[form]!(line);
    if (!event) throw new Error(`line ${at + 1} of ${form} is no exec`);
    const verdict = detector.judge(event);
    return {
      id: gold[at]!.id,
      severity: verdict.severity,
      ...(verdict.tool === undefined ? {} : { tool: verdict.tool }),
    };
  });
}

describe.each(['tetragon', 'falco'])('the development corpus as %s sends it', (form) => {
  test('comes within 0.03 of the neutral form', () => {
    const score = scoreCorpus(gold, predict(form), form);
    const shown = JSON.stringify({ errors: score.errors, wrong_tools: score.wrong_tools }, null, 1);
    expect(score.cases).toBe(Object.keys(ids).length);
    expect(score.detection_recall, shown).toBeGreaterThanOrEqual(0.97);
    expect(score.severity_recall, shown).toBeGreaterThanOrEqual(0.97);
    expect(score.fp_rate, shown).toBeLessThanOrEqual(0.03);
    expect(score.tool_accuracy, shown).toBeGreaterThanOrEqual(0.97);
  });
});
