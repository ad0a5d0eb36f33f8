import { compareSeverity, type Finding, type Severity, severities } from '../model/finding.ts';
import type { Kept } from '../model/history.ts';
import { compileExceptions } from '../route/exceptions.ts';
import { type ExceptionConfig, exceptionSchema } from '../route/exceptions-schema.ts';
import {
  asJudged,
  groupNoise,
  matchOf,
  type NoiseGroup,
  type NotProposed,
  nameOf,
} from '../route/proposals.ts';

/** An exception that would help, and what it would do to the findings it was made from. */
export interface Proposal {
  exception: ExceptionConfig;
  /** Ids counted, not kept: how many it hides, by severity. */
  hides: Partial<Record<Severity, number>>;
  total: number;
  first: string;
  last: string;
  /** Findings of the same tool in the same image that it does not hide, the most severe first. */
  keeps: { id: string; severity: Severity; title: string; command: string }[];
}

/** Labelled malicious by somebody, or of a group whose exception would hide such a finding. */
export type LeftAlone = NotProposed | 'labelled_malicious' | 'like_malicious';

export interface TuneResult {
  proposals: Proposal[];
  /** All findings that are told now, by severity, and those of them that all proposals together hide. */
  seen: Partial<Record<Severity, number>>;
  hidden: Partial<Record<Severity, number>>;
  first?: string;
  last?: string;
  not_proposed: Partial<Record<LeftAlone, number>>;
}

export interface TuneOptions {
  max_severity: Severity;
  /** A group of fewer findings is no noise. */
  min_count: number;
  max_proposals: number;
  /** Day on which the proposed exceptions stop. */
  expires: string;
  owner?: string;
  /** What is hidden now already. */
  hiddenNow: (finding: Finding) => boolean;
}

/** Counter-examples shown for each proposal. */
const MAX_KEEPS = 3;

/**
 * Reads the findings twice: to group them, and to see what the proposals would do, by the code that applies
 * exceptions. Memory is bounded by the number of groups, not of findings.
 */
export async function tuneFindings(
  read: () => AsyncIterable<Finding> | Iterable<Finding>,
  options: TuneOptions,
): Promise<TuneResult> {
  const grouping = groupNoise({ max_severity: options.max_severity });
  const not_proposed: TuneResult['not_proposed'] = {};
  const leave = (why: LeftAlone, many: number) => {
    not_proposed[why] = (not_proposed[why] ?? 0) + many;
  };
  /** Labels are made by people: there are few. */
  const malicious: Finding[] = [];
  for await (const kept of read()) {
    const finding = asJudged(kept);
    if (options.hiddenNow(kept)) continue;
    const isMalicious = (kept as Kept).label?.is === 'malicious';
    if (isMalicious) malicious.push(finding);
    const why = isMalicious ? 'labelled_malicious' : grouping.add(finding);
    if (why !== undefined) leave(why, 1);
  }
  const harmless = (group: NoiseGroup) => {
    const { apply } = compileExceptions([proposalOf(group, options).exception]);
    if (!malicious.some((finding) => apply(finding).hidden)) return true;
    leave('like_malicious', group.count);
    return false;
  };
  const noisy = grouping
    .groups()
    .filter((group) => group.count >= options.min_count && (malicious.length === 0 || harmless(group)))
    .slice(0, options.max_proposals);
  const proposals = noisy.map((group) => proposalOf(group, options));
  return { ...(await effect(read, proposals, noisy, options)), not_proposed };
}

function proposalOf(group: NoiseGroup, { expires, owner }: TuneOptions): Proposal {
  const day = (time: string) => time.slice(0, 10);
  const exception = exceptionSchema.parse({
    name: nameOf(group),
    match: matchOf(group),
    reason: `${group.tool} by ${group.parent} in ${group.place} ran ${group.count} times from ${day(group.first)} to ${day(group.last)}, never above ${group.severity}; proposed by lanner tune, to be confirmed`,
    ...(owner !== undefined && { owner }),
    expires,
    mode: 'hide',
  });
  return { exception, hides: {}, total: 0, first: group.first, last: group.last, keeps: [] };
}

async function effect(
  read: () => AsyncIterable<Finding> | Iterable<Finding>,
  proposals: Proposal[],
  groups: readonly NoiseGroup[],
  options: TuneOptions,
): Promise<Omit<TuneResult, 'not_proposed'>> {
  const each = proposals.map((proposal, index) => ({
    proposal,
    exceptions: compileExceptions([proposal.exception]),
    tool: groups[index]!.tool,
    place: groups[index]!.place,
  }));
  const byTool = new Map<string, typeof each>();
  for (const one of each) byTool.set(one.tool, [...(byTool.get(one.tool) ?? []), one]);
  const result: Omit<TuneResult, 'not_proposed'> = { proposals, seen: {}, hidden: {} };
  for await (const kept of read()) {
    if (options.hiddenNow(kept)) continue;
    const finding = asJudged(kept);
    const { severity, time } = finding;
    result.seen[severity] = (result.seen[severity] ?? 0) + 1;
    if (result.first === undefined || time < result.first) result.first = time;
    if (result.last === undefined || time > result.last) result.last = time;
    let hidden = false;
    for (const one of byTool.get(finding.tool ?? '') ?? []) {
      const place = finding.exec.image?.repository ?? finding.exec.pod?.workload;
      if (one.exceptions.apply(finding).hidden) {
        hidden = true;
        one.proposal.total += 1;
        one.proposal.hides[severity] = (one.proposal.hides[severity] ?? 0) + 1;
      } else if (one.place === place) keep(one.proposal, finding);
    }
    if (hidden) result.hidden[severity] = (result.hidden[severity] ?? 0) + 1;
  }
  return result;
}

function keep({ keeps }: Proposal, finding: Finding): void {
  const { id, severity, title, exec } = finding;
  const least = keeps.at(-1);
  if (keeps.length >= MAX_KEEPS && least !== undefined && compareSeverity(severity, least.severity) <= 0)
    return;
  keeps.push({ id, severity, title, command: exec.process.argv.join(' ').slice(0, 200) });
  keeps.sort((a, b) => compareSeverity(b.severity, a.severity));
  keeps.length = Math.min(keeps.length, MAX_KEEPS);
}

/** `hides 1204 of 1310 low, 0 of 3 high`. */
export function effectText(
  hides: Partial<Record<Severity, number>>,
  seen: Partial<Record<Severity, number>>,
): string {
  const parts = severities
    .filter((severity) => seen[severity] !== undefined)
    .map((severity) => `${hides[severity] ?? 0} of ${seen[severity]} ${severity}`);
  return `hides ${parts.join(', ') || 'nothing'}`;
}
