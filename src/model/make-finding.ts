import type { ExecEvent } from './exec-event.ts';
import type { Finding, Verdict } from './finding.ts';

/** The finding of a verdict that reports something. `id` is the caller's: stable for the same exec. */
export function makeFinding(event: ExecEvent, verdict: Verdict, id: string, revision = 1): Finding {
  const { peers } = verdict;
  return {
    schema: 'lanner.finding/v1',
    id,
    revision,
    time: event.time,
    severity: verdict.severity,
    score: verdict.score,
    title: titleOf(event, verdict),
    ...(verdict.tool !== undefined && { tool: verdict.tool }),
    ...(verdict.category !== undefined && { category: verdict.category }),
    why: verdict.why,
    indicators: verdict.indicators,
    mitre: verdict.mitre,
    triage: verdict.triage,
    ...(peers !== undefined && { peers }),
    exec: event,
  };
}

/** One line: what, where. */
function titleOf(event: ExecEvent, verdict: Verdict): string {
  const what = verdict.tool ?? 'suspicious network use';
  const pod = event.pod === undefined ? undefined : `${event.pod.namespace}/${event.pod.name}`;
  const container = event.container?.name ?? event.container?.id.slice(0, 12);
  const image = event.image?.reference ?? event.image?.repository;
  const where = [pod ?? (container !== undefined ? `container ${container}` : 'a container')];
  if (pod !== undefined && container !== undefined) where.push(`container ${container}`);
  return `${what} executed in ${where.join(', ')}${image === undefined ? '' : ` (${image})`}`;
}
