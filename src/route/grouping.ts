import type { Addressee } from '../model/delivery.ts';
import { compareSeverity, type Finding, type Severity } from '../model/finding.ts';
import { fields } from './fields.ts';
import type { Target } from './tree.ts';

/** Groups remembered; of more, those that were quiet longest are forgotten and begin anew. */
const maxGroups = 20_000;
/** Kinds of finding remembered in one group. */
const maxKinds = 200;

interface GroupState {
  /** When the last notice went out. */
  noticed_ms?: number;
  /** When the notice that gathers now goes out. */
  due_ms?: number;
  top: Severity;
  kinds: Set<string>;
}

interface RateState {
  tokens: number;
  refilled_ms: number;
  /** While notices are held back: when their summary goes out, and the highest severity among what came. */
  due_ms?: number;
  top: Severity;
}

/** Decides what is told at once and what is held, and until when. The clock is handed in. */
export interface Grouping {
  place(finding: Finding, targets: readonly Target[], now_ms: number): Addressee[];
}

/**
 * Per route, sink and values of group_by. The first finding waits `group_wait`. After a notice, one of a kind not
 * told before waits for `group_interval` since, one like those told before for `repeat_interval`; a severity
 * higher than any so far goes out at once and takes along what is held. A group that was quiet for all of these
 * begins anew. Memory is bounded, and lost with the process: then at most one notice comes early.
 */
export function openGrouping(): Grouping {
  const groups = new Map<string, GroupState>();
  const rates = new Map<string, RateState>();

  function place(finding: Finding, target: Target, now_ms: number): Addressee {
    const { sink, route, policy } = target;
    if (!policy.group_by) return limit(finding, target, now_ms) ?? { sink };
    const labels: Record<string, string> = {};
    for (const name of policy.group_by) labels[name] = labelValue(name, finding);
    const key = `${route} ${sink} ${JSON.stringify(labels)}`;
    const known = groups.get(key);
    const group = current(known, policy.repeat_interval_ms, policy.group_interval_ms, now_ms);
    // A notice that gathers already needs no further one.
    const held = group.due_ms === undefined ? limit(finding, target, now_ms) : undefined;
    remember(groups, key, group);
    if (held) return held;
    const due_ms = Math.min(group.due_ms ?? Number.POSITIVE_INFINITY, wanted(finding, group, policy, now_ms));
    group.due_ms = due_ms;
    if (compareSeverity(finding.severity, group.top) > 0) group.top = finding.severity;
    if (group.kinds.size < maxKinds) group.kinds.add(kindOf(finding));
    return { sink, hold: { key, kind: 'group', due_ms, labels } };
  }

  /** Held back if the route has told enough for now; undefined lets it through. */
  function limit(finding: Finding, { sink, route, policy }: Target, now_ms: number): Addressee | undefined {
    const { rate_limit } = policy;
    if (!rate_limit) return undefined;
    const { count, per_ms } = rate_limit;
    const key = `${route} ${sink}`;
    const state = rates.get(key) ?? { tokens: count, refilled_ms: now_ms, top: 'none' };
    rates.set(key, state);
    state.tokens = Math.min(count, state.tokens + ((now_ms - state.refilled_ms) * count) / per_ms);
    state.refilled_ms = now_ms;
    if (state.due_ms !== undefined && state.due_ms <= now_ms) delete state.due_ms;
    if (state.due_ms === undefined && state.tokens >= count) state.top = 'none';
    const higher = compareSeverity(finding.severity, state.top) > 0;
    if (higher) state.top = finding.severity;
    if (state.tokens >= 1) {
      state.tokens -= 1;
      return undefined;
    }
    // Higher than anything since the route was quiet.
    if (higher) return undefined;
    state.due_ms ??= now_ms + per_ms;
    return { sink, hold: { key: `${key} rate`, kind: 'rate', due_ms: state.due_ms, labels: { route } } };
  }

  return {
    place: (finding, targets, now_ms) => targets.map((target) => place(finding, target, now_ms)),
  };
}

function current(
  known: GroupState | undefined,
  repeat_ms: number,
  interval_ms: number,
  now_ms: number,
): GroupState {
  if (!known) return { top: 'none', kinds: new Set() };
  const group = { ...known };
  if (group.due_ms !== undefined && group.due_ms <= now_ms) {
    group.noticed_ms = group.due_ms;
    delete group.due_ms;
  }
  const quiet =
    group.due_ms === undefined && (group.noticed_ms ?? 0) + Math.max(repeat_ms, interval_ms) <= now_ms;
  return quiet ? { top: 'none', kinds: new Set() } : group;
}

function wanted(finding: Finding, group: GroupState, policy: Target['policy'], now_ms: number): number {
  const isHigher = group.top !== 'none' && compareSeverity(finding.severity, group.top) > 0;
  if (isHigher) return now_ms;
  if (group.noticed_ms === undefined) return now_ms + policy.group_wait_ms;
  const isNew = !group.kinds.has(kindOf(finding));
  return Math.max(now_ms, group.noticed_ms + (isNew ? policy.group_interval_ms : policy.repeat_interval_ms));
}

/** Findings of one kind say the same to a person. */
function kindOf(finding: Finding): string {
  const { exec } = finding;
  const what = [finding.tool, exec.process.binary ?? exec.process.exe, finding.severity];
  const where = [exec.pod?.namespace, exec.pod?.workload ?? exec.pod?.name ?? exec.container?.name];
  return JSON.stringify([...what, ...where, finding.indicators.map((indicator) => indicator.id).sort()]);
}

function labelValue(name: keyof typeof fields, finding: Finding): string {
  const field = fields[name](finding);
  return field.known ? field.values.join(', ') : 'unknown';
}

/** A Map keeps the order of insertion: what is touched goes to the end, what is first was quiet longest. */
function remember(groups: Map<string, GroupState>, key: string, group: GroupState): void {
  groups.delete(key);
  groups.set(key, group);
  if (groups.size <= maxGroups) return;
  const [oldest] = groups.keys();
  if (oldest !== undefined) groups.delete(oldest);
}
