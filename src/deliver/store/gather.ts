import type { SpoolRecord } from './contract.ts';
import type { Change } from './sqlite.ts';

/**
 * Gathers changes on their way to the store's thread, so that those that come close together share one message
 * and one commit: a commit costs a sync of the disk, whatever is in it.
 *
 * A `put` stays a few milliseconds, whatever else goes on: most records are delivered by then, and one that is
 * removed while its `put` is still here is never written. What was delivered needs no place on disk, and its `put`
 * is fulfilled. Any other change somebody waits for goes at once if none went just before; one nobody waits for
 * waits for company.
 */
export interface Gathering {
  /** Fulfilled with what the store answers this change; for a `put` also when all its records are gone again. */
  add(change: Change, lazy: boolean): Promise<unknown>;
  /** Sends what is here: before a question that must see it. */
  flush(): void;
}

/** How long a `put` stays, and the time between two messages. */
const paceMs = 5;
/** A change nobody waits for. */
const lazyMs = 50;
const lazyMost = 512;

interface Item {
  change: Change;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** `send` hands changes to the thread, which keeps them together, and answers what each of them answers. */
export function openGathering(send: (changes: readonly Change[]) => Promise<unknown[]>): Gathering {
  let items: Item[] = [];
  /** Puts that are still here, by the ids of their records. */
  const here = new Map<string, Item>();
  let immediate: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let due = Number.POSITIVE_INFINITY;
  let sent = Number.NEGATIVE_INFINITY;

  function flush(): void {
    clearImmediate(immediate);
    clearTimeout(timer);
    [immediate, timer, due] = [undefined, undefined, Number.POSITIVE_INFINITY];
    if (items.length === 0) return;
    const batch = items;
    items = [];
    here.clear();
    sent = performance.now();
    send(batch.map(({ change }) => plain(change))).then(
      (values) => {
        for (const [index, { resolve }] of batch.entries()) resolve(values[index]);
      },
      (error) => {
        for (const { reject } of batch) reject(error);
      },
    );
  }

  function schedule({ op }: Change, lazy: boolean): void {
    if (immediate !== undefined) return;
    const now = performance.now();
    const at = lazy ? now + lazyMs : op === 'put' ? now + paceMs : sent + paceMs;
    if (at <= now || items.length >= lazyMost) immediate = setImmediate(flush);
    else if (at < due) {
      clearTimeout(timer);
      due = at;
      timer = setTimeout(flush, at - now);
    }
  }

  /** Takes back what is not written yet; gives the ids that may be. */
  function takeBack(ids: readonly string[]): readonly string[] {
    if (here.size === 0) return ids;
    const left: string[] = [];
    for (const id of ids) {
      const item = here.get(id);
      if (item === undefined) left.push(id);
      else unput(item, id);
    }
    return left;
  }

  function unput(item: Item, id: string): void {
    here.delete(id);
    const put = item.change as { op: 'put'; records: readonly SpoolRecord[] };
    item.change = { op: 'put', records: put.records.filter(({ entry }) => entry.id !== id) };
    if (put.records.length > 1) return;
    items.splice(items.indexOf(item), 1);
    item.resolve(undefined);
  }

  return {
    add(change, lazy) {
      let wanted = change;
      if (change.op === 'remove') {
        const ids = takeBack(change.ids);
        if (ids.length === 0) return Promise.resolve(0);
        wanted = { op: 'remove', ids };
        // What becomes of any other is decided where the record is.
      } else if (change.op !== 'put' && 'ids' in change) for (const id of change.ids) here.delete(id);
      return new Promise((resolve, reject) => {
        const item = { change: wanted, resolve, reject };
        items.push(item);
        if (wanted.op === 'put') for (const { entry } of wanted.records) here.set(entry.id, item);
        schedule(wanted, lazy);
      });
    },
    flush,
  };
}

/** As it crosses to the thread: payloads are made here, where they are needed. */
function plain(change: Change): Change {
  if (change.op !== 'put') return change;
  return { op: 'put', records: change.records.map(({ entry, payload }) => ({ entry, payload })) };
}
