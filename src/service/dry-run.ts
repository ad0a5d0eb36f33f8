import { compareSeverity, type Finding } from '../model/finding.ts';
import type { StateFacts } from '../model/intake.ts';
import { makeFinding } from '../model/make-finding.ts';
import { diffOutcomes, type Outcome, outcomeOf, type ReplayDiff } from '../route/outcome-diff.ts';
import type { Judging } from './judging.ts';

/** Judged in one go before the event loop gets its turn. */
const SLICE_MS = 4;

/** What the history keeps of an exec, told or not. */
export type KeptExec = Pick<Finding, 'id' | 'exec'> & { facts?: StateFacts };

/**
 * What `next` would tell otherwise of these execs than `running` does. Each is judged by itself by both, with no more
 * of what came before it than was kept. Rejects with what the judgement throws.
 */
export async function dryRun(
  execs: readonly KeptExec[],
  running: Judging,
  next: Judging,
): Promise<ReplayDiff> {
  const old = new Map<string, Outcome>();
  const now = new Map<string, Outcome>();
  let until = performance.now() + SLICE_MS;
  for (const kept of execs) {
    for (const [judging, outcomes] of [
      [running, old],
      [next, now],
    ] as const) {
      const outcome = outcomeBy(judging, kept);
      if (outcome !== undefined) outcomes.set(kept.id, outcome);
    }
    if (performance.now() < until) continue;
    await new Promise((resolve) => setImmediate(resolve));
    until = performance.now() + SLICE_MS;
  }
  return diffOutcomes(old, now);
}

function outcomeBy(judging: Judging, { id, exec, facts }: KeptExec): Outcome | undefined {
  const verdict = judging.detector.judge(exec, facts);
  if (verdict.severity === 'none' || compareSeverity(verdict.severity, judging.minSeverity) < 0)
    return undefined;
  const { finding, hidden } = judging.exceptions.apply(makeFinding(exec, verdict, id));
  const sinks = hidden ? [] : judging.router.route(finding).map((target) => target.sink);
  return outcomeOf(finding, sinks, hidden);
}
