import type { SpoolAdmin } from './spool-admin.ts';
import type { DeadLetter, DeliveryStore, SpoolEntry } from './store/contract.ts';

/** What `lanner spool` can do, in the running process or on the files of one that is stopped. */
export interface SpoolControl {
  list(input: { limit: number }): Promise<{ waiting: SpoolEntry[]; dead: DeadLetter[] }>;
  /** The payload as JSON text; null if there is no such delivery. */
  show(input: { id: string }): Promise<string | null>;
  /** Dead letters wait again: those named, or all (of one sink). Answers how many. */
  retry(input: Selection): Promise<number>;
  /** Takes deliveries away for good; of `all`, dead letters only. Answers how many. */
  drop(input: Selection): Promise<number>;
}

/** Which deliveries: by id, or all dead letters, of one sink or of every. */
export type Selection = { ids: string[] } | { all: true; sink?: string };

const most = 100_000;

export function controlRunning(admin: SpoolAdmin): SpoolControl {
  const idsOf = (selection: Selection) => chosenIds(selection, () => admin.deadLetters(most));
  return {
    list: async ({ limit }) => ({ waiting: admin.waiting(limit), dead: await admin.deadLetters(limit) }),
    show: async ({ id }) => (await admin.payload(id)) ?? null,
    retry: async (selection) => admin.revive(await idsOf(selection)),
    drop: async (selection) => admin.drop(await idsOf(selection)),
  };
}

/** `store` is open. */
export function controlStopped(store: DeliveryStore, waiting: readonly SpoolEntry[]): SpoolControl {
  const idsOf = (selection: Selection) => chosenIds(selection, () => store.deadLetters(most));
  return {
    list: async ({ limit }) => ({ waiting: waiting.slice(0, limit), dead: await store.deadLetters(limit) }),
    show: async ({ id }) => (await store.read([id])).get(id) ?? null,
    retry: async (selection) => (await store.revive(await idsOf(selection))).length,
    async drop(selection) {
      const ids = await idsOf(selection);
      const own = waiting.filter((entry) => ids.includes(entry.id)).map((entry) => entry.id);
      await store.remove(own);
      return own.length + (await store.dropDead(ids));
    },
  };
}

async function chosenIds(selection: Selection, dead: () => Promise<DeadLetter[]>): Promise<string[]> {
  if ('ids' in selection) return selection.ids;
  const letters = await dead();
  return letters
    .filter((letter) => selection.sink === undefined || letter.entry.sink === selection.sink)
    .map((letter) => letter.entry.id);
}
