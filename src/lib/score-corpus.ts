/** Scores predictions against a labelled corpus. Pure: lines in, table out. */

const LEVELS = ['none', 'info', 'low', 'medium', 'high', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** A labelled case. `wire` overrides the label where that form of the event cannot carry the fact. */
export interface GoldCase {
  id: string;
  name: string;
  label: 'alert' | 'benign';
  /** The least severity an alert must reach. */
  minSeverity?: Level;
  /** Alert: the soft ceiling. Benign: the highest severity tolerated. */
  maxSeverity?: Level;
  tool?: string | null;
  category?: string;
  why?: string;
  tags?: string[];
  wire?: Record<
    string,
    { label?: 'alert' | 'benign'; minSeverity?: Level; maxSeverity?: Level; note?: string }
  >;
}

export interface Prediction {
  id: string;
  severity: Level;
  tool?: string;
}

/**
 * `TP` reached the minimum · `UNDER` fired below it · `MISS` nothing or info · `OVER` above the soft ceiling ·
 * `TN` within what is tolerated · `NOISE` info where nothing was wanted · `FP` low or more above it.
 */
export type CorpusOutcome = 'TP' | 'UNDER' | 'MISS' | 'OVER' | 'TN' | 'NOISE' | 'FP';

export interface CorpusError {
  id: string;
  name: string;
  outcome: CorpusOutcome;
  wanted: string;
  got: Level;
  tool?: string;
}

export interface CorpusScore {
  cases: number;
  counts: Record<CorpusOutcome, number>;
  detection_recall: number;
  severity_recall: number;
  fp_rate: number;
  precision: number;
  f1: number;
  tool_accuracy: number;
  recall_ci95: [number, number];
  fp_rate_ci95: [number, number];
  per_threshold: Record<string, { precision: number; recall: number; tp: number; fp: number; fn: number }>;
  by_tag: Record<string, Partial<Record<CorpusOutcome, number>>>;
  errors: CorpusError[];
  /** Alerts whose tool was named wrongly. */
  wrong_tools: { id: string; name: string; wanted: string; got: string }[];
}

interface Expected {
  label: 'alert' | 'benign';
  min: number;
  max: number | undefined;
}

const rank = (level: Level | undefined, fallback: Level): number => LEVELS.indexOf(level ?? fallback);

function expectedOf(gold: GoldCase, wire: string | undefined): Expected {
  const override = wire === undefined ? undefined : gold.wire?.[wire];
  const label = override?.label ?? gold.label;
  const min = override?.minSeverity ?? gold.minSeverity;
  const max = override?.maxSeverity ?? gold.maxSeverity;
  return {
    label,
    min: rank(min, 'low'),
    max: label === 'benign' ? rank(max, 'none') : max === undefined ? undefined : rank(max, 'critical'),
  };
}

function outcomeOf(expected: Expected, got: number): CorpusOutcome {
  const fired = got >= LEVELS.indexOf('low');
  if (expected.label === 'benign') return got <= (expected.max ?? 0) ? 'TN' : fired ? 'FP' : 'NOISE';
  if (got < expected.min) return fired ? 'UNDER' : 'MISS';
  return expected.max !== undefined && got > expected.max ? 'OVER' : 'TP';
}

/** Wilson's interval at 95 %. */
function interval(hits: number, total: number): [number, number] {
  if (total === 0) return [0, 1];
  const z = 1.96;
  const p = hits / total;
  const scale = 1 + (z * z) / total;
  const middle = p + (z * z) / (2 * total);
  const half = z * Math.sqrt((p * (1 - p) + (z * z) / (4 * total)) / total);
  return [(middle - half) / scale, (middle + half) / scale];
}

function ratio(part: number, whole: number, empty: number): number {
  return whole === 0 ? empty : part / whole;
}

/** Compares predictions with the corpus; a case without a prediction counts as `none`. `wire` names the form. */
export function scoreCorpus(
  gold: readonly GoldCase[],
  predictions: readonly Prediction[],
  wire?: string,
): CorpusScore {
  const byId = new Map(predictions.map((prediction) => [prediction.id, prediction]));
  const counts: Record<CorpusOutcome, number> = { TP: 0, UNDER: 0, MISS: 0, OVER: 0, TN: 0, NOISE: 0, FP: 0 };
  const byTag: CorpusScore['by_tag'] = {};
  const errors: CorpusError[] = [];
  const wrongTools: CorpusScore['wrong_tools'] = [];
  let namedTools = 0;
  for (const entry of gold) {
    const prediction = byId.get(entry.id);
    const level = prediction?.severity ?? 'none';
    const outcome = outcomeOf(expectedOf(entry, wire), LEVELS.indexOf(level));
    counts[outcome]++;
    for (const tag of entry.tags ?? ['untagged']) {
      const tally = byTag[tag] ?? {};
      tally[outcome] = (tally[outcome] ?? 0) + 1;
      byTag[tag] = tally;
    }
    if (outcome !== 'TP' && outcome !== 'TN') {
      errors.push({
        id: entry.id,
        name: entry.name,
        outcome,
        wanted: entry.minSeverity ?? entry.maxSeverity ?? 'none',
        got: level,
        ...(prediction?.tool === undefined ? {} : { tool: prediction.tool }),
      });
    }
    if (entry.label === 'alert' && entry.tool && level !== 'none') {
      namedTools++;
      if (prediction?.tool !== entry.tool)
        wrongTools.push({
          id: entry.id,
          name: entry.name,
          wanted: entry.tool,
          got: prediction?.tool ?? 'none',
        });
    }
  }
  const alerts = counts.TP + counts.OVER + counts.UNDER + counts.MISS;
  const benign = counts.TN + counts.FP + counts.NOISE;
  const detected = counts.TP + counts.OVER + counts.UNDER;
  const precision = ratio(detected, detected + counts.FP, 1);
  const recall = ratio(detected, alerts, 1);
  return {
    cases: gold.length,
    counts,
    detection_recall: recall,
    severity_recall: ratio(counts.TP + counts.OVER, alerts, 1),
    fp_rate: ratio(counts.FP, benign, 0),
    precision,
    f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    tool_accuracy: ratio(namedTools - wrongTools.length, namedTools, 1),
    recall_ci95: interval(detected, alerts),
    fp_rate_ci95: interval(counts.FP, benign),
    per_threshold: perThreshold(gold, byId, wire),
    by_tag: byTag,
    errors,
    wrong_tools: wrongTools,
  };
}

function perThreshold(
  gold: readonly GoldCase[],
  byId: ReadonlyMap<string, Prediction>,
  wire: string | undefined,
): CorpusScore['per_threshold'] {
  const table: CorpusScore['per_threshold'] = {};
  for (const threshold of LEVELS.slice(2)) {
    const at = LEVELS.indexOf(threshold);
    let tp = 0;
    let fp = 0;
    let fn = 0;
    for (const entry of gold) {
      const expected = expectedOf(entry, wire);
      const reached = rank(byId.get(entry.id)?.severity, 'none') >= at;
      const wanted = expected.label === 'alert' && expected.min >= at;
      const allowed = wanted || (expected.max ?? LEVELS.length) >= at;
      if (reached && wanted) tp++;
      else if (reached && !allowed) fp++;
      else if (!reached && wanted) fn++;
    }
    table[threshold] = { precision: ratio(tp, tp + fp, 1), recall: ratio(tp, tp + fn, 1), tp, fp, fn };
  }
  return table;
}
