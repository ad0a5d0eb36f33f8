import type { DeadReason } from '../../model/delivery.ts';
import type { DeadLetter, DeliveryStore, SpoolEntry, SpoolRecord } from './contract.ts';

/** Deliveries in memory: they outlive failures of receivers, not the end of the process. */
export function memoryStore(): DeliveryStore {
  const waiting = new Map<string, SpoolRecord>();
  const dead = new Map<string, DeadLetter & { payload: string }>();

  function bury(ids: readonly string[], reason: DeadReason, detail: string, died_ms: number): void {
    for (const id of ids) {
      const record = waiting.get(id);
      if (!record) continue;
      waiting.delete(id);
      const { unit: _unit, hold: _hold, ...entry } = record.entry;
      dead.set(id, { entry, payload: record.payload, reason, detail, died_ms });
    }
  }

  function revive(ids: readonly string[]): SpoolEntry[] {
    const revived: SpoolEntry[] = [];
    for (const id of ids) {
      const letter = dead.get(id);
      if (!letter) continue;
      dead.delete(id);
      const entry = { ...letter.entry, attempts: 0 };
      waiting.set(id, { entry, payload: letter.payload });
      revived.push(entry);
    }
    return revived;
  }

  function prune(max_letters: number, before_ms: number): number {
    let pruned = 0;
    for (const [id, letter] of dead) {
      if (dead.size <= max_letters && letter.died_ms >= before_ms) break;
      dead.delete(id);
      pruned += 1;
    }
    return pruned;
  }

  return {
    durable: false,
    open: async () => ({ entries: [...waiting.values()].map((record) => record.entry) }),
    async put(records) {
      for (const record of records) if (!waiting.has(record.entry.id)) waiting.set(record.entry.id, record);
    },
    async read(ids) {
      const found = ids.map((id) => [id, waiting.get(id)?.payload ?? dead.get(id)?.payload] as const);
      return new Map(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
    },
    async compose(unit, ids) {
      for (const id of ids) {
        const record = waiting.get(id);
        if (!record) continue;
        const { unit: _former, ...entry } = record.entry;
        record.entry = unit === undefined ? entry : { ...entry, unit };
      }
    },
    async attempted(ids) {
      for (const id of ids) {
        const record = waiting.get(id);
        if (record) record.entry = { ...record.entry, attempts: record.entry.attempts + 1 };
      }
    },
    async remove(ids) {
      for (const id of ids) waiting.delete(id);
    },
    bury: async (ids, reason, detail, at_ms) => bury(ids, reason, detail, at_ms),
    deadLetters: async (limit) =>
      [...dead.values()]
        .reverse()
        .slice(0, limit)
        .map(({ payload: _payload, ...letter }) => letter),
    revive: async (ids) => revive(ids),
    prune: async (max_letters, before_ms) => prune(max_letters, before_ms),
    dropDead: async (ids) => ids.filter((id) => dead.delete(id)).length,
    async close() {},
  };
}
