import { parentPort, workerData } from 'node:worker_threads';
import type { HistoryBounds, HistoryFilter, HistoryRecord, Label, MissCount } from '../../model/history.ts';
import type { Opened } from './contract.ts';
import { type Change, flatError, openSqlite, type SqliteOptions, type SqliteStore } from './sqlite.ts';

/** What the main thread asks; `call` numbers the answer. */
export type Request = { call: number } & (
  | { ask: 'open' }
  | { ask: 'changes'; changes: readonly Change[] }
  | { ask: 'read'; ids: readonly string[] }
  | { ask: 'dead_letters'; limit: number }
  | { ask: 'keep_history'; records: readonly HistoryRecord[]; bounds: HistoryBounds }
  | {
      ask: 'keep_misses';
      records: readonly HistoryRecord[];
      counts: readonly MissCount[];
      bounds: HistoryBounds;
    }
  | { ask: 'label_history'; id: string; label: Label }
  | {
      ask: 'query_history';
      filter: HistoryFilter;
      page: { newest: boolean; limit: number; from?: number };
    }
  | { ask: 'get_history'; id: string }
  | { ask: 'close' }
);
export type Answer = { call: number } & (
  | { value: unknown }
  | { error: { message: string; code?: string; mend?: string } }
);

/**
 * The thread that owns the store's file. Changes that arrive while a commit is under way are committed
 * together with the next; a question sees every change that was sent before it.
 */
function serve(directory: string, options: SqliteOptions): void {
  const port = parentPort;
  if (!port) return;
  let store: SqliteStore | undefined;
  /** Why it is not open: told to whoever asks it for something, too. */
  let trouble: unknown = new Error('the store is not open');
  let queue: { call: number; changes: readonly Change[] }[] = [];
  let immediate: NodeJS.Immediate | undefined;

  function flush(): void {
    clearImmediate(immediate);
    immediate = undefined;
    if (queue.length === 0) return;
    const batch = queue;
    queue = [];
    port?.postMessage(commit(batch));
  }

  function commit(batch: { call: number; changes: readonly Change[] }[]): Answer[] {
    try {
      const values = opened().apply(batch.flatMap(({ changes }) => changes));
      let at = 0;
      return batch.map(({ call, changes }) => {
        at += changes.length;
        return { call, value: values.slice(at - changes.length, at) };
      });
    } catch (error) {
      return batch.map(({ call }) => ({ call, error: flatError(error) }));
    }
  }

  function opened(): SqliteStore {
    if (!store) throw trouble;
    return store;
  }

  function open(): Opened {
    try {
      store ??= openSqlite(directory, options);
    } catch (error) {
      trouble = error;
      throw error;
    }
    const set_aside = store.setAside;
    return { entries: store.entries(), ...(set_aside !== undefined && { set_aside }) };
  }

  function answer(request: Exclude<Request, { ask: 'changes' }>): unknown {
    switch (request.ask) {
      case 'open':
        return open();
      case 'read':
        return opened().read(request.ids);
      case 'dead_letters':
        return opened().deadLetters(request.limit);
      case 'keep_history':
        return opened().history.keep(request.records, request.bounds);
      case 'keep_misses':
        return opened().history.keepMisses(request.records, request.counts, request.bounds);
      case 'label_history':
        return opened().history.label(request.id, request.label);
      case 'query_history':
        return opened().history.query(request.filter, request.page);
      case 'get_history':
        return opened().history.get(request.id);
      case 'close':
        store?.close();
        store = undefined;
        port?.close();
        return undefined;
    }
  }

  port.on('message', (request: Request) => {
    if (request.ask === 'changes') {
      queue.push(request);
      immediate ??= setImmediate(flush);
      return;
    }
    flush();
    try {
      port.postMessage([{ call: request.call, value: answer(request) }] satisfies Answer[]);
    } catch (error) {
      port.postMessage([{ call: request.call, error: flatError(error) }] satisfies Answer[]);
    }
  });
}

const { directory, options } = workerData as { directory: string; options: SqliteOptions };
serve(directory, options);
