import { readFileSync } from 'node:fs';
import { createDetector } from '../detect/index.ts';
import { type CorpusScore, type GoldCase, type Prediction, scoreCorpus } from '../lib/score-corpus.ts';
import { fileError } from '../sources/recording.ts';
import { configOrDefaults } from './defaults.ts';
import { exitCodes } from './exit-codes.ts';
import { type JudgeForm, judgeLine } from './judge.ts';
import { readCases, standardInput } from './kept-files.ts';
import { caseOf } from './label.ts';
import { openProgress, progressTerminal } from './progress.ts';
import { tellPassedOver } from './replay-inputs.ts';

export interface ScoreFlags {
  config?: string;
  form: JudgeForm;
  events?: string;
  index?: string;
  json?: boolean;
  minRecall?: string;
  minSeverityRecall?: string;
  maxFpRate?: string;
  minToolAccuracy?: string;
}

/** What may fail a run, by flag: the figure, its bound, and on which side of it the figure must lie. */
const gates: [keyof ScoreFlags, keyof CorpusScore, 'least' | 'most', string][] = [
  ['minRecall', 'detection_recall', 'least', '--min-recall'],
  ['minSeverityRecall', 'severity_recall', 'least', '--min-severity-recall'],
  ['maxFpRate', 'fp_rate', 'most', '--max-fp-rate'],
  ['minToolAccuracy', 'tool_accuracy', 'least', '--min-tool-accuracy'],
];

/**
 * Labelled corpora through the whole path, findings that were labelled in a history too. Events in a wire form
 * stand in a file of their own (`--events`), and `--index` says which case each belongs to. Exit code `found` when
 * a gate is not reached. Throws LannerError.
 */
export async function score(corpora: readonly string[], flags: ScoreFlags): Promise<number> {
  const detector = createDetector(configOrDefaults(flags.config).detect);
  const gold = await goldOf(corpora);
  const names = flags.index === undefined ? new Map<string, string>() : caseNames(flags.index);
  const lines = flags.events === undefined ? gold.map((one) => JSON.stringify(one)) : textLines(flags.events);
  const progress = openProgress({
    total: lines.length,
    unit: 'cases',
    terminal: progressTerminal(flags.json === true),
  });
  const predictions = lines.map((line, at): Prediction => {
    progress.step();
    progress.at('cases', at);
    const judgement = judgeLine(line, at + 1, flags.form, { detector });
    return { ...judgement, id: names.get(judgement.id) ?? judgement.id };
  });
  progress.done();
  const result = scoreCorpus(gold, predictions, flags.form === 'corpus' ? undefined : flags.form);
  const failed = gates.flatMap(([flag, figure, side, name]) => {
    const bound = flags[flag];
    const value = result[figure] as number;
    if (bound === undefined || (side === 'least' ? value >= Number(bound) : value <= Number(bound)))
      return [];
    return [`${String(figure)} is ${value.toFixed(3)}, and ${name} asks for ${bound}`];
  });
  process.stdout.write(flags.json ? `${JSON.stringify({ ...result, failed })}\n` : render(result, failed));
  return failed.length === 0 ? exitCodes.ok.code : exitCodes.found.code;
}

/** Of what stands there several times, the last; what cannot be used is told on standard error. */
async function goldOf(corpora: readonly string[]): Promise<GoldCase[]> {
  const paths: string[] = [];
  for (const path of corpora) paths.push(path === '-' ? await standardInput() : path);
  const { cases, labelled, unlabelled, over } = await readCases(paths);
  const gold = new Map(cases.map((one) => [one.id, one as unknown as GoldCase]));
  for (const kept of labelled)
    if (kept.label !== undefined) gold.set(kept.id, caseOf(kept, kept.label, { min: 'low', max: 'info' }));
  tellPassedOver(over);
  if (unlabelled > 0) process.stderr.write(`${unlabelled} findings without a label\n`);
  return [...gold.values()];
}

/** Wire id → case id, from `{"case": {"falco_uuid": …, "tetragon_exec_id": …}}`. */
function caseNames(file: string): Map<string, string> {
  const index = JSON.parse(read(file)) as Record<string, Record<string, unknown>>;
  const names = new Map<string, string>();
  for (const [id, wires] of Object.entries(index))
    for (const wire of Object.values(wires)) if (typeof wire === 'string') names.set(wire, id);
  return names;
}

function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw fileError(file, error);
  }
}

function textLines(file: string): string[] {
  return read(file)
    .split('\n')
    .filter((line) => line.trim() !== '');
}

function render(result: CorpusScore, failed: readonly string[]): string {
  const percent = (value: number) => `${(value * 100).toFixed(1)} %`;
  const { counts } = result;
  const lines = [
    `${result.cases} cases: ${Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
    '',
    '| figure | value |',
    '| --- | --- |',
    `| detection recall | ${percent(result.detection_recall)} |`,
    `| severity recall | ${percent(result.severity_recall)} |`,
    `| false-positive rate | ${percent(result.fp_rate)} |`,
    `| precision | ${percent(result.precision)} |`,
    `| tool accuracy | ${percent(result.tool_accuracy)} |`,
    '',
    '| threshold | precision | recall | true | false | missed |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries(result.per_threshold).map(
      ([level, { precision, recall, tp, fp, fn }]) =>
        `| ${level} | ${percent(precision)} | ${percent(recall)} | ${tp} | ${fp} | ${fn} |`,
    ),
  ];
  const troubled = Object.entries(result.by_tag).filter(([, tally]) =>
    Object.keys(tally).some((one) => one !== 'TP' && one !== 'TN'),
  );
  if (troubled.length > 0)
    lines.push(
      '',
      '| tag with errors | outcomes |',
      '| --- | --- |',
      ...troubled.map(
        ([tag, tally]) =>
          `| ${tag} | ${Object.entries(tally)
            .map(([one, count]) => `${count} ${one}`)
            .join(', ')} |`,
      ),
    );
  if (result.errors.length > 0)
    lines.push(
      '',
      '| error | case | wanted | got |',
      '| --- | --- | --- | --- |',
      ...result.errors.map(
        ({ outcome, name, wanted, got }) => `| ${outcome} | ${name} | ${wanted} | ${got} |`,
      ),
    );
  for (const { name, wanted, got } of result.wrong_tools)
    lines.push('', `wrong tool: ${name}: ${got ?? 'none'} instead of ${wanted}`);
  if (failed.length > 0) lines.push('', ...failed);
  return `${lines.join('\n')}\n`;
}
