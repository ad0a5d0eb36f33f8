/** The detection: one exec event in, one verdict out. Pure: no clock, no input or output. */
import type { ExecEvent } from '../model/exec-event.ts';
import type { IndicatorHit, Severity, Verdict } from '../model/finding.ts';
import { compareSeverity } from '../model/finding.ts';
import type { Detector, Note, StateFacts } from '../model/intake.ts';
import type { DetectConfig } from './config.ts';
import { eventFacts } from './context.ts';
import { buildInterest } from './interest.ts';
import { type Judged, judgeEvent, namesTool } from './judge.ts';
import { normalizePath } from './location.ts';
import { redactVerdict } from './redact.ts';
import { buildSettings, type Settings, severityOf } from './settings.ts';
import { ToolVerdict } from './tool-verdict.ts';

export { type DetectConfig, defaultDetectConfig, detectSchema } from './config.ts';
export { redactEvent, redactText, redactTexts } from './redact.ts';

const NOTHING: StateFacts = {};

/** The verdict of an event that runs no network utility. A new one each time: verdicts belong to their caller. */
export function noVerdict(): Verdict {
  return { severity: 'none', score: 0, indicators: [], why: [], mitre: [], triage: [] };
}

/** Builds the detection from its configuration. Throws nothing: the schema has checked everything. */
export function createDetector(config: DetectConfig): Detector {
  const settings = buildSettings(config);
  const interest = buildInterest(settings.taxonomy);
  const judge = (event: ExecEvent, state: StateFacts = NOTHING, note?: Note): Verdict => {
    if (event.container === undefined || event.container.id === '') {
      note?.({ step: 'scope', text: 'a process of the host: out of scope' });
      return noVerdict();
    }
    if (!interest.event(event.process)) {
      note?.({ step: 'scope', text: 'no path, name or argument belongs to a network utility' });
      return noVerdict();
    }
    const judged = judgeEvent(event, settings, state, note);
    if (judged) return toVerdict(event, settings, judged, state, note);
    const verdict = chainVerdict(event, settings, state);
    return settings.redact && verdict.severity !== 'none' ? redactVerdict(verdict) : verdict;
  };
  const names = (event: ExecEvent): boolean =>
    event.container !== undefined &&
    event.container.id !== '' &&
    interest.event(event.process) &&
    namesTool(event, settings);
  return { judge, names, interest };
}

function toVerdict(
  event: ExecEvent,
  settings: Settings,
  { context, score }: Judged,
  state: StateFacts,
  note: Note | undefined,
): Verdict {
  const { hits } = score;
  const severity = lowerSeen(settings, hits, score.severity, state, note);
  const seen = severity !== score.severity ? state.seen_before : undefined;
  return new ToolVerdict({
    event,
    context,
    severity,
    score: score.score,
    hits,
    seen,
    redact: settings.redact,
  });
}

/** The same arguments under the same parent lower verdicts up to low by one step, never hard facts. */
function lowerSeen(
  settings: Settings,
  hits: readonly IndicatorHit[],
  severity: Severity,
  state: StateFacts,
  note: Note | undefined,
): Severity {
  const seen = state.seen_before ?? 0;
  if (settings.seen_before_lowers === 0 || seen < settings.seen_before_lowers) return severity;
  if (compareSeverity(severity, 'low') > 0 || hits.some((hit) => hit.hard)) return severity;
  const lowered = severity === 'low' ? 'info' : 'none';
  note?.({
    step: 'severity',
    text: `seen ${seen} times before with the same parent: ${severity} becomes ${lowered}`,
  });
  return lowered;
}

/** An unknown program that this container downloaded and made executable a moment ago. */
function chainVerdict(event: ExecEvent, settings: Settings, state: StateFacts): Verdict {
  const download = state.chain?.find((step) => step.step === 'download');
  if (!download) return noVerdict();
  const facts = eventFacts(event, settings, state);
  const paths = [event.process.binary, event.process.exe, event.process.argv[0]].filter(
    (path) => path !== undefined,
  );
  const named = paths.find((path) => {
    const normal = normalizePath(path, event.process.cwd);
    const matches = state.chain?.some((step) => step.path === undefined || step.path === normal);
    return matches && settings.locate(normal, facts.surroundings).classes.length > 0;
  });
  if (named === undefined) return noVerdict();
  const steps = state.chain?.map((step) => step.text).join(', then ') ?? '';
  const hit: IndicatorHit = {
    id: 'chain_download_run',
    points: 75,
    hard: true,
    evidence: named,
    why: `${named} runs after this container did: ${steps}`,
    mitre: ['T1105', 'T1204.002'],
  };
  const severity = severityOf(75, settings.thresholds);
  return {
    ...noVerdict(),
    severity,
    score: 75,
    category: 'http',
    indicators: [hit],
    why: [hit.why],
    mitre: hit.mitre,
  };
}
