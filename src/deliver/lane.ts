import type { Outcome, Sink, SinkConduct, SinkState } from '../model/delivery.ts';
import { type Severity, severities } from '../model/finding.ts';
import { backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { digestId } from './delivery-id.ts';
import { type Fifo, openFifo } from './fifo.ts';
import { type Gate, openGate } from './gate.ts';
import { openHeap } from './heap.ts';
import type { Waiting } from './ledger.ts';
import { aliveMembers, type Unit } from './unit.ts';

/** What a lane asks of the dispatcher. */
export interface LaneHost {
  readonly clock: Clock;
  readonly random: () => number;
  /** One attempt; never rejects, ends when `signal` does. */
  attempt(sink: Sink, unit: Unit, members: Waiting[], signal: AbortSignal): Promise<Outcome>;
  /** Stores that these go together, before the first attempt. */
  composed(unit: Unit): Promise<void>;
  dissolved(members: Waiting[]): void;
  delivered(sink: Sink, unit: Unit, members: Waiting[]): void;
  failed(unit: Unit, members: Waiting[]): void;
  dead(member: Waiting, outcome: Extract<Outcome, { kind: 'rejected' }> | 'expired'): void;
  stateChanged(sink: Sink, state: SinkState, detail: string): void;
  /** An attempt has ended, and what follows from it is done. */
  settled(): void;
}

/** The way of deliveries to one sink. Nothing that happens in one lane delays another. */
export interface Lane {
  readonly sink: Sink;
  readonly gate: Gate;
  readonly waiting: number;
  readonly inFlight: number;
  readonly attempts: number;
  readonly lastError: string | undefined;
  add(member: Waiting): void;
  /** Puts back what a former run had put together. */
  addUnit(unit: string, members: Waiting[]): void;
  /** Looks for work. */
  pump(): void;
  /** No more waiting for company: what is held or gathered goes out. */
  flush(): void;
  /** The dispatcher took it out of the ledger. */
  removed(member: Waiting): void;
  /** Removes what is too old. */
  expire(): void;
  /** True if nothing is under way and nothing will be before `until_ms`. */
  idleUntil(until_ms: number): boolean;
  /** Aborts what is under way and starts nothing more; fulfilled when all attempts have ended. */
  stop(): Promise<void>;
  unblock(): void;
}

/** How long a sink may take to notice that its attempt was aborted. */
const abortGraceMs = 1_000;

interface Held {
  due_ms: number;
  members: Waiting[];
}

/**
 * One lane. An entry stands in the chain of its order key from `add` until it leaves; a unit may fly only when
 * each member is the head of its chain (or follows other members of the same unit), which keeps the order of a
 * key while keys overtake each other. Ready units wait by severity, so that a backlog does not delay a page.
 */
export function openLane(sink: Sink, conduct: SinkConduct, host: LaneHost): Lane {
  const { clock } = host;
  const gate = openGate(conduct, host.random);
  const chains = new Map<string, Fifo<Waiting>>();
  const unitOf = new Map<Waiting, Unit>();
  const ready = new Map<Severity, Fifo<Unit>>(severities.map((severity) => [severity, openFifo<Unit>()]));
  let delayed = openHeap<Unit>();
  const held = new Map<string, Held>();
  const heldUntil = openHeap<string>();
  const flying = new Map<Unit, { abort: AbortController; ended: Promise<void> }>();
  let waiting = 0;
  let attempts = 0;
  let lastError: string | undefined;
  let stopped = false;
  let flushing = false;
  let cancelTimer: (() => void) | undefined;
  let gatherUntil: number | undefined;

  function add(member: Waiting): void {
    waiting += 1;
    chainOf(member).push(member);
    const { hold } = member.entry;
    if (hold) holdBack(hold.key, hold.due_ms, member);
    else makeReady(singleOf(member));
  }

  function addUnit(id: string, members: Waiting[]): void {
    waiting += members.length;
    for (const member of members) chainOf(member).push(member);
    const kind = members[0]?.entry.hold ? 'group' : members.length > 1 ? 'batch' : 'single';
    const unit: Unit = { id, kind, members, attempts: attemptsOf(members), compact: false, state: 'ready' };
    for (const member of members) unitOf.set(member, unit);
    makeReady(unit);
  }

  function chainOf(member: Waiting): Fifo<Waiting> {
    const chain = chains.get(member.entry.order_key) ?? openFifo<Waiting>();
    chains.set(member.entry.order_key, chain);
    return chain;
  }

  function singleOf(member: Waiting): Unit {
    const unit: Unit = {
      id: member.entry.id,
      kind: 'single',
      members: [member],
      attempts: member.entry.attempts,
      compact: false,
      state: 'ready',
    };
    unitOf.set(member, unit);
    return unit;
  }

  function holdBack(key: string, due_ms: number, member: Waiting): void {
    const group = held.get(key);
    if (!group) held.set(key, { due_ms, members: [member] });
    else group.members.push(member);
    if (group && group.due_ms <= due_ms) return;
    if (group) group.due_ms = due_ms;
    heldUntil.push(due_ms, key);
  }

  /** Held findings whose time has come become one notice. */
  function releaseHeld(now_ms: number): void {
    const due = flushing ? Number.POSITIVE_INFINITY : now_ms;
    while ((heldUntil.next() ?? Number.POSITIVE_INFINITY) <= due) {
      const key = heldUntil.pop();
      const group = key === undefined ? undefined : held.get(key);
      // Told earlier, with another's time.
      if (key === undefined || !group || group.due_ms > due) {
        if (key === undefined) return;
        continue;
      }
      held.delete(key);
      const members = group.members.filter((member) => !member.gone);
      const first = members[0];
      if (!first) continue;
      const id = digestId('group', sink.name, key, first.entry.id, String(members.length));
      const unit: Unit = { id, kind: 'group', members, attempts: 0, compact: false, state: 'ready' };
      for (const member of members) unitOf.set(member, unit);
      makeReady(unit);
    }
  }

  function makeReady(unit: Unit, first = false): void {
    unit.state = 'ready';
    const queue = ready.get(severityOf(unit));
    if (first) queue?.unshift(unit);
    else queue?.push(unit);
  }

  /** Each member is the head of its chain, or stands behind members of the same unit. */
  function isFirst(unit: Unit): boolean {
    return unit.members.every((member) => member.gone || headUnit(member) === unit);
  }

  function headUnit(member: Waiting): Unit | undefined {
    const head = chainHead(member.entry.order_key);
    return head && unitOf.get(head);
  }

  function chainHead(key: string): Waiting | undefined {
    const chain = chains.get(key);
    while (chain?.peek()?.gone) chain.shift();
    return chain?.peek();
  }

  /** The next unit that may fly. One whose turn has not come waits until its predecessor ends. */
  function nextUnit(): Unit | undefined {
    for (let i = severities.length - 1; i >= 0; i--) {
      const queue = ready.get(severities[i]!)!;
      for (let unit = queue.shift(); unit; unit = queue.shift()) {
        if (unit.state !== 'ready' || aliveMembers(unit).length === 0) continue;
        const first = isFirst(unit) ? unit : readyPredecessor(unit);
        // Its predecessor makes it ready again when it leaves.
        if (first !== unit) unit.state = 'blocked';
        if (!first) continue;
        first.state = 'picked';
        return first;
      }
    }
    return undefined;
  }

  /** What an urgent unit waits for becomes as urgent. */
  function readyPredecessor(unit: Unit): Unit | undefined {
    for (const member of unit.members) {
      const before = member.gone ? undefined : headUnit(member);
      if (before && before !== unit && before.state === 'ready' && isFirst(before)) return before;
    }
    return undefined;
  }

  /** A batch takes further ready ones along, or waits a little for company. Undefined: wait. */
  function gather(first: Unit, now_ms: number): Unit | undefined {
    const { batch } = conduct;
    if (!batch || !isBatchable(first)) return first;
    const units = [first];
    let bytes = bytesOf(first);
    let full = false;
    while (!full && units.length < batch.max_count) {
      const next = nextUnit();
      if (!next) break;
      full = !isBatchable(next) || bytes + bytesOf(next) > batch.max_bytes;
      if (full) makeReady(next, true);
      else {
        bytes += bytesOf(next);
        units.push(next);
      }
    }
    full ||= flushing || units.length >= batch.max_count;
    const oldest = Math.min(...units.map((unit) => unit.members[0]!.entry.accepted_ms));
    if (!full && now_ms < oldest + batch.max_wait_ms) {
      gatherUntil = oldest + batch.max_wait_ms;
      for (const unit of units.reverse()) makeReady(unit, true);
      return undefined;
    }
    return units.length === 1 ? first : join(units.flatMap((unit) => unit.members));
  }

  function join(members: Waiting[]): Unit {
    const id = digestId('batch', ...members.map((member) => member.entry.id));
    const unit: Unit = { id, kind: 'batch', members, attempts: 0, compact: false, state: 'ready' };
    for (const member of members) {
      const former = unitOf.get(member);
      if (former) former.state = 'done';
      unitOf.set(member, unit);
    }
    return unit;
  }

  function pump(): void {
    if (stopped) return;
    const now = clock.now();
    gatherUntil = undefined;
    releaseHeld(now);
    while ((delayed.next() ?? Number.POSITIVE_INFINITY) <= now) {
      const unit = delayed.pop();
      if (unit?.state === 'delayed') makeReady(unit);
    }
    while (gate.admits(now, flying.size)) {
      const next = nextUnit() ?? probe();
      const unit = next && gather(next, now);
      if (!unit) break;
      fly(unit);
    }
    arm(now);
  }

  /** A closed gate is probed with what waits for its own backoff, if nothing else is there. */
  function probe(): Unit | undefined {
    if (gate.until_ms === undefined) return undefined;
    for (let unit = delayed.pop(); unit; unit = delayed.pop()) {
      if (unit.state !== 'delayed' || aliveMembers(unit).length === 0) continue;
      unit.state = 'picked';
      return unit;
    }
    return undefined;
  }

  function arm(now_ms: number): void {
    cancelTimer?.();
    cancelTimer = undefined;
    let next = Math.min(
      delayed.next() ?? Number.POSITIVE_INFINITY,
      heldUntil.next() ?? Number.POSITIVE_INFINITY,
    );
    if (gate.until_ms !== undefined && gate.until_ms > now_ms) {
      // Closed: nothing flies before, though groups become due.
      next = waiting > 0 ? gate.until_ms : Number.POSITIVE_INFINITY;
    } else if (gatherUntil !== undefined) next = Math.min(next, gatherUntil);
    if (next === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.after(Math.max(1, next - now_ms), pump);
  }

  function fly(unit: Unit): void {
    unit.state = 'flying';
    const members = aliveMembers(unit);
    for (const member of members) member.flying = true;
    const abort = new AbortController();
    attempts += 1;
    const ended = attempt(unit, members, abort).then((outcome) => {
      flying.delete(unit);
      for (const member of members) member.flying = false;
      finish(unit, aliveMembers(unit), outcome);
      pump();
      host.settled();
    });
    flying.set(unit, { abort, ended });
  }

  /** A sink that does not end with its lease loses it: its slot is free again, its answer no longer counts. */
  async function attempt(unit: Unit, members: Waiting[], abort: AbortController): Promise<Outcome> {
    if (unit.kind !== 'single' && unit.attempts === 0) await host.composed(unit);
    let cancel: (() => void) | undefined;
    const lease = new Promise<Outcome>((resolve) => {
      cancel = clock.after(conduct.lease_ms, () => {
        resolve({
          kind: 'retry',
          reason: 'lease_expired',
          detail: `no outcome within ${conduct.lease_ms} ms`,
        });
        abort.abort();
      });
      abort.signal.addEventListener('abort', () => {
        cancel?.();
        cancel = clock.after(abortGraceMs, () => resolve({ kind: 'retry', reason: 'aborted' }));
      });
    });
    try {
      return await Promise.race([host.attempt(sink, unit, members, abort.signal), lease]);
    } finally {
      cancel?.();
    }
  }

  function finish(unit: Unit, members: Waiting[], outcome: Outcome): void {
    const now = clock.now();
    if (outcome.kind !== 'delivered') lastError = outcome.detail ?? outcome.reason;
    const blocked = !isFlowing();
    if (gate.note(outcome, now)) host.stateChanged(sink, gate.state, gate.detail);
    if (outcome.kind === 'delivered') {
      host.delivered(sink, unit, members);
      for (const member of members) leave(member);
      unit.state = 'done';
      // What failed while the sink was ill need not wait out its own backoff.
      if (blocked && isFlowing()) releaseDelayed();
      return;
    }
    if (outcome.kind === 'retry') later(unit, members, outcome, now);
    else refuse(unit, members, outcome);
  }

  function isFlowing(): boolean {
    return gate.state === 'flowing';
  }

  function later(
    unit: Unit,
    members: Waiting[],
    outcome: Extract<Outcome, { kind: 'retry' }>,
    now: number,
  ): void {
    if (outcome.reason !== 'aborted') {
      unit.attempts += 1;
      host.failed(unit, members);
    }
    // Where the receiver says when, the delivery adds nothing of its own. Else it steps back even behind a closed
    // gate, so that one that the receiver cannot digest is not what the gate is probed with each time.
    if (outcome.reason === 'aborted' || outcome.after_ms !== undefined) {
      makeReady(unit, true);
      return;
    }
    unit.state = 'delayed';
    delayed.push(
      now + backoff(unit.attempts, conduct.retry_initial_ms, conduct.retry_max_ms, host.random),
      unit,
    );
  }

  function refuse(unit: Unit, members: Waiting[], outcome: Extract<Outcome, { kind: 'rejected' }>): void {
    const tooLarge = outcome.reason === 'too_large';
    if (gate.state === 'parked' || gate.state === 'disabled') {
      // The sink's trouble, not the delivery's.
      makeReady(unit, true);
    } else if (tooLarge && unit.kind !== 'batch' && !unit.compact) {
      unit.compact = true;
      makeReady(unit, true);
    } else if (unit.kind === 'batch' && members.length > 1) {
      split(unit, members, tooLarge);
    } else {
      unit.state = 'done';
      for (const member of members) bury(member, outcome);
    }
  }

  /** Halves a batch that is too large; takes one apart of which some member is not liked. */
  function split(unit: Unit, members: Waiting[], halve: boolean): void {
    unit.state = 'done';
    if (halve && members.length > 3) {
      const middle = members.length >> 1;
      for (const half of [members.slice(middle), members.slice(0, middle)]) makeReady(join(half), true);
      return;
    }
    host.dissolved(members);
    for (const member of [...members].reverse()) {
      const single = singleOf(member);
      // Singles of a batch that was refused are not gathered again.
      single.attempts = Math.max(1, single.attempts);
      makeReady(single, true);
    }
  }

  function bury(member: Waiting, why: Extract<Outcome, { kind: 'rejected' }> | 'expired'): void {
    host.dead(member, why);
    leave(member);
  }

  /** Takes a member out of its chain and wakes the one behind it. The host has removed it from the ledger. */
  function leave(member: Waiting): void {
    unitOf.delete(member);
    waiting -= 1;
    const head = chainHead(member.entry.order_key);
    if (!head) {
      chains.delete(member.entry.order_key);
      return;
    }
    const next = unitOf.get(head);
    if (next?.state === 'blocked') makeReady(next);
  }

  function releaseDelayed(): void {
    const heap = delayed;
    delayed = openHeap();
    for (let unit = heap.pop(); unit; unit = heap.pop()) if (unit.state === 'delayed') makeReady(unit);
  }

  return {
    sink,
    gate,
    get waiting() {
      return waiting;
    },
    get inFlight() {
      return flying.size;
    },
    get attempts() {
      return attempts;
    },
    get lastError() {
      return lastError;
    },
    add,
    addUnit,
    pump,
    flush() {
      flushing = true;
      pump();
    },
    removed: leave,
    expire() {
      const now = clock.now();
      for (const member of [...unitOf.keys()]) {
        if (!member.gone && !member.flying && now - member.entry.accepted_ms > conduct.max_age_ms)
          bury(member, 'expired');
      }
    },
    idleUntil(until_ms) {
      if (flying.size > 0) return false;
      if (waiting === 0) return true;
      const next = Math.max(gate.until_ms ?? 0, gate.until_ms === undefined ? (delayed.next() ?? 0) : 0);
      return next > until_ms;
    },
    async stop() {
      stopped = true;
      cancelTimer?.();
      const all = [...flying.values()];
      for (const { abort } of all) abort.abort();
      await Promise.all(all.map(({ ended }) => ended));
    },
    unblock() {
      gate.reset();
      releaseDelayed();
      pump();
    },
  };
}

function severityOf(unit: Unit): Severity {
  let highest: Severity = 'none';
  for (const { entry } of unit.members) {
    if (severities.indexOf(entry.severity) > severities.indexOf(highest)) highest = entry.severity;
  }
  return highest;
}

function bytesOf(unit: Unit): number {
  return unit.members.reduce((sum, member) => sum + member.entry.bytes, 0);
}

function attemptsOf(members: Waiting[]): number {
  return Math.max(0, ...members.map((member) => member.entry.attempts));
}

function isBatchable(unit: Unit): boolean {
  return unit.kind === 'single' && unit.attempts === 0 && !unit.compact;
}
