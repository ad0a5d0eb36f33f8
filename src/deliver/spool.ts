import type { Clock } from '../lib/clock.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { DeadReason, DeliverEvents } from '../model/delivery.ts';
import type { Cargo, Ledger, Waiting } from './ledger.ts';
import type {
  DeadLetter,
  DeliveryStore,
  Opened,
  SetAside,
  SpoolEntry,
  SpoolRecord,
} from './store/contract.ts';

/** Dead letters kept. */
const deadLetters = { max: 10_000, max_age_ms: 30 * 86_400_000 };
/** Dead letters that wait in memory for a store that works again. */
const owedDead = 1_000;

/**
 * The ledger in memory and the store on disk, held together. Everything that happens to a delivery is told to
 * both. A store that fails does not stop delivery: from then on the ledger is all there is (its bound on
 * memory holds), the trouble is told once, and what happened meanwhile is told to the store when it works
 * again.
 */
export interface Spool {
  readonly durable: boolean;
  readonly degraded: string | undefined;
  /** What a former run left and the ledger does not know yet. Rejects only with what waiting cannot mend. */
  open(): Promise<SpoolEntry[]>;
  /** Fulfilled when the records are on disk, or as safe as they can be. They stand in the ledger already. */
  put(fresh: readonly { waiting: Waiting; record: SpoolRecord }[]): Promise<void>;
  /** The payloads of these; from memory where it has them. Rejects if the store fails. */
  cargos(members: readonly Waiting[]): Promise<Map<string, Cargo>>;
  compose(unit: string | undefined, members: readonly Waiting[]): Promise<void>;
  attempted(members: readonly Waiting[]): void;
  /** Takes them out of ledger and store. */
  remove(members: readonly Waiting[]): void;
  bury(members: readonly Waiting[], reason: DeadReason, detail: string): void;
  buryUnknown(ids: readonly string[], reason: DeadReason): void;
  /** Looks after dead letters, and tries a store that failed again; answers what it found there. */
  tend(): Promise<SpoolEntry[]>;
  payload(id: string): Promise<string | undefined>;
  deadLetters(limit: number): Promise<DeadLetter[]>;
  revive(ids: readonly string[]): Promise<SpoolEntry[]>;
  dropDead(ids: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

/** What the store has not been told yet. */
type Owed =
  | { kind: 'remove' }
  | { kind: 'bury'; record?: SpoolRecord; reason: DeadReason; detail: string; at_ms: number };

export function openSpool(store: DeliveryStore, ledger: Ledger, clock: Clock, events: DeliverEvents): Spool {
  let degraded: string | undefined;
  let needsOpen = true;
  let tending = false;
  const owed = new Map<string, Owed>();
  /** In a store that was opened late, and nobody has been told of it. */
  const foundLater: SpoolEntry[] = [];

  function failed(error: unknown): void {
    if (degraded !== undefined) return;
    degraded = messageOf(error);
    events.storeDegraded(degraded);
  }

  async function open(): Promise<SpoolEntry[]> {
    try {
      return await openStore();
    } catch (error) {
      if (error instanceof LannerError) throw error;
      failed(error);
      return [];
    }
  }

  async function openStore(): Promise<SpoolEntry[]> {
    const opened = await store.open();
    needsOpen = false;
    opened.later?.then(
      (then) => foundLater.push(...foundIn(then)),
      () => {
        needsOpen = true;
      },
    );
    return foundIn(opened);
  }

  function foundIn({ entries, set_aside }: Opened): SpoolEntry[] {
    if (set_aside !== undefined) events.storeSetAside(set_aside.path, asideText(set_aside));
    return entries.filter((entry) => !ledger.has(entry.id) && !owed.has(entry.id));
  }

  function put(fresh: readonly { waiting: Waiting; record: SpoolRecord }[]): Promise<void> {
    if (degraded !== undefined) return Promise.resolve();
    return store.put(fresh.map(({ record }) => record)).then(() => {
      for (const { waiting } of fresh) ledger.markStored(waiting);
    }, failed);
  }

  /** Tells the store, or keeps in mind what to tell it. */
  function tell(
    ids: readonly string[],
    call: () => Promise<unknown>,
    otherwise: (id: string) => Owed | undefined,
  ): void {
    const keep = () => {
      for (const id of ids) {
        const owe = otherwise(id);
        if (owe) owed.set(id, owe);
      }
    };
    if (degraded !== undefined) {
      keep();
      return;
    }
    call().catch((error) => {
      keep();
      failed(error);
    });
  }

  function bury(members: readonly Waiting[], reason: DeadReason, detail: string): void {
    const at_ms = clock.now();
    const byId = new Map(members.map((member) => [member.entry.id, member]));
    for (const member of members) ledger.remove(member);
    tell(
      [...byId.keys()],
      () => store.bury([...byId.keys()], reason, detail, at_ms),
      (id) => {
        const { entry, cargo, stored } = byId.get(id)!;
        const record = stored || !cargo ? {} : { record: { entry, payload: JSON.stringify(cargo) } };
        return owed.size < owedDead || stored
          ? { kind: 'bury', ...record, reason, detail, at_ms }
          : undefined;
      },
    );
  }

  /** Tells the store what it missed; false if it had missed nothing. Throws if the store still fails. */
  async function catchUpOnce(): Promise<boolean> {
    const members = ledger.unstored();
    const debts = [...owed];
    if (members.length === 0 && debts.length === 0) return false;
    // Removed first: on a full disk that makes room for the rest.
    const removed = debts.filter(([, debt]) => debt.kind === 'remove').map(([id]) => id);
    await store.remove(removed);
    const records = members.map(({ entry, cargo }) => ({ entry, payload: JSON.stringify(cargo) }));
    for (const [, debt] of debts) if (debt.kind === 'bury' && debt.record) records.push(debt.record);
    await store.put(records);
    for (const [id, debt] of debts) {
      if (debt.kind === 'bury') await store.bury([id], debt.reason, debt.detail, debt.at_ms);
    }
    for (const [id, debt] of debts) if (owed.get(id) === debt) owed.delete(id);
    for (const member of members) ledger.markStored(member);
    return true;
  }

  async function catchUp(): Promise<void> {
    const written = ledger.unstored().length;
    // Something has to be written, or nobody knows whether it works.
    await store.compose(undefined, []);
    for (let round = 0; round < 3; round++) if (!(await catchUpOnce())) break;
    degraded = undefined;
    events.storeRecovered(written);
    // What came during the last round: told in the order of the store's calls, so before anything that follows.
    const rest = ledger.unstored();
    void put(
      rest.map((waiting) => ({
        waiting,
        record: { entry: waiting.entry, payload: JSON.stringify(waiting.cargo) },
      })),
    );
    const debts = [...owed];
    owed.clear();
    for (const [id, debt] of debts)
      tell(
        [id],
        () => pay(id, debt),
        () => debt,
      );
  }

  function pay(id: string, debt: Owed): Promise<unknown> {
    if (debt.kind === 'remove') return store.remove([id]);
    const put = debt.record ? store.put([debt.record]) : Promise.resolve();
    return Promise.all([put, store.bury([id], debt.reason, debt.detail, debt.at_ms)]);
  }

  async function recover(): Promise<SpoolEntry[]> {
    try {
      const found = needsOpen ? await openStore() : [];
      await catchUp();
      return found;
    } catch {
      // Told when it began; a store whose thread has died is opened anew.
      needsOpen = true;
      return [];
    }
  }

  return {
    durable: store.durable,
    get degraded() {
      return degraded;
    },
    open,
    put,
    async cargos(members) {
      const missing = members.filter((member) => !member.cargo).map((member) => member.entry.id);
      const read = missing.length === 0 ? new Map<string, string>() : await store.read(missing);
      const cargos = new Map<string, Cargo>();
      for (const { entry, cargo } of members) {
        const text = read.get(entry.id);
        if (cargo) cargos.set(entry.id, cargo);
        else if (text !== undefined) cargos.set(entry.id, JSON.parse(text) as Cargo);
      }
      return cargos;
    },
    async compose(unit, members) {
      if (degraded !== undefined) return;
      await store.compose(unit, idsOf(members)).catch(failed);
    },
    attempted(members) {
      if (degraded === undefined) void store.attempted(idsOf(members)).catch(failed);
    },
    remove(members) {
      for (const member of members) ledger.remove(member);
      const ids = idsOf(members);
      tell(
        ids,
        () => store.remove(ids),
        () => ({ kind: 'remove' }),
      );
    },
    bury,
    buryUnknown(ids, reason) {
      void store.bury(ids, reason, '', clock.now()).catch(failed);
    },
    async tend() {
      if (tending) return [];
      tending = true;
      try {
        if (degraded !== undefined) return await recover();
        await store.prune(deadLetters.max, clock.now() - deadLetters.max_age_ms).catch(failed);
        return foundLater.splice(0).filter(({ id }) => !ledger.has(id));
      } finally {
        tending = false;
      }
    },
    async payload(id) {
      const cargo = ledger.get(id)?.cargo;
      return cargo ? JSON.stringify(cargo) : (await store.read([id])).get(id);
    },
    deadLetters: (limit) => store.deadLetters(limit),
    revive: (ids) => store.revive(ids.filter((id) => !ledger.has(id))),
    dropDead: (ids) => store.dropDead(ids),
    async close() {
      if (degraded !== undefined) await recover();
      await store.close();
    },
  };
}

function idsOf(members: readonly Waiting[]): string[] {
  return members.map((member) => member.entry.id);
}

/** What an operator is told of a file that was set aside. */
function asideText(aside: SetAside): string {
  if (aside.why === 'newer')
    return `a newer Lanner wrote it (version ${aside.version}); what waits in it is delivered when that one is started on it again`;
  const { deliveries, dead_letters, findings, misses } = aside.salvaged;
  return `it is damaged; taken over from it: ${deliveries} deliveries, ${dead_letters} dead letters, ${findings} findings and ${misses} missed execs of the history`;
}
