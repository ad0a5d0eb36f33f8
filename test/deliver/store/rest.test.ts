import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { durableStore } from '../../../src/deliver/store/durable.ts';
import type { Outcome } from '../../../src/model/delivery.ts';
import { advanceUntil } from '../../support/clock.ts';
import { aDeliverer, scriptedSink } from '../../support/deliver.ts';
import { aFinding } from '../../support/finding.ts';
import { aRecord, temporaryDirectory } from '../../support/spool.ts';

const module = new URL('../../../dist/deliver/store/durable.js', import.meta.url).href;

/** Another process that opens the store, does what `work` says, and is killed. */
async function killed(directory: string, work: string): Promise<void> {
  const script = `import { durableStore } from ${JSON.stringify(module)};
    const store = durableStore(${JSON.stringify(directory)});
    const record = ${JSON.stringify(aRecord('left'))};
    await store.open();
    ${work}
    setInterval(() => {}, 1e6);
    console.log('done');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('done');
  child.kill('SIGKILL');
  await ended;
}

async function used(directory: string, work: (store: ReturnType<typeof durableStore>) => Promise<unknown>) {
  const store = durableStore(directory);
  await store.open();
  await work(store);
  await store.close();
}

/** Whether a start on this directory leaves the thread alone, and what it finds. */
async function lookAt(directory: string): Promise<{ sleeps: boolean; ids: string[] }> {
  const store = durableStore(directory);
  const { entries, later } = await store.open();
  await store.close();
  return { sleeps: later !== undefined, ids: entries.map(({ id }) => id) };
}

const refusing = (): Outcome => ({ kind: 'rejected', reason: 'unauthorized' });
const put = (id: string) => (store: ReturnType<typeof durableStore>) => store.put([aRecord(id)]);
async function putAndRemove(store: ReturnType<typeof durableStore>): Promise<void> {
  await store.put([aRecord('a')]);
  await store.remove(['a']);
}

describe('the thread of the store', () => {
  it('sleeps on a new directory, where it makes nothing but what says whose it is', async () => {
    const directory = join(temporaryDirectory(), 'state');
    const store = durableStore(directory);
    const { entries, later } = await store.open();
    expect(entries).toEqual([]);
    expect(await store.prune(10, 0)).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(['lock.sock', 'pid']);
    await store.put([aRecord('a')]);
    expect(await later).toEqual({ entries: [] });
    expect(readdirSync(directory)).toContain('lanner.db');
    await store.close();
    expect(existsSync(join(directory, 'lock.sock'))).toBe(false);
  });

  it.each([
    ['nothing was ever written', async () => {}, true],
    ['what was written is delivered', putAndRemove, true],
    ['something waits', put('a'), false],
    [
      'there is a dead letter, which must not outlive its age',
      async (store: ReturnType<typeof durableStore>) => {
        await store.put([aRecord('a')]);
        await store.bury(['a'], 'expired', '', 1);
      },
      false,
    ],
  ])('after an orderly end, %s: sleeps or not', async (_what, work, sleeps) => {
    const directory = temporaryDirectory();
    await used(directory, work);
    expect((await lookAt(directory)).sleeps).toBe(sleeps);
    // A start that only looked changes nothing for the next.
    expect((await lookAt(directory)).sleeps).toBe(sleeps);
  });

  it.each([
    ['before it wrote', '', []],
    ['while something waited', 'await store.put([record]);', ['left']],
    ['with nothing waiting', "await store.put([record]); await store.remove(['left']);", []],
  ])('wakes at once after a kill %s', async (_when, work, ids) => {
    const directory = temporaryDirectory();
    await used(directory, putAndRemove);
    await killed(directory, work);
    expect(await lookAt(directory)).toEqual({ sleeps: false, ids });
    expect((await lookAt(directory)).sleeps).toBe(ids.length === 0);
  });

  it('wakes at once where the file is not the one that was left', async () => {
    const directory = temporaryDirectory();
    await used(directory, putAndRemove);
    const client = new Database(join(directory, 'lanner.db'));
    client.exec('CREATE TABLE other (x)');
    client.close();
    expect((await lookAt(directory)).sleeps).toBe(false);
  });

  it('wakes for a question, which sees what is there', async () => {
    const directory = temporaryDirectory();
    await used(directory, (store) => store.keepHistory([aKept('f-1')], { max_bytes: 1e6, before_ms: 0 }));
    const store = durableStore(directory);
    expect((await store.open()).later).toBeInstanceOf(Promise);
    expect(JSON.parse((await store.getHistory('f-1')) ?? '')).toEqual({ id: 'f-1' });
    await store.close();
  });

  it('is told of what went wrong when it woke, as at a start', async () => {
    const directory = temporaryDirectory();
    await used(directory, putAndRemove);
    const { deliverer, recorded } = aDeliverer((c) => [scriptedSink('a', c, refusing)], {
      store: durableStore(directory),
    });
    await deliverer.start();
    writeFileSync(join(directory, 'lanner.db'), 'not a database at all '.repeat(500));
    await deliverer.accept(aFinding(), ['a']);
    expect(recorded.of('storeSetAside')).toHaveLength(1);
    expect(deliverer.status().spool.degraded).toBeUndefined();
    await deliverer.drain(0);
    expect((await lookAt(directory)).ids).toEqual(['f-1a2b3c:1:a']);
  });

  it('that cannot wake makes the store degraded, and is tried again', async () => {
    const directory = join(temporaryDirectory(), 'state');
    const { deliverer, clock, recorded } = aDeliverer((c) => [scriptedSink('a', c, refusing)], {
      store: durableStore(directory),
    });
    await deliverer.start();
    symlinkSync('/nowhere/at/all', join(directory, 'lanner.db'));
    await deliverer.accept(aFinding(), ['a']);
    expect(deliverer.status().spool.degraded).toMatch(/Unable to open/);
    rmSync(join(directory, 'lanner.db'));
    await advanceUntil(clock, 10_000, () => recorded.of('storeRecovered').length > 0);
    expect(recorded.of('storeRecovered').map(({ args }) => args)).toEqual([[1]]);
    await deliverer.drain(0);
    expect(await lookAt(directory)).toEqual({ sleeps: false, ids: ['f-1a2b3c:1:a'] });
  });
});

describe('a directory that is claimed by a socket', () => {
  it('is refused to all but one of those that start at once, after a kill too', async () => {
    const directory = temporaryDirectory();
    for (const _round of [1, 2]) {
      const stores = Array.from({ length: 6 }, () => durableStore(directory));
      const opened = await Promise.allSettled(stores.map((store) => store.open()));
      expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const one of opened)
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'store_locked' });
      await Promise.all(stores.map((store) => store.close()));
      await killed(directory, '');
    }
  });

  it('whose path is too long for a socket is kept by the lock of the thread', async () => {
    const directory = join(temporaryDirectory(), 'a'.repeat(90));
    const store = durableStore(directory);
    expect((await store.open()).later).toBeUndefined();
    await expect(durableStore(directory).open()).rejects.toMatchObject({ code: 'store_locked' });
    await store.close();
  });
});

function aKept(id: string) {
  return {
    id,
    revision: 1,
    time: '2026-11-23T00:00:00.000Z',
    kept_ms: 1_795_391_913_209,
    severity: 'high' as const,
    indicators: [],
    exceptions: [],
    hidden: false,
    sinks: [],
    payload: JSON.stringify({ id }),
  };
}
