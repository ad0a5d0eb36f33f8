import { Worker } from 'node:worker_threads';
import { LannerError } from '../../lib/errors.ts';
import type { HistoryPage, HistoryStore } from '../../model/history.ts';
import { type Claim, claimDirectory } from './claim.ts';
import type { DeadLetter, DeliveryStore, Opened, SpoolEntry } from './contract.ts';
import { openGathering } from './gather.ts';
import { isAtRest } from './rest.ts';
import type { Change, SqliteOptions } from './sqlite.ts';
import type { Answer, Request } from './worker.ts';

type Ask = Request extends infer R ? (R extends { call: number } ? Omit<R, 'call'> : never) : never;

/**
 * Deliveries in a SQLite file, written by a thread of its own so that no sync of the disk holds up the event
 * loop. A fulfilled promise means that the change is on disk (WAL, synchronous FULL), except for `remove` and
 * `attempted`: losing these costs a repeat, so they are written with a little delay. What is removed before it was
 * written is not written at all.
 *
 * The thread is not started while nothing waits: it costs 17 MB and as much CPU as a fourth of a start. The first
 * change or question starts it; until then the directory is kept by a socket (claim.ts).
 */
export function durableStore(directory: string, options: SqliteOptions = {}): DeliveryStore & HistoryStore {
  let worker: Worker | undefined;
  let claim: Claim | undefined;
  /** While the thread is not needed: opens the store when it is. */
  let wake: (() => void) | undefined;
  let calls = 0;
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();

  function startWorker(): Worker {
    // The arguments tell the thread which command it serves: young-generation.ts.
    const argv = process.argv.slice(2);
    const started = new Worker(workerUrl(), { argv, workerData: { directory, options } });
    started.on('message', (answers: Answer[]) => {
      for (const answer of answers) settle(answer);
    });
    const ended = (error?: Error) => {
      if (worker === started) worker = undefined;
      for (const call of pending.values())
        call.reject(error ?? new Error('the thread of the store has ended'));
      pending.clear();
    };
    started.on('error', ended);
    started.on('exit', () => ended());
    return started;
  }

  function settle(answer: Answer): void {
    const call = pending.get(answer.call);
    pending.delete(answer.call);
    if (!call) return;
    if ('value' in answer) call.resolve(answer.value);
    else call.reject(thrown(answer.error));
  }

  const gathering = openGathering((changes) => ask({ ask: 'changes', changes }) as Promise<unknown[]>);

  function ask(request: Ask): Promise<unknown> {
    wake?.();
    if (request.ask !== 'changes' && !request.ask.startsWith('keep_')) gathering.flush();
    return post(request);
  }

  function post(request: Ask): Promise<unknown> {
    const to = worker;
    if (!to) return Promise.reject(new Error('the store is not open'));
    calls += 1;
    const call = calls;
    return new Promise((resolve, reject) => {
      pending.set(call, { resolve, reject });
      to.postMessage({ call, ...request });
    });
  }

  async function open(): Promise<Opened> {
    wake?.();
    claim ??= worker === undefined ? await claimDirectory(directory) : undefined;
    if (worker === undefined && claim?.isStale === false && isAtRest(directory))
      return { entries: [], later: sleep() };
    try {
      worker ??= startWorker();
      const opened = (await ask({ ask: 'open' })) as Opened;
      await claim?.takeOver();
      return opened;
    } catch (error) {
      // Another has it, and is not to be in its own way.
      if (error instanceof LannerError) unclaim();
      throw error;
    }
  }

  /** Fulfilled with what is found when somebody needs the store; never, if nobody does. */
  function sleep(): Promise<Opened> {
    const later = new Promise<Opened>((resolve, reject) => {
      wake = () => {
        wake = undefined;
        worker = startWorker();
        // Before any change that is on its way to it.
        (post({ ask: 'open' }) as Promise<Opened>).then(resolve, reject);
      };
    });
    // Whoever woke it hears of the trouble from its own call.
    later.catch(() => {});
    return later;
  }

  function unclaim(): void {
    claim?.release();
    claim = undefined;
  }

  const change = (what: Change, lazy = false) => gathering.add(what, lazy);

  return {
    durable: true,
    open,
    put: async (records) => void (await change({ op: 'put', records })),
    read: async (ids) => new Map((await ask({ ask: 'read', ids })) as [string, string][]),
    compose: async (unit, ids) => void (await change({ op: 'compose', unit, ids })),
    attempted: async (ids) => void (await change({ op: 'attempted', ids }, true)),
    remove: async (ids) => void (await change({ op: 'remove', ids }, true)),
    bury: async (ids, reason, detail, at_ms) =>
      void (await change({ op: 'bury', ids, reason, detail, at_ms })),
    deadLetters: async (limit) => (await ask({ ask: 'dead_letters', limit })) as DeadLetter[],
    revive: async (ids) => (await change({ op: 'revive', ids })) as SpoolEntry[],
    // While it sleeps there are no dead letters.
    prune: async (max_letters, before_ms) =>
      wake === undefined ? ((await change({ op: 'prune', max_letters, before_ms })) as number) : 0,
    dropDead: async (ids) => (await change({ op: 'drop_dead', ids })) as number,
    keepHistory: async (records, bounds) => (await ask({ ask: 'keep_history', records, bounds })) as number,
    keepMisses: async (records, counts, bounds) =>
      (await ask({ ask: 'keep_misses', records, counts, bounds })) as number,
    labelHistory: async (id, label) => (await ask({ ask: 'label_history', id, label })) as boolean,
    queryHistory: async (filter, page) => (await ask({ ask: 'query_history', filter, page })) as HistoryPage,
    getHistory: async (id) => (await ask({ ask: 'get_history', id })) as string | undefined,
    async close() {
      const closing = worker;
      wake = undefined;
      if (closing) {
        await ask({ ask: 'close' }).catch(() => {});
        await closing.terminate();
      }
      unclaim();
    },
  };
}

/** The thread is a part of the bundle, for whoever runs from the sources (tests) too: Node 20 starts no .ts file. */
function workerUrl(): URL {
  const fromSource = import.meta.url.endsWith('.ts');
  return new URL(`../../${fromSource ? '../dist/' : ''}bundle/worker.cjs`, import.meta.url);
}

function thrown(error: { message: string; code?: string; mend?: string }): Error {
  if (error.code === undefined) return new Error(error.message);
  return new LannerError(error.code, error.message, error.mend ?? '');
}
