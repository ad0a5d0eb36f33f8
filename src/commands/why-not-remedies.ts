import type { Config } from '../config.ts';
import { createDetector, type DetectConfig } from '../detect/index.ts';
import { compareSeverity, type Severity, type Verdict } from '../model/finding.ts';
import { makeFinding } from '../model/make-finding.ts';
import { findingId } from '../pipeline.ts';
import { openJudging } from '../service/judging.ts';
import type { ExecInput } from './exec-input.ts';

/** A change of the configuration that makes an exec fire: tried, not guessed. */
export interface Remedy {
  /** The key and its value, as it is written: `detect.weights.own_process: 0`. */
  set: string;
  /** What the exec is then. */
  severity: Severity;
}

interface Candidate {
  set: string;
  change: (config: Config) => Config;
}

const detecting = (set: string, change: (detect: DetectConfig) => Partial<DetectConfig>): Candidate => ({
  set,
  change: (config) => ({ ...config, detect: { ...config.detect, ...change(config.detect) } }),
});

/** Single changes only, each judged with; those that make the exec fire. */
export function remedies(input: ExecInput, verdict: Verdict, config: Config): Remedy[] {
  return candidates(input, verdict, config).flatMap(({ set, change }) => {
    const severity = firesAs(input, change(config));
    return severity === undefined ? [] : [{ set, severity }];
  });
}

function firesAs({ event, facts }: ExecInput, config: Config): Severity | undefined {
  const { exceptions, minSeverity } = openJudging(config);
  const verdict = createDetector(config.detect).judge(event, facts);
  if (verdict.severity === 'none' || compareSeverity(verdict.severity, minSeverity) < 0) return undefined;
  const { hidden } = exceptions.apply(makeFinding(event, verdict, findingId(event.id)));
  return hidden ? undefined : verdict.severity;
}

function candidates(input: ExecInput, verdict: Verdict, config: Config): Candidate[] {
  const { detect, exceptions } = config;
  const floor = openJudging(config).minSeverity;
  const least = floor === 'none' ? 0 : detect.thresholds[floor];
  const missing = least - verdict.score;
  const lowering = verdict.indicators.filter(({ points }) => points < 0);
  const raising = verdict.indicators.filter(({ points }) => points > 0);
  const weigh = (weights: Record<string, number>) =>
    detecting(
      Object.entries(weights)
        .map(([id, points]) => `detect.weights.${id}: ${points}`)
        .join(', '),
      ({ weights: old }) => ({ weights: { ...old, ...weights } }),
    );
  return [
    ...exceptions.map(({ name }) => ({
      set: `without the exception ${name}`,
      change: (one: Config) => ({ ...one, exceptions: one.exceptions.filter((each) => each.name !== name) }),
    })),
    ...(verdict.severity === 'none' ? [] : [routes(verdict.severity)]),
    detecting('detect.seen_before_lowers: 0', () => ({ seen_before_lowers: 0 })),
    ...lowering.map(({ id }) => weigh({ [id]: 0 })),
    ...(lowering.length > 1 ? [weigh(Object.fromEntries(lowering.map(({ id }) => [id, 0])))] : []),
    ...(missing > 0 ? raising.map(({ id, points }) => weigh({ [id]: points + missing })) : []),
    ...(missing > 0 && verdict.tool !== undefined ? [toolPoints(verdict.tool, verdict, least)] : []),
    ...(missing > 0 && verdict.score > 0 && floor !== 'none' ? [threshold(floor, verdict.score)] : []),
    ...detect.disabled_indicators.map((id) =>
      detecting(`without ${id} in detect.disabled_indicators`, (old) => ({
        disabled_indicators: old.disabled_indicators.filter((one) => one !== id),
      })),
    ),
    ...detect.tools.remove.map((id) =>
      detecting(`without ${id} in detect.tools.remove`, (old) => ({
        tools: { ...old.tools, remove: old.tools.remove.filter((one) => one !== id) },
      })),
    ),
    ...(verdict.tool === undefined ? added(input) : []),
  ];
}

function routes(severity: Exclude<Severity, 'none'>): Candidate {
  return {
    set: `route.min_severity: ${severity}`,
    change: (config) => ({ ...config, route: { ...config.route, min_severity: severity } }),
  };
}

/** The lower ones may not stand above it. */
function threshold(floor: Exclude<Severity, 'none'>, score: number): Candidate {
  return detecting(`detect.thresholds.${floor}: ${score}`, ({ thresholds }) => ({
    thresholds: {
      ...thresholds,
      ...Object.fromEntries(
        Object.entries(thresholds).map(([severity, points]) => [
          severity,
          compareSeverity(severity as Severity, floor) <= 0 ? Math.min(points, score) : points,
        ]),
      ),
    },
  }));
}

function toolPoints(tool: string, verdict: Verdict, least: number): Candidate {
  const others = verdict.indicators.reduce((sum, { points }) => sum + points, 0);
  const points = Math.min(200, least - others);
  return detecting(`detect.tools.points.${tool}: ${points}`, ({ tools }) => ({
    tools: { ...tools, points: { ...tools.points, [tool]: points } },
  }));
}

/** A program that is no tool yet. */
function added({ event }: ExecInput): Candidate[] {
  const name = (event.process.binary ?? event.process.exe ?? event.process.argv[0])?.split('/').at(-1);
  if (name === undefined || !/^[a-z0-9][a-z0-9_.-]*$/.test(name)) return [];
  const points = 40;
  return [
    detecting(
      `detect.tools.add: [{id: ${name}, category: http, names: [${name}], points: ${points}}]`,
      ({ tools }) => ({
        tools: { ...tools, add: [...tools.add, { id: name, category: 'http', names: [name], points }] },
      }),
    ),
  ];
}
