import { type Severity, severities } from '../model/finding.ts';
import { digestId } from './delivery-id.ts';
import { type Fifo, openFifo } from './fifo.ts';
import { openHeap } from './heap.ts';
import type { Waiting } from './ledger.ts';
import { aliveMembers, bytesOf, isAlive, severityOf, type Unit } from './unit.ts';

/** How singles become batches. */
export interface BatchRule {
  max_count: number;
  max_bytes: number;
  max_wait_ms: number;
}

/**
 * What of a sink waits, and what is next. A delivery stands in the chain of its order key from `add` until it
 * leaves; a unit may fly only if each member is the head of its chain or follows members of the same unit.
 * That keeps the order within a key while keys overtake each other. Ready units wait by severity, so that a
 * backlog does not delay a page. Time is handed in.
 */
export interface Lineup {
  readonly waiting: number;
  /** When something changes by time alone: a delay, a held group or a batch is due. */
  readonly nextAt: number;
  add(member: Waiting): void;
  /** Puts back what a former run had put together. */
  addUnit(id: string, members: Waiting[]): void;
  /** Takes a member out that left the ledger, and lets the one behind it forward. */
  leave(member: Waiting): void;
  /** What is due at that time becomes ready. */
  wake(now_ms: number): void;
  /** The next unit to fly. It is the caller's until it is put back or its members leave. */
  next(now_ms: number): Unit | undefined;
  /** Of those that wait for their own time, the one whose time is next. */
  early(): Unit | undefined;
  putBack(unit: Unit): void;
  delay(unit: Unit, until_ms: number): void;
  /** Whatever waits for its own time becomes ready. */
  releaseDelayed(): void;
  /** From now on nothing is held or gathered. */
  flush(): void;
  /** Parts of a batch go in halves from now on, or each by itself. */
  halve(members: Waiting[]): void;
  single(members: Waiting[]): void;
  /** From now on singles are gathered so, or not at all: then what was put together goes one by one. */
  rebatch(rule: BatchRule | undefined): Waiting[];
  /** Members that are not under way. */
  idle(): Waiting[];
}

interface Held {
  due_ms: number;
  members: Waiting[];
}

const never = Number.POSITIVE_INFINITY;

export function openLineup(sink: string, rule: BatchRule | undefined): Lineup {
  let batch = rule;
  /** Linked through the members themselves: nearly always there is but one. */
  const chains = new Map<string, { head: Waiting | undefined; tail: Waiting }>();
  const unitOf = new Map<Waiting, Unit>();
  const ready = new Map<Severity, Fifo<Unit>>(severities.map((severity) => [severity, openFifo<Unit>()]));
  const held = new Map<string, Held>();
  const heldUntil = openHeap<string>();
  let delayed = openHeap<Unit>();
  let gatherUntil = never;
  let waiting = 0;
  let flushing = false;

  function enchain(member: Waiting): void {
    waiting += 1;
    const chain = chains.get(member.entry.order_key);
    if (chain?.head === undefined) {
      chains.set(member.entry.order_key, { head: member, tail: member });
      return;
    }
    chain.tail.next = member;
    chain.tail = member;
  }

  function makeUnit(id: string, kind: Unit['kind'], members: Waiting[]): Unit {
    let attempts = 0;
    for (const { entry } of members) attempts = Math.max(attempts, entry.attempts);
    const unit: Unit = { id, kind, members, attempts, composed: false, compact: false, state: 'ready' };
    for (const member of members) {
      const former = unitOf.get(member);
      if (former) former.state = 'done';
      unitOf.set(member, unit);
    }
    return unit;
  }

  function makeReady(unit: Unit, first = false): void {
    unit.state = 'ready';
    const queue = ready.get(severityOf(unit));
    if (first) queue?.unshift(unit);
    else queue?.push(unit);
  }

  function hold(member: Waiting, key: string, due_ms: number): void {
    const group = held.get(key);
    if (!group) held.set(key, { due_ms, members: [member] });
    else group.members.push(member);
    if (group && group.due_ms <= due_ms) return;
    // An earlier time for all: a higher severity breaks through.
    if (group) group.due_ms = due_ms;
    heldUntil.push(due_ms, key);
  }

  /** Held findings whose time has come become one notice. */
  function releaseHeld(now_ms: number): void {
    const due = flushing ? never : now_ms;
    while ((heldUntil.next() ?? never) <= due) {
      const key = heldUntil.pop();
      const group = key === undefined ? undefined : held.get(key);
      if (key === undefined) return;
      // Told already, at an earlier time.
      if (!group || group.due_ms > due) continue;
      held.delete(key);
      const members = group.members.filter((member) => !member.gone);
      const [first] = members;
      if (!first) continue;
      makeReady(
        makeUnit(digestId('group', sink, key, first.entry.id, String(members.length)), 'group', members),
      );
    }
  }

  function chainHead(key: string): Waiting | undefined {
    const chain = chains.get(key);
    while (chain?.head?.gone) chain.head = chain.head.next;
    return chain?.head;
  }

  function headUnit(member: Waiting): Unit | undefined {
    const head = chainHead(member.entry.order_key);
    return head && unitOf.get(head);
  }

  function isFirst(unit: Unit): boolean {
    return unit.members.every((member) => member.gone || headUnit(member) === unit);
  }

  /** What an urgent unit waits for becomes as urgent. */
  function readyPredecessor(unit: Unit): Unit | undefined {
    for (const member of unit.members) {
      const before = member.gone ? undefined : headUnit(member);
      if (before && before !== unit && before.state === 'ready' && isFirst(before)) return before;
    }
    return undefined;
  }

  function pick(): Unit | undefined {
    for (let i = severities.length - 1; i >= 0; i--) {
      const queue = ready.get(severities[i]!)!;
      for (let unit = queue.shift(); unit; unit = queue.shift()) {
        if (unit.state !== 'ready' || !isAlive(unit)) continue;
        const first = isFirst(unit) ? unit : readyPredecessor(unit);
        // Whoever leaves before it makes it ready again.
        if (first !== unit) unit.state = 'blocked';
        if (!first) continue;
        first.state = 'picked';
        return first;
      }
    }
    return undefined;
  }

  /** Takes further ready ones along, or waits a little for company: then undefined. */
  function gather(first: Unit, rule: BatchRule, now_ms: number): Unit | undefined {
    const units = [first];
    let bytes = bytesOf(first);
    let full = flushing;
    while (units.length < rule.max_count) {
      const next = pick();
      if (!next) break;
      if (!isBatchable(next) || bytes + bytesOf(next) > rule.max_bytes) {
        makeReady(next, true);
        full = true;
        break;
      }
      bytes += bytesOf(next);
      units.push(next);
    }
    const oldest = Math.min(...units.map((unit) => unit.members[0]!.entry.accepted_ms));
    if (!full && units.length < rule.max_count && now_ms < oldest + rule.max_wait_ms) {
      gatherUntil = oldest + rule.max_wait_ms;
      for (const unit of units.reverse()) makeReady(unit, true);
      return undefined;
    }
    return units.length === 1 ? first : join(units.flatMap((unit) => unit.members));
  }

  function join(members: Waiting[]): Unit {
    const unit = makeUnit(digestId('batch', ...members.map((member) => member.entry.id)), 'batch', members);
    unit.state = 'picked';
    return unit;
  }

  function single(members: Waiting[]): void {
    for (const member of [...members].reverse()) {
      const unit = makeUnit(member.entry.id, 'single', [member]);
      // One that a batch was refused for is not gathered again.
      unit.attempts = Math.max(1, unit.attempts);
      makeReady(unit, true);
    }
  }

  return {
    get waiting() {
      return waiting;
    },
    get nextAt() {
      return Math.min(delayed.next() ?? never, heldUntil.next() ?? never, gatherUntil);
    },
    add(member) {
      enchain(member);
      const { hold: held } = member.entry;
      if (held) hold(member, held.key, held.due_ms);
      else makeReady(makeUnit(member.entry.id, 'single', [member]));
    },
    addUnit(id, members) {
      for (const member of members) enchain(member);
      const kind = members[0]?.entry.hold ? 'group' : members.length > 1 ? 'batch' : 'single';
      const unit = makeUnit(id, kind, members);
      unit.composed = true;
      makeReady(unit);
    },
    leave(member) {
      unitOf.delete(member);
      waiting -= 1;
      const head = chainHead(member.entry.order_key);
      if (!head) {
        chains.delete(member.entry.order_key);
        return;
      }
      const next = unitOf.get(head);
      if (next?.state === 'blocked') makeReady(next);
    },
    wake(now_ms) {
      gatherUntil = never;
      releaseHeld(now_ms);
      while ((delayed.next() ?? never) <= now_ms) {
        const unit = delayed.pop();
        if (unit?.state === 'delayed') makeReady(unit);
      }
    },
    next(now_ms) {
      const unit = pick();
      if (!unit || !batch || !isBatchable(unit)) return unit;
      return gather(unit, batch, now_ms);
    },
    early() {
      for (let unit = delayed.pop(); unit; unit = delayed.pop()) {
        if (unit.state !== 'delayed' || !isAlive(unit)) continue;
        unit.state = 'picked';
        return unit;
      }
      return undefined;
    },
    putBack: (unit) => makeReady(unit, true),
    delay(unit, until_ms) {
      unit.state = 'delayed';
      delayed.push(until_ms, unit);
    },
    releaseDelayed() {
      const heap = delayed;
      delayed = openHeap();
      for (let unit = heap.pop(); unit; unit = heap.pop()) if (unit.state === 'delayed') makeReady(unit);
    },
    flush() {
      flushing = true;
    },
    halve(members) {
      const middle = members.length >> 1;
      for (const half of [members.slice(middle), members.slice(0, middle)]) makeReady(join(half), true);
    },
    single,
    rebatch(next) {
      batch = next;
      gatherUntil = never;
      if (next !== undefined) return [];
      const apart = [...new Set(unitOf.values())].filter(
        (unit) => unit.kind === 'batch' && unit.state !== 'flying' && aliveMembers(unit).length > 0,
      );
      for (const unit of apart) single(aliveMembers(unit));
      return apart.flatMap((unit) => unit.members);
    },
    idle: () => [...unitOf.keys()].filter((member) => !member.gone && !member.flying),
  };
}

function isBatchable(unit: Unit): boolean {
  if (unit.kind !== 'single' || unit.attempts > 0 || unit.composed) return false;
  // Relayed bodies and status notices go by themselves.
  return unit.members[0]?.entry.batchable ?? false;
}
