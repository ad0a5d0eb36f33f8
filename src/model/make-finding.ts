import type { ExecEvent } from './exec-event.ts';
import type { Finding, Verdict } from './finding.ts';

/** The finding of a verdict that reports something. `id` is the caller's: stable for the same exec. */
export function makeFinding(event: ExecEvent, verdict: Verdict, id: string, revision = 1): Finding {
  const { tool, category, peers } = verdict;
  // Set one by one, in the order they are shown: a spread of a condition costs many times as much.
  const finding = {
    schema: 'lanner.finding/v1',
    id,
    revision,
    time: event.time,
    severity: verdict.severity,
    score: verdict.score,
    title: titleOf(event, verdict),
  } as Finding;
  if (tool !== undefined) finding.tool = tool;
  if (category !== undefined) finding.category = category;
  finding.why = verdict.why;
  finding.indicators = verdict.indicators;
  finding.mitre = verdict.mitre;
  finding.triage = verdict.triage;
  if (peers !== undefined) finding.peers = peers;
  finding.exec = event;
  return finding;
}

/** One line: what, where. */
function titleOf(event: ExecEvent, verdict: Verdict): string {
  const what = verdict.tool ?? 'suspicious network use';
  const pod = event.pod === undefined ? undefined : `${event.pod.namespace}/${event.pod.name}`;
  const container = event.container?.name ?? event.container?.id.slice(0, 12);
  const image = event.image?.reference ?? event.image?.repository;
  const inside = container === undefined ? undefined : `container ${container}`;
  const both = pod !== undefined && inside !== undefined ? `${pod}, ${inside}` : undefined;
  const where = both ?? pod ?? inside ?? 'a container';
  return `${what} executed in ${where}${image === undefined ? '' : ` (${image})`}`;
}
