import { messageOf } from '../lib/errors.ts';
import type {
  Addressee,
  DeadReason,
  DeliverEvents,
  DelivererStatus,
  Notice,
  Outcome,
  ShedReason,
  Sink,
  SinkConduct,
} from '../model/delivery.ts';
import type { Finding, Severity } from '../model/finding.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from './clock.ts';
import { deliveryId, digestId } from './delivery-id.ts';
import { type Lane, type LaneHost, openLane } from './lane.ts';
import { type Cargo, defaultBounds, openLedger, type SpoolBounds, type Waiting } from './ledger.ts';
import { defaultConduct } from './sinks/conduct.ts';
import type { DeliveryStore, SpoolEntry, SpoolRecord } from './store/contract.ts';
import { parcelOf, sampleMembers, type Unit } from './unit.ts';

/** How often ages are looked at and a store that failed is tried again. */
const tendMs = 10_000;
/** Dead letters kept. */
const deadLetters = { max: 10_000, max_age_ms: 30 * 86_400_000 };

export interface DelivererOptions {
  sinks: readonly Sink[];
  store: DeliveryStore;
  log: Log;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  events: DeliverEvents;
  bounds?: Partial<SpoolBounds>;
}

/** Delivers what it accepts, however long the receivers take. */
export interface Deliverer {
  /** Takes back what a former run left; called once, before anything is accepted. Rejects if the store cannot be opened. */
  start(): Promise<void>;
  /**
   * Fulfilled when the finding is durably accepted for every addressee: from then on it is delivered at least
   * once, or counted as dead letter or shed. With a store that does not take writes, fulfilled when it is in
   * memory, which is told loudly. Never rejects; an unknown sink is a bug of the caller and throws.
   */
  accept(finding: Finding, to: readonly (string | Addressee)[]): Promise<void>;
  /** As `accept`, for one of Lanner's own troubles. */
  notify(notice: Notice, to: readonly string[]): Promise<void>;
  /** As `accept`, for a received body that is passed on as it came. `id` tells repeats. */
  relay(id: string, body: Buffer, content_type: string, to: readonly string[]): Promise<void>;
  /**
   * Tries to deliver what waits, held back or not, for at most `deadlineMs`; ends earlier when nothing more can
   * happen before. Then all attempts have ended, the sinks and the store are closed. What is left waits in the
   * store. A second call answers as the first.
   */
  drain(deadlineMs: number): Promise<{ delivered: number; left: number }>;
  status(): DelivererStatus;
  readonly admin: DelivererAdmin;
}

/** What a person can do about deliveries. */
export interface DelivererAdmin {
  /** What waits, oldest first within a severity. */
  waiting(limit: number): SpoolEntry[];
  /** The payload of a waiting delivery or of a dead letter. */
  payload(id: string): Promise<string | undefined>;
  /** Dead letters wait again; of waiting ones, nothing changes. Answers how many. */
  revive(ids: readonly string[]): Promise<number>;
  /** Takes waiting deliveries and dead letters away for good. Answers how many. */
  drop(ids: readonly string[]): Promise<number>;
  /** Opens the gate of a sink that was parked, disabled or broken. False if there is no such sink. */
  unblock(sink: string): boolean;
  readonly store: DeliveryStore;
}

interface Tally {
  delivered: number;
  dead: number;
  shed: number;
}

export function openDeliverer(options: DelivererOptions): Deliverer {
  const { store, clock, events } = options;
  const bounds: SpoolBounds = { ...defaultBounds, ...options.bounds };
  const ledger = openLedger(bounds.cache_bytes);
  const lanes = new Map<string, Lane>();
  const tallies = new Map<string, Tally>();
  let degraded: string | undefined;
  /** Removed here and not yet in the store that failed: told to it when it works again. */
  const owed = new Set<string>();
  let cancelTend: (() => void) | undefined;
  let draining: Promise<{ delivered: number; left: number }> | undefined;
  let onQuiet: (() => void) | undefined;

  const host: LaneHost = {
    clock,
    random: options.random,
    attempt,
    composed: (unit) => store.compose(unit.id, idsOf(unit.members)).catch(storeFailed),
    dissolved: (members) => void store.compose(undefined, idsOf(members)).catch(storeFailed),
    delivered(sink, _unit, members) {
      const oldest = Math.min(...members.map((member) => member.entry.accepted_ms));
      tallyOf(sink.name).delivered += members.length;
      for (const member of members) ledger.remove(member);
      forget(idsOf(members));
      events.delivered(sink.name, members.length, clock.now() - oldest);
    },
    failed(_unit, members) {
      for (const member of members) member.entry.attempts += 1;
      void store.attempted(idsOf(members)).catch(storeFailed);
    },
    dead(member, why) {
      if (why === 'expired') bury(member, 'expired', 'older than the sink keeps deliveries');
      else bury(member, why.reason, why.detail ?? '');
    },
    stateChanged: (sink, state, detail) => events.sinkState(sink.name, state, detail),
    settled: () => onQuiet?.(),
  };

  for (const sink of options.sinks) {
    const conduct: SinkConduct = { ...defaultConduct, ...sink.conduct };
    lanes.set(sink.name, openLane(sink, conduct, host));
    tallies.set(sink.name, { delivered: 0, dead: 0, shed: 0 });
  }

  function tallyOf(sink: string): Tally {
    const tally = tallies.get(sink) ?? { delivered: 0, dead: 0, shed: 0 };
    tallies.set(sink, tally);
    return tally;
  }

  async function attempt(sink: Sink, unit: Unit, members: Waiting[], signal: AbortSignal): Promise<Outcome> {
    const began = clock.now();
    let outcome: Outcome;
    try {
      outcome = await send(sink, unit, members, signal);
    } catch (error) {
      // A sink throws only on a bug, and a bug must not cost the finding: it is kept as a dead letter.
      options.log.error('a sink failed in a way it must not', { sink: sink.name, error: messageOf(error) });
      outcome = { kind: 'rejected', reason: 'unrenderable', detail: messageOf(error) };
    }
    events.attempted(sink.name, outcome, clock.now() - began);
    return outcome;
  }

  async function send(sink: Sink, unit: Unit, members: Waiting[], signal: AbortSignal): Promise<Outcome> {
    const shown = unit.kind === 'group' ? sampleMembers(members) : members;
    const missing = shown.filter((member) => !member.cargo).map((member) => member.entry.id);
    let read = new Map<string, string>();
    if (missing.length > 0) {
      try {
        read = await store.read(missing);
      } catch (error) {
        return { kind: 'retry', reason: 'io_error', detail: messageOf(error) };
      }
    }
    const cargoOf = (id: string) => {
      const text = read.get(id);
      return ledger.get(id)?.cargo ?? (text === undefined ? undefined : (JSON.parse(text) as Cargo));
    };
    const parcel = parcelOf(unit, members, cargoOf);
    return sink.send(parcel, signal, { compact: unit.compact });
  }

  function bury(member: Waiting, reason: DeadReason, detail: string): void {
    const { id, sink } = member.entry;
    tallyOf(sink).dead += 1;
    ledger.remove(member);
    events.dead(sink, reason, id, detail);
    void store.bury([id], reason, detail, clock.now()).catch(storeFailed);
  }

  function shed(member: Waiting, reason: ShedReason): void {
    const { id, sink, severity } = member.entry;
    tallyOf(sink).shed += 1;
    ledger.remove(member);
    lanes.get(sink)?.removed(member);
    events.shed(sink, reason, severity);
    forget([id]);
  }

  function forget(ids: string[]): void {
    if (degraded !== undefined) for (const id of ids) owed.add(id);
    else
      store.remove(ids).catch((error) => {
        for (const id of ids) owed.add(id);
        storeFailed(error);
      });
  }

  function storeFailed(error: unknown): void {
    if (degraded !== undefined) return;
    degraded = messageOf(error);
    events.storeDegraded(degraded);
  }

  function keepBounds(): void {
    for (const { waiting, reason } of ledger.victims(bounds)) shed(waiting, reason);
  }

  async function take(
    cargos: { cargo: Cargo; entry: Omit<SpoolEntry, 'bytes' | 'attempts'> }[],
  ): Promise<void> {
    const fresh: { waiting: Waiting; record: SpoolRecord }[] = [];
    for (const { cargo, entry: partial } of cargos) {
      // The same delivery waits already.
      if (ledger.has(partial.id)) continue;
      const payload = JSON.stringify(cargo);
      const entry: SpoolEntry = { ...partial, attempts: 0, bytes: Buffer.byteLength(payload) };
      const waiting: Waiting = { entry, cargo, stored: false, flying: false, gone: false };
      fresh.push({ waiting, record: { entry, payload } });
      ledger.add(waiting);
      events.accepted(entry.sink, entry.severity);
    }
    if (fresh.length === 0) return;
    // The store hears of them before it can hear of anything that happens to them.
    const written = degraded === undefined ? store.put(fresh.map(({ record }) => record)) : undefined;
    for (const { waiting } of fresh) lanes.get(waiting.entry.sink)?.add(waiting);
    keepBounds();
    for (const sink of new Set(fresh.map(({ waiting }) => waiting.entry.sink))) lanes.get(sink)?.pump();
    if (!written) return;
    try {
      await written;
      for (const { waiting } of fresh) ledger.markStored(waiting);
    } catch (error) {
      storeFailed(error);
      keepBounds();
    }
  }

  function knownSink(sink: string): string {
    if (!lanes.has(sink)) throw new Error(`there is no sink ${sink}`);
    return sink;
  }

  function accept(finding: Finding, to: readonly (string | Addressee)[]): Promise<void> {
    const now = clock.now();
    return take(
      to.map((each) => {
        const { sink, hold }: Addressee = typeof each === 'string' ? { sink: each } : each;
        const id = deliveryId(finding.id, finding.revision, knownSink(sink));
        const entry = {
          id,
          sink,
          severity: finding.severity,
          order_key: hold?.key ?? finding.id,
          accepted_ms: now,
          ...(hold ? { hold } : {}),
        };
        return { cargo: { id, sink, finding }, entry };
      }),
    );
  }

  function plain(cargo: Cargo, severity: Severity, order_key: string) {
    knownSink(cargo.sink);
    return {
      cargo,
      entry: { id: cargo.id, sink: cargo.sink, severity, order_key, accepted_ms: clock.now() },
    };
  }

  async function start(): Promise<void> {
    const left = await store.open();
    const units = new Map<string, Waiting[]>();
    const orphans: string[] = [];
    for (const entry of left) {
      const lane = lanes.get(entry.sink);
      if (!lane) {
        orphans.push(entry.id);
        continue;
      }
      const waiting: Waiting = { entry, cargo: undefined, stored: true, flying: false, gone: false };
      ledger.add(waiting);
      // A unit stands in its chains where its first member does.
      const unit = entry.unit === undefined ? undefined : units.get(entry.unit);
      if (unit) unit.push(waiting);
      else if (entry.unit !== undefined) units.set(entry.unit, [waiting]);
      else lane.add(waiting);
    }
    for (const [unit, members] of units) lanes.get(members[0]!.entry.sink)?.addUnit(unit, members);
    if (orphans.length > 0) await buryOrphans(orphans, left);
    for (const [sink, lane] of lanes) if (lane.waiting > 0) events.recovered(sink, lane.waiting);
    keepBounds();
    for (const lane of lanes.values()) lane.pump();
    tend();
  }

  async function buryOrphans(ids: string[], left: SpoolEntry[]): Promise<void> {
    const gone = new Set(ids);
    for (const { id, sink } of left) {
      if (gone.has(id)) events.dead(sink, 'sink_removed', id, 'the configuration has no such sink any more');
    }
    await store.bury(ids, 'sink_removed', '', clock.now()).catch(storeFailed);
  }

  /** Ages, and a store that may work again. */
  function tend(): void {
    cancelTend = clock.after(tendMs, tend);
    for (const lane of lanes.values()) {
      lane.expire();
      lane.pump();
    }
    if (degraded !== undefined) void recoverStore();
    else void store.prune(deadLetters.max, clock.now() - deadLetters.max_age_ms).catch(storeFailed);
  }

  async function recoverStore(): Promise<void> {
    const members = ledger.unstored();
    const ids = [...owed];
    try {
      await store.put(members.map(({ entry, cargo }) => ({ entry, payload: JSON.stringify(cargo) })));
      await store.remove([...ids, ...members.filter((member) => member.gone).map(({ entry }) => entry.id)]);
    } catch {
      return;
    }
    degraded = undefined;
    for (const id of ids) owed.delete(id);
    for (const member of members) ledger.markStored(member);
    events.storeRecovered(members.length);
    if (owed.size > 0) {
      forget([...owed]);
      owed.clear();
    }
  }

  async function drainNow(deadlineMs: number): Promise<{ delivered: number; left: number }> {
    const until = clock.now() + deadlineMs;
    const before = deliveredSoFar();
    cancelTend?.();
    for (const lane of lanes.values()) lane.flush();
    await new Promise<void>((resolve) => {
      const cancel = clock.after(deadlineMs, resolve);
      onQuiet = () => {
        if (![...lanes.values()].every((lane) => lane.idleUntil(until))) return;
        cancel();
        resolve();
      };
      onQuiet();
    });
    onQuiet = undefined;
    await Promise.all([...lanes.values()].map((lane) => lane.stop()));
    if (degraded !== undefined) await recoverStore();
    await Promise.all([store.close(), ...options.sinks.map((sink) => sink.close())]);
    return { delivered: deliveredSoFar() - before, left: ledger.count };
  }

  function deliveredSoFar(): number {
    return [...tallies.values()].reduce((sum, tally) => sum + tally.delivered, 0);
  }

  function status(): DelivererStatus {
    const oldest = ledger.oldest();
    return {
      sinks: [...lanes.values()].map((lane) => {
        const { gate, sink } = lane;
        const until = gate.until_ms;
        return {
          name: sink.name,
          type: sink.type,
          state: gate.state,
          ...(gate.detail === '' ? {} : { detail: gate.detail }),
          ...(until === undefined || !Number.isFinite(until) ? {} : { until: new Date(until).toISOString() }),
          waiting: lane.waiting,
          in_flight: lane.inFlight,
          attempts: lane.attempts,
          ...tallyOf(sink.name),
          ...(lane.lastError === undefined ? {} : { last_error: lane.lastError }),
        };
      }),
      spool: {
        durable: store.durable,
        ...(degraded === undefined ? {} : { degraded }),
        waiting: ledger.count,
        bytes: ledger.bytes,
        max_deliveries: bounds.max_deliveries,
        max_bytes: bounds.max_bytes,
        ...(oldest === undefined ? {} : { oldest: new Date(oldest).toISOString() }),
      },
    };
  }

  const admin: DelivererAdmin = {
    store,
    waiting(limit) {
      const entries: SpoolEntry[] = [];
      for (const { entry } of ledger.all()) {
        if (entries.length >= limit) break;
        entries.push(entry);
      }
      return entries;
    },
    async payload(id) {
      const cargo = ledger.get(id)?.cargo;
      return cargo ? JSON.stringify(cargo) : (await store.read([id])).get(id);
    },
    async revive(ids) {
      const revived = await store.revive(ids.filter((id) => !ledger.has(id)));
      for (const entry of revived) {
        const lane = lanes.get(entry.sink);
        if (!lane) continue;
        const waiting: Waiting = { entry, cargo: undefined, stored: true, flying: false, gone: false };
        ledger.add(waiting);
        lane.add(waiting);
        lane.pump();
      }
      keepBounds();
      return revived.length;
    },
    async drop(ids) {
      let dropped = 0;
      for (const id of ids) {
        const waiting = ledger.get(id);
        // What is under way may have arrived; it cannot be taken back.
        if (!waiting || waiting.flying) continue;
        shed(waiting, 'dropped_by_operator');
        dropped += 1;
      }
      return dropped + (await store.dropDead(ids));
    },
    unblock(sink) {
      const lane = lanes.get(sink);
      if (!lane) return false;
      lane.unblock();
      events.sinkState(sink, 'flowing', 'unblocked by the operator');
      return true;
    },
  };

  return {
    start,
    accept,
    notify: (notice, to) =>
      take(
        to.map((sink) => {
          const id = deliveryId(`${notice.id}:${notice.state}`, 1, sink);
          return plain({ id, sink, notice }, notice.severity, notice.id);
        }),
      ),
    relay: (id, body, content_type, to) =>
      take(
        to.map((sink) => {
          const cargo = {
            id: digestId('relay', id, sink),
            sink,
            relay: { body_base64: body.toString('base64'), content_type },
          };
          return plain(cargo, 'info', cargo.id);
        }),
      ),
    drain: (deadlineMs) => (draining ??= drainNow(deadlineMs)),
    status,
    admin,
  };
}

function idsOf(members: readonly Waiting[]): string[] {
  return members.map((member) => member.entry.id);
}
