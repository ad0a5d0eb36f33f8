/** The detection: one exec event in, one verdict out. Pure: no clock, no input or output. */
import type { ExecEvent } from '../model/exec-event.ts';
import type { IndicatorHit, Severity, Verdict } from '../model/finding.ts';
import { compareSeverity } from '../model/finding.ts';
import type { Detector, Note, StateFacts } from '../model/intake.ts';
import { rememberAlike } from './alike.ts';
import type { DetectConfig } from './config.ts';
import { eventFacts } from './context.ts';
import { buildInterest } from './interest.ts';
import { judgeEvent, namesTool } from './judge.ts';
import { normalizePath } from './location.ts';
import { redactVerdict } from './redact.ts';
import { buildSettings, type Settings, severityOf } from './settings.ts';
import { Telling, ToolVerdict } from './tool-verdict.ts';

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
  const alike = rememberAlike<Telling>();
  /** Of the event that was just said to name a tool; the others, shells above all, are too rarely alike. */
  let named: readonly string[] | undefined;
  const isInteresting = ({ container, process }: ExecEvent): boolean =>
    container !== undefined && container.id !== '' && interest.event(process);

  const tell = (event: ExecEvent, state: StateFacts, note?: Note): Telling | undefined => {
    const judged = judgeEvent(event, settings, state, note);
    return judged && new Telling(judged, settings.redact);
  };
  const judge = (event: ExecEvent, state: StateFacts = NOTHING, note?: Note): Verdict => {
    if (!isInteresting(event)) {
      noteScope(event, note);
      return noVerdict();
    }
    // Steps to be told are steps to be taken, and a chain is of this container alone.
    const telling =
      note === undefined && state.chain === undefined && event.process.argv === named
        ? alike.judgement(event, () => tell(event, NOTHING), holdsForAll)
        : tell(event, state, note);
    if (telling) return toVerdict(event, settings, telling, state, note);
    const verdict = chainVerdict(event, settings, state);
    return settings.redact && verdict.severity !== 'none' ? redactVerdict(verdict) : verdict;
  };
  const names = (event: ExecEvent): boolean => {
    const { container, process } = event;
    const inScope = container !== undefined && container.id !== '';
    const is = inScope && alike.process(event, () => interest.event(process) && namesTool(event, settings));
    named = is ? process.argv : undefined;
    return is;
  };
  return { judge, names, interest };
}

function noteScope({ container }: ExecEvent, note: Note | undefined): void {
  const text =
    container === undefined || container.id === ''
      ? 'a process of the host: out of scope'
      : 'no path, name or argument belongs to a network utility';
  note?.({ step: 'scope', text });
}

/** Below a server the evidence tells the server's pid. */
function holdsForAll(telling: Telling | undefined): boolean {
  return telling?.context.server === undefined;
}

function toVerdict(
  event: ExecEvent,
  settings: Settings,
  telling: Telling,
  state: StateFacts,
  note: Note | undefined,
): Verdict {
  const { hits, severity: judged } = telling.score;
  const severity = lowerSeen(settings, hits, judged, state, note);
  return new ToolVerdict(event, telling, severity, severity === judged ? undefined : state.seen_before);
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
