import type { Clock } from '../lib/clock.ts';
import { Deadlines } from '../lib/deadlines.ts';
import type { Outcome, Sink, SinkConduct, SinkState } from '../model/delivery.ts';
import { backoff } from './backoff.ts';
import { type Gate, openGate } from './gate.ts';
import type { Waiting } from './ledger.ts';
import { openLineup } from './lineup.ts';
import { aliveMembers, type Unit } from './unit.ts';

/** What a lane asks of the dispatcher. */
export interface LaneHost {
  readonly clock: Clock;
  readonly random: () => number;
  /** One attempt; `ended` is called once, later, and soon after `signal` is aborted. */
  attempt(
    sink: Sink,
    unit: Unit,
    members: Waiting[],
    signal: AbortSignal,
    ended: (outcome: Outcome) => void,
  ): void;
  /** Stores that these go together, before the first attempt. Never rejects. */
  composed(unit: Unit): Promise<void>;
  dissolved(members: Waiting[]): void;
  /** They arrived: takes them out of the ledger. */
  delivered(sink: Sink, unit: Unit, members: Waiting[]): void;
  failed(unit: Unit, members: Waiting[]): void;
  /** It is given up: takes it out of the ledger. */
  dead(member: Waiting, why: Extract<Outcome, { kind: 'rejected' }> | 'expired' | 'sink_removed'): void;
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
  /**
   * What waits goes to `next` from now on, behind an open gate. Attempts under way end with the former sink; what it
   * did not take waits for the new one. Fulfilled when they have ended: the former one may be closed.
   */
  replace(next: Sink, conduct: SinkConduct): Promise<void>;
  /** Starts nothing more; what is under way and does not arrive is dead. Fulfilled when all attempts have ended. */
  retire(): Promise<void>;
}

/** One attempt under way. */
interface Flight {
  readonly by: Sink;
  readonly unit: Unit;
  readonly members: Waiting[];
  readonly controller: AbortController;
  /** Where its lease runs, once the sink was asked. */
  leases: Deadlines<Flight> | undefined;
  landed: boolean;
  cancelGrace: (() => void) | undefined;
  /** Whoever waits for its end. */
  ended: (() => void) | undefined;
}

/** How long a sink may take to notice that its attempt was aborted. */
const abortGraceMs = 1_000;

export function openLane(first: Sink, firstConduct: SinkConduct, host: LaneHost): Lane {
  const { clock } = host;
  let sink = first;
  let conduct = firstConduct;
  let gate = openGate(conduct, host.random);
  const lineup = openLineup(sink.name, conduct.batch);
  const flying = new Set<Flight>();
  let leases = leasesOf(conduct);
  /** Controllers of attempts that ended by themselves; the next ones fly with them. */
  const spare: AbortController[] = [];
  let retired = false;
  let attempts = 0;
  let lastError: string | undefined;
  let stopped = false;
  let cancelTimer: (() => void) | undefined;

  function pump(): void {
    if (stopped || retired) return;
    const now = clock.now();
    lineup.wake(now);
    while (gate.admits(now, flying.size)) {
      // A closed gate is probed with what waits for its own backoff, if nothing else is there.
      const unit = lineup.next(now) ?? (isFlowing() ? undefined : lineup.early());
      if (!unit) break;
      fly(unit);
    }
    arm(now);
  }

  function arm(now_ms: number): void {
    cancelTimer?.();
    cancelTimer = undefined;
    const closedUntil = gate.until_ms ?? 0;
    const next =
      closedUntil > now_ms ? (lineup.waiting > 0 ? closedUntil : Number.POSITIVE_INFINITY) : lineup.nextAt;
    if (next === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.after(Math.max(1, next - now_ms), pump);
  }

  function fly(unit: Unit): void {
    unit.state = 'flying';
    const members = aliveMembers(unit);
    for (const member of members) member.flying = true;
    const controller = spare.pop() ?? new AbortController();
    attempts += 1;
    const flight: Flight = {
      by: sink,
      unit,
      members,
      controller,
      leases: undefined,
      landed: false,
      cancelGrace: undefined,
      ended: undefined,
    };
    flying.add(flight);
    // Also of one that goes alone where batches are made: after a restart it must not join another.
    if (unit.composed || (unit.kind === 'single' && !conduct.batch)) begin(flight);
    else
      void host.composed(unit).then(() => {
        unit.composed = true;
        begin(flight);
      });
  }

  function begin(flight: Flight): void {
    flight.leases = leases;
    leases.start(flight);
    const { by, unit, members, controller } = flight;
    host.attempt(by, unit, members, controller.signal, (outcome) => land(flight, outcome));
  }

  /** A sink that does not end with its lease loses it: its slot is free again, its answer no longer counts. */
  function leasesOf({ lease_ms }: SinkConduct): Deadlines<Flight> {
    return new Deadlines(clock, lease_ms, (flight) => {
      flight.controller.abort();
      land(flight, { kind: 'retry', reason: 'lease_expired', detail: `no outcome within ${lease_ms} ms` });
    });
  }

  /** Ends it soon, whether its sink listens or not. */
  function abort(flight: Flight): void {
    if (flight.leases !== undefined) {
      flight.leases.end(flight);
      flight.cancelGrace = clock.after(abortGraceMs, () =>
        land(flight, { kind: 'retry', reason: 'aborted' }),
      );
    }
    flight.controller.abort();
  }

  function land(flight: Flight, outcome: Outcome): void {
    if (flight.landed) return;
    flight.landed = true;
    flight.leases?.end(flight);
    flight.cancelGrace?.();
    flying.delete(flight);
    const { by, unit, members, controller } = flight;
    // Not beyond a replacement: a sink may keep a listener on each signal it was given.
    if (!controller.signal.aborted && by === sink) spare.push(controller);
    for (const member of members) member.flying = false;
    finish(by, unit, members, outcome);
    pump();
    host.settled();
    flight.ended?.();
  }

  function isFlowing(): boolean {
    return gate.state === 'flowing';
  }

  function finish(by: Sink, unit: Unit, members: Waiting[], outcome: Outcome): void {
    if (by !== sink || retired) {
      finishFormer(unit, members, outcome);
      return;
    }
    const now = clock.now();
    const wasFlowing = isFlowing();
    if (outcome.kind !== 'delivered') lastError = outcome.detail ?? outcome.reason;
    if (gate.note(outcome, now)) host.stateChanged(sink, gate.state, gate.detail);
    if (outcome.kind === 'retry') later(unit, members, outcome, now);
    else if (outcome.kind === 'rejected') refuse(unit, members, outcome);
    else arrived(unit, members);
    // What failed while the sink was ill need not wait out its own backoff.
    if (!wasFlowing && isFlowing()) lineup.releaseDelayed();
  }

  /** What a former sink says of itself, or of a delivery, need not hold for the one there is now. */
  function finishFormer(unit: Unit, members: Waiting[], outcome: Outcome): void {
    if (outcome.kind === 'delivered') arrived(unit, members);
    else if (retired) for (const member of members) bury(member, 'sink_removed');
    else if (unit.kind === 'batch' && conduct.batch === undefined) takeApart(unit, members, false);
    else lineup.putBack(unit);
  }

  function arrived(unit: Unit, members: Waiting[]): void {
    unit.state = 'done';
    host.delivered(sink, unit, members);
    for (const member of members) lineup.leave(member);
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
    if (outcome.reason === 'aborted' || outcome.after_ms !== undefined) lineup.putBack(unit);
    else {
      const wait = backoff(unit.attempts, conduct.retry_initial_ms, conduct.retry_max_ms, host.random);
      lineup.delay(unit, now + wait);
    }
  }

  function refuse(unit: Unit, members: Waiting[], outcome: Extract<Outcome, { kind: 'rejected' }>): void {
    const tooLarge = outcome.reason === 'too_large';
    if (isSinksTrouble(outcome.reason)) lineup.putBack(unit);
    else if (unit.kind === 'batch' && members.length > 1) takeApart(unit, members, tooLarge);
    else if (tooLarge && !unit.compact) {
      unit.compact = true;
      lineup.putBack(unit);
    } else {
      unit.state = 'done';
      for (const member of members) bury(member, outcome);
    }
  }

  /** Halves a batch that is too large; tries each by itself where some member is not liked. */
  function takeApart(unit: Unit, members: Waiting[], halve: boolean): void {
    unit.state = 'done';
    if (halve && members.length > 3) {
      lineup.halve(members);
      return;
    }
    host.dissolved(members);
    lineup.single(members);
  }

  function bury(member: Waiting, why: Parameters<LaneHost['dead']>[1]): void {
    host.dead(member, why);
    lineup.leave(member);
  }

  const landed = () => Promise.all([...flying].map(end));

  function end(flight: Flight): Promise<void> {
    return new Promise((resolve) => {
      const { ended } = flight;
      flight.ended = () => {
        ended?.();
        resolve();
      };
    });
  }

  return {
    get sink() {
      return sink;
    },
    get gate() {
      return gate;
    },
    get waiting() {
      return lineup.waiting;
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
    add: (member) => lineup.add(member),
    addUnit: (unit, members) => lineup.addUnit(unit, members),
    pump,
    flush() {
      lineup.flush();
      pump();
    },
    removed: (member) => lineup.leave(member),
    expire() {
      const oldest = clock.now() - conduct.max_age_ms;
      for (const member of lineup.idle()) if (member.entry.accepted_ms < oldest) bury(member, 'expired');
    },
    idleUntil(until_ms) {
      if (flying.size > 0) return false;
      if (lineup.waiting === 0) return true;
      return (gate.until_ms ?? finite(lineup.nextAt)) > until_ms;
    },
    async stop() {
      stopped = true;
      cancelTimer?.();
      const ended = landed();
      for (const flight of [...flying]) abort(flight);
      await ended;
      leases.close();
    },
    async replace(next, nextConduct) {
      const wasFlowing = isFlowing();
      [sink, conduct, gate, lastError] = [next, nextConduct, openGate(nextConduct, host.random), undefined];
      const apart = lineup.rebatch(conduct.batch);
      if (apart.length > 0) host.dissolved(apart);
      lineup.releaseDelayed();
      if (!wasFlowing) host.stateChanged(sink, gate.state, 'its configuration has changed');
      const ended = landed();
      const former = leases;
      leases = leasesOf(conduct);
      spare.length = 0;
      pump();
      await ended;
      former.close();
    },
    async retire() {
      retired = true;
      cancelTimer?.();
      await landed();
      leases.close();
    },
    unblock() {
      gate.reset();
      lineup.releaseDelayed();
      pump();
    },
  };
}

/** With nothing that waits for its time, there is something that may fly now. */
function finite(time: number): number {
  return Number.isFinite(time) ? time : 0;
}

/** Says nothing about the one delivery: it keeps its place. */
function isSinksTrouble(reason: string): boolean {
  return reason === 'unauthorized' || reason === 'redirect' || reason === 'gone';
}
