import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type {
  Addressee,
  DeliverEvents,
  DelivererStatus,
  Notice,
  Outcome,
  ShedReason,
  Sink,
  SinkConduct,
} from '../model/delivery.ts';
import type { Finding, Severity } from '../model/finding.ts';
import { textOf } from '../model/finding-text.ts';
import type { Log } from '../telemetry/log.ts';
import { deliveryId, digestId } from './delivery-id.ts';
import { jsonOf, Kept, waitingFor } from './kept.ts';
import { type Lane, type LaneHost, openLane } from './lane.ts';
import { type Cargo, defaultBounds, openLedger, type SpoolBounds, type Waiting } from './ledger.ts';
import { defaultConduct } from './sinks/conduct.ts';
import { openSpool } from './spool.ts';
import { openSpoolAdmin, type SpoolAdmin } from './spool-admin.ts';
import { statusOf, type Tally } from './status.ts';
import type { DeliveryStore, SpoolEntry, SpoolRecord } from './store/contract.ts';
import { parcelOf, sampleMembers, type Unit } from './unit.ts';

/** How often ages are looked at and a store that failed is tried again. */
const tendMs = 10_000;

/** What a deliverer works with. It closes sinks and store when it has drained. */
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

/** How the sinks of a new configuration differ. The former instance of a replaced or removed sink is closed. */
export interface SinkChanges {
  added: readonly Sink[];
  replaced: readonly Sink[];
  removed: readonly string[];
}

/** Delivers what it accepts, however long the receivers take. */
export interface Deliverer {
  /**
   * Takes back what a former run left; called once, before anything is accepted. Rejects with a LannerError if
   * the store is another's or of a newer version; any other trouble of the store is told to `events`, and
   * deliveries are kept in memory until it is over.
   */
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
  /**
   * Takes effect at once. Sinks that are not named keep their lanes, retries and attempts; what waits for a replaced
   * one goes to the new instance, what waits for a removed one becomes a dead letter.
   */
  reconfigure(sinks: SinkChanges, bounds?: Partial<SpoolBounds>): void;
  status(): DelivererStatus;
  readonly admin: SpoolAdmin;
}

/** Deaths that no receiver is the cause of. */
const ownDeaths = {
  expired: ['expired', 'older than the sink keeps deliveries'],
  sink_removed: ['sink_removed', 'its sink was removed from the configuration while it was under way'],
} as const;

/** `json`: the finding as JSON in UTF-8. */
type Coming = {
  cargo: Cargo;
  json: Buffer | undefined;
  /** Its bytes are known when its payload is made. */
  entry: SpoolEntry;
};

/** Touches nothing before `start`: `check` opens one to see that everything fits. */
export function openDeliverer(options: DelivererOptions): Deliverer {
  const { clock, events } = options;
  let bounds: SpoolBounds = { ...defaultBounds, ...options.bounds };
  const ledger = openLedger(() => bounds.cache_bytes);
  const spool = openSpool(options.store, ledger, clock, events);
  const lanes = new Map<string, Lane>();
  const tallies = new Map<string, Tally>();
  /** Lanes of removed sinks with an attempt under way, and former sinks that are to be closed after theirs. */
  const leaving = new Set<Lane>();
  const closing = new Set<Promise<void>>();
  let cancelTend: (() => void) | undefined;
  let draining: Promise<{ delivered: number; left: number }> | undefined;
  let onSettled: (() => void) | undefined;

  const host: LaneHost = {
    clock,
    random: options.random,
    attempt,
    composed: (unit) => spool.compose(unit.id, unit.members),
    dissolved: (members) => void spool.compose(undefined, members),
    delivered(sink, _unit, members) {
      let oldest = Number.POSITIVE_INFINITY;
      for (const { entry } of members) oldest = Math.min(oldest, entry.accepted_ms);
      tallyOf(sink.name).delivered += members.length;
      spool.remove(members);
      events.delivered(sink.name, members.length, clock.now() - oldest);
    },
    failed(_unit, members) {
      for (const member of members) member.entry.attempts += 1;
      spool.attempted(members);
    },
    dead(member, why) {
      const [reason, detail] = typeof why === 'string' ? ownDeaths[why] : [why.reason, why.detail ?? ''];
      const { id, sink } = member.entry;
      tallyOf(sink).dead += 1;
      spool.bury([member], reason, detail);
      events.dead(sink, reason, id, detail);
    },
    stateChanged: (sink, state, detail) => events.sinkState(sink.name, state, detail),
    settled: () => onSettled?.(),
  };

  for (const sink of options.sinks) add(sink);

  function add(sink: Sink): void {
    lanes.set(sink.name, openLane(sink, conductOf(sink), host));
  }

  function replace(sink: Sink): void {
    const lane = lanes.get(sink.name);
    if (lane !== undefined) close(lane.sink, lane.replace(sink, conductOf(sink)));
    else add(sink);
  }

  function remove(name: string): void {
    const lane = lanes.get(name);
    if (lane === undefined) return;
    lanes.delete(name);
    leaving.add(lane);
    const orphans = [...ledger.all()].filter(({ entry, flying }) => entry.sink === name && !flying);
    const retired = lane.retire();
    spool.bury(orphans, 'sink_removed', '');
    for (const orphan of orphans) lane.removed(orphan);
    tallyOf(name).dead += orphans.length;
    events.sinkRemoved(name, orphans.length);
    close(
      lane.sink,
      retired.finally(() => leaving.delete(lane)),
    );
  }

  function close(sink: Sink, when: Promise<void>): void {
    const closed = when
      .then(() => sink.close())
      .catch((error: unknown) =>
        options.log.warn('a former sink did not close', { sink: sink.name, reason: messageOf(error) }),
      )
      .finally(() => closing.delete(closed));
    closing.add(closed);
  }

  function tallyOf(sink: string): Tally {
    const tally = tallies.get(sink) ?? { delivered: 0, dead: 0, shed: 0 };
    tallies.set(sink, tally);
    return tally;
  }

  function attempt(
    sink: Sink,
    unit: Unit,
    members: Waiting[],
    signal: AbortSignal,
    ended: (outcome: Outcome) => void,
  ): void {
    const began = clock.now();
    const end = (outcome: Outcome) => {
      events.attempted(sink.name, outcome, clock.now() - began);
      ended(outcome);
    };
    send(sink, unit, members, signal).then(end, (error) => {
      // A sink throws only on a bug, and a bug must not cost the finding: it is kept as a dead letter.
      options.log.error('a sink failed in a way it must not', { sink: sink.name, error: messageOf(error) });
      end({ kind: 'rejected', reason: 'unrenderable', detail: messageOf(error) });
    });
  }

  /** Rejects as the sink does, and where the sink throws. */
  function send(sink: Sink, unit: Unit, members: Waiting[], signal: AbortSignal): Promise<Outcome> {
    const { cargo, json } = (unit.kind === 'single' ? members[0] : undefined) ?? {};
    if (cargo === undefined) return sendStored(sink, unit, members, signal);
    const { compact } = unit;
    try {
      return sink.send(cargo, signal, json === undefined ? { compact } : { compact, json: [json] });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async function sendStored(
    sink: Sink,
    unit: Unit,
    members: Waiting[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    const shown = unit.kind === 'group' ? sampleMembers(members) : members;
    let cargos: Map<string, Cargo>;
    try {
      cargos = await spool.cargos(shown);
    } catch (error) {
      return { kind: 'retry', reason: 'io_error', detail: messageOf(error) };
    }
    const parcel = parcelOf(unit, members, (id) => cargos.get(id));
    const { compact } = unit;
    const json = unit.kind === 'batch' ? jsonOf(members) : undefined;
    return sink.send(parcel, signal, json === undefined ? { compact } : { compact, json });
  }

  function shed(waiting: Waiting, reason: ShedReason): void {
    const { sink, severity } = waiting.entry;
    tallyOf(sink).shed += 1;
    spool.remove([waiting]);
    lanes.get(sink)?.removed(waiting);
    events.shed(sink, reason, severity);
  }

  function keepBounds(): void {
    for (const { waiting, reason } of ledger.victims(bounds)) shed(waiting, reason);
  }

  function take(coming: readonly Coming[]): Promise<void> {
    const fresh: { waiting: Waiting; record: SpoolRecord }[] = [];
    let isOnItsWay = false;
    for (const { cargo, json, entry } of coming) {
      const known = ledger.get(entry.id);
      if (known) {
        // The same delivery waits already; its caller waits until it is on disk as well.
        isOnItsWay ||= !known.stored;
        continue;
      }
      const record = new Kept(entry, cargo, json);
      const waiting = waitingFor(entry, cargo, json);
      fresh.push({ waiting, record });
      ledger.add(waiting);
      events.accepted(entry.sink, entry.severity);
    }
    if (fresh.length === 0 && !isOnItsWay) return Promise.resolve();
    // The store hears of them before it can hear of anything that happens to them; sending need not wait for it.
    const written = spool.put(fresh);
    for (const { waiting } of fresh) lanes.get(waiting.entry.sink)?.add(waiting);
    keepBounds();
    for (const { waiting } of fresh) lanes.get(waiting.entry.sink)?.pump();
    return written.then(() => {
      if (spool.degraded !== undefined) keepBounds();
    });
  }

  function comingFinding(finding: Finding, json: Buffer, to: string | Addressee): Coming {
    const { sink, hold }: Addressee = typeof to === 'string' ? { sink: to } : to;
    const id = deliveryId(finding.id, finding.revision, sink);
    return coming({ id, sink, finding }, finding.severity, hold?.key ?? finding.id, hold, json);
  }

  function coming(
    cargo: Cargo,
    severity: Severity,
    order_key: string,
    hold?: Addressee['hold'],
    json?: Buffer,
  ): Coming {
    const { id, sink } = cargo;
    if (!lanes.has(sink)) throw new Error(`there is no sink ${sink}`);
    const batchable = 'finding' in cargo && hold === undefined;
    const accepted_ms = clock.now();
    const entry: SpoolEntry = {
      id,
      sink,
      severity,
      order_key,
      accepted_ms,
      attempts: 0,
      bytes: 0,
      batchable,
    };
    if (hold !== undefined) entry.hold = hold;
    return { cargo, json, entry };
  }

  /** Puts what the store had into ledger and lanes. */
  function lineUp(entries: SpoolEntry[]): void {
    const units = new Map<string, Waiting[]>();
    const inOrder: (() => void)[] = [];
    const orphans: SpoolEntry[] = [];
    for (const entry of entries) {
      const lane = lanes.get(entry.sink);
      if (!lane) {
        orphans.push(entry);
        continue;
      }
      const waiting = waitingFor(entry, undefined, undefined);
      waiting.stored = true;
      ledger.add(waiting);
      const { unit } = entry;
      const members = unit === undefined ? undefined : units.get(unit);
      if (members) members.push(waiting);
      else if (unit === undefined) inOrder.push(() => lane.add(waiting));
      else {
        // A batch or group stands where its first member did.
        const begun = [waiting];
        units.set(unit, begun);
        inOrder.push(() => lane.addUnit(unit, begun));
      }
    }
    for (const add of inOrder) add();
    for (const sink of new Set(orphans.map((entry) => entry.sink)))
      events.sinkRemoved(sink, orphans.filter((entry) => entry.sink === sink).length);
    if (orphans.length > 0)
      spool.buryUnknown(
        orphans.map(({ id }) => id),
        'sink_removed',
      );
    keepBounds();
    for (const lane of lanes.values()) lane.pump();
  }

  async function start(): Promise<void> {
    recovered(await spool.open());
    tend();
  }

  function recovered(entries: SpoolEntry[]): void {
    const counts = new Map<string, number>();
    for (const { sink } of entries) counts.set(sink, (counts.get(sink) ?? 0) + 1);
    for (const [sink, count] of counts) events.recovered(sink, count);
    if (entries.length > 0) lineUp(entries);
  }

  /** Ages, and a store that may work again. */
  function tend(): void {
    cancelTend = clock.after(tendMs, tend);
    for (const lane of lanes.values()) {
      lane.expire();
      lane.pump();
    }
    void spool.tend().then(recovered);
  }

  async function drainNow(deadlineMs: number): Promise<{ delivered: number; left: number }> {
    const until = clock.now() + deadlineMs;
    const before = deliveredSoFar();
    cancelTend?.();
    for (const lane of lanes.values()) lane.flush();
    await new Promise<void>((resolve) => {
      const cancel = clock.after(deadlineMs, resolve);
      onSettled = () => {
        if (![...lanes.values()].every((lane) => lane.idleUntil(until))) return;
        cancel();
        resolve();
      };
      onSettled();
    });
    onSettled = undefined;
    await Promise.all([...lanes.values(), ...leaving].map((lane) => lane.stop()));
    await Promise.all([...lanes.values()].map((lane) => lane.sink.close()));
    await Promise.all([spool.close(), ...closing]);
    return { delivered: deliveredSoFar() - before, left: ledger.count };
  }

  function deliveredSoFar(): number {
    return [...tallies.values()].reduce((sum, tally) => sum + tally.delivered, 0);
  }

  return {
    start,
    accept(finding, to) {
      if (to.length === 0) return Promise.resolve();
      const json = Buffer.from(textOf(finding).whole);
      return take(to.map((each) => comingFinding(finding, json, each)));
    },
    notify: (notice, to) =>
      take(
        to.map((sink) => {
          const id = deliveryId(`${notice.id}:${notice.state}`, 1, sink);
          return coming({ id, sink, notice }, notice.severity, notice.id);
        }),
      ),
    relay(id, body, content_type, to) {
      const relay = { body_base64: body.toString('base64'), content_type };
      return take(
        to.map((sink) => {
          const own = digestId('relay', id, sink);
          return coming({ id: own, sink, relay }, 'info', own);
        }),
      );
    },
    drain(deadlineMs) {
      draining ??= drainNow(deadlineMs);
      return draining;
    },
    reconfigure({ added, replaced, removed }, wanted) {
      bounds = { ...bounds, ...wanted };
      for (const sink of added) add(sink);
      for (const sink of replaced) replace(sink);
      for (const name of removed) remove(name);
      keepBounds();
    },
    status: () => statusOf(lanes, tallyOf, ledger, spool, bounds),
    admin: openSpoolAdmin({
      spool,
      ledger,
      lanes,
      lineUp,
      shed: (waiting) => shed(waiting, 'dropped_by_operator'),
      unblocked: (sink) => events.sinkState(sink, 'flowing', 'unblocked by the operator'),
    }),
  };
}

function conductOf(sink: Sink): SinkConduct {
  return { ...defaultConduct, ...sink.conduct };
}
