import type { Delivery, Group, Parcel } from '../model/delivery.ts';
import { compareSeverity, type Finding, type Severity } from '../model/finding.ts';
import type { Cargo, Waiting } from './ledger.ts';

/** The most findings a group notice shows in full. */
export const groupSamples = 5;

/**
 * What one attempt sends: one delivery, a batch, or the notice of a group. Its members and its id stay the
 * same over all attempts, so that a repeat is byte by byte a repeat.
 */
export interface Unit {
  readonly id: string;
  readonly kind: 'single' | 'batch' | 'group';
  members: Waiting[];
  /** Failed attempts. */
  attempts: number;
  /** The store knows that these go together under this id. */
  composed: boolean;
  /** The receiver found it too large. */
  compact: boolean;
  /**
   * `ready`: in a queue; `picked`: out of it, about to fly; `delayed`: waits for its time; `blocked`: waits for
   * the one before it under the same order key.
   */
  state: 'ready' | 'picked' | 'delayed' | 'blocked' | 'flying' | 'done';
}

/** Members that still wait: an operator or a full spool may have taken some. */
export function aliveMembers(unit: Unit): Waiting[] {
  return unit.members.filter((member) => !member.gone);
}

export function isAlive(unit: Unit): boolean {
  for (const { gone } of unit.members) if (!gone) return true;
  return false;
}

/** The highest of its members. */
export function severityOf(unit: Unit): Severity {
  let highest: Severity = 'none';
  for (const { entry } of unit.members)
    if (compareSeverity(entry.severity, highest) > 0) highest = entry.severity;
  return highest;
}

export function bytesOf(unit: Unit): number {
  return unit.members.reduce((sum, member) => sum + member.entry.bytes, 0);
}

/** The parcel of a unit, from the payloads of its members (for a group notice, of its samples). */
export function parcelOf(
  unit: Unit,
  members: readonly Waiting[],
  cargoOf: (id: string) => Cargo | undefined,
): Parcel {
  const [first] = members;
  if (!first) throw new Error('a unit has at least one member');
  const sink = first.entry.sink;
  if (unit.kind === 'single') return required(cargoOf(first.entry.id));
  if (unit.kind === 'batch') {
    return { id: unit.id, sink, batch: members.map((member) => cargoOf(member.entry.id)).filter(isFinding) };
  }
  const findings = sampleMembers(members)
    .map((member) => cargoOf(member.entry.id))
    .filter(isFinding)
    .map((delivery) => delivery.finding);
  const [shown] = findings;
  if (!shown) throw new Error('a group has at least one finding');
  return { id: unit.id, sink, finding: shown, group: groupOf(members, findings) };
}

/** The members a group notice shows: the most severe, the newest of them first. */
export function sampleMembers(members: readonly Waiting[]): Waiting[] {
  return members
    .map((member, index) => ({ member, index }))
    .sort((a, b) => compareSeverity(b.member.entry.severity, a.member.entry.severity) || b.index - a.index)
    .slice(0, groupSamples)
    .map(({ member }) => member);
}

function groupOf(members: readonly Waiting[], samples: Finding[]): Group {
  const hold = members[0]?.entry.hold;
  const by_severity: Partial<Record<Severity, number>> = {};
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const { entry } of members) {
    by_severity[entry.severity] = (by_severity[entry.severity] ?? 0) + 1;
    first = Math.min(first, entry.accepted_ms);
    last = Math.max(last, entry.accepted_ms);
  }
  return {
    key: hold?.key ?? '',
    kind: hold?.kind ?? 'group',
    labels: hold?.labels ?? {},
    count: members.length,
    by_severity,
    first: new Date(first).toISOString(),
    last: new Date(last).toISOString(),
    samples,
  };
}

function isFinding(cargo: Cargo | undefined): cargo is Delivery {
  return cargo !== undefined && 'finding' in cargo;
}

function required(cargo: Cargo | undefined): Cargo {
  if (!cargo) throw new Error('the payload is gone');
  return cargo;
}
