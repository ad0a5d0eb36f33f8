import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { durableStore } from '../../../src/deliver/store/durable.ts';
import { openSqlite } from '../../../src/deliver/store/sqlite.ts';
import { advanceUntil } from '../../support/clock.ts';
import { aDeliverer, delivered, scriptedSink } from '../../support/deliver.ts';
import { aFinding, findings } from '../../support/finding.ts';
import { aRecord, temporaryDirectory } from '../../support/spool.ts';

describe('the file of the store', () => {
  it('is readable by its owner only, and by any SQLite client while it is in use', async () => {
    const directory = join(temporaryDirectory(), 'state');
    const store = durableStore(directory);
    await store.open();
    await store.put([aRecord('a')]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'lanner.db')).mode & 0o777).toBe(0o600);
    const client = new Database(join(directory, 'lanner.db'));
    expect(client.prepare('SELECT id FROM deliveries').pluck().all()).toEqual(['a']);
    client.close();
    await store.close();
  });

  it('belongs to one process: a second one hears who has it, and may take it when the first has ended', async () => {
    const directory = temporaryDirectory();
    const first = durableStore(directory);
    await first.open();
    const second = durableStore(directory);
    await expect(second.open()).rejects.toMatchObject({
      code: 'store_locked',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await first.close();
    expect((await second.open()).entries).toEqual([]);
    await second.close();
  });

  it.each([
    ['before anything is written', false],
    ['once something is', true],
  ])('is locked against another process as well, %s', async (_when, isWritten) => {
    const directory = temporaryDirectory();
    const store = durableStore(directory);
    await store.open();
    if (isWritten) await store.put([aRecord('a')]);
    const script = `import { durableStore } from ${JSON.stringify(new URL('../../../dist/deliver/store/durable.js', import.meta.url).href)};
      const store = durableStore(${JSON.stringify(directory)});
      await store.open().then(() => console.log('opened'), (error) => console.log(error.code));
      await store.close();`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout.trim()).toBe('store_locked');
    // A client that knows the thread's lock only.
    if (isWritten) expect(() => openSqlite(directory)).toThrow(/is used by another Lanner \(process \d+\)/);
    await store.close();
  });

  it.each([
    ['is no database', () => Buffer.from('not a database at all '.repeat(500))],
    [
      'has a damaged page',
      (good: Buffer) =>
        Buffer.concat([good.subarray(0, 4096), Buffer.alloc(4096, 0xff), good.subarray(8192)]),
    ],
    ['is cut off', (good: Buffer) => good.subarray(0, 5000)],
  ])('that %s is set aside, and a new one begun', async (_what, damage) => {
    const directory = temporaryDirectory();
    const file = join(directory, 'lanner.db');
    const store = durableStore(directory);
    await store.open();
    await store.put(Array.from({ length: 50 }, (_, index) => aRecord(`d-${index}`)));
    await store.close();
    const damaged = damage(readFileSync(file));
    writeFileSync(file, damaged);
    const again = durableStore(directory);
    const { set_aside } = await again.open();
    expect(set_aside).toMatchObject({
      why: 'unreadable',
      path: expect.stringMatching(/lanner\.db\.unreadable-/),
    });
    expect(readFileSync(set_aside?.path ?? '')).toEqual(damaged);
    await again.put([aRecord('new')]);
    await again.close();
  });
});

describe('the size of the file', () => {
  it('shrinks again after a backlog has gone', () => {
    const directory = temporaryDirectory();
    const store = openSqlite(directory);
    const records = Array.from({ length: 4_000 }, (_, index) => ({
      ...aRecord(`d-${index}`),
      payload: 'x'.repeat(4_000),
    }));
    store.apply([{ op: 'put', records }]);
    store.apply([{ op: 'remove', ids: records.map(({ entry }) => entry.id) }]);
    const pages = () => {
      const client = new Database(join(directory, 'lanner.db'));
      const [row] = client.pragma('page_count') as { page_count: number }[];
      client.close();
      return row!.page_count;
    };
    const before = pages();
    for (let i = 0; i < 10; i++) store.apply([{ op: 'prune', max_letters: 10, before_ms: 0 }]);
    expect(before).toBeGreaterThan(4_000);
    expect(pages()).toBeLessThan(1_200);
    store.apply([{ op: 'put', records: [aRecord('after')] }]);
    expect(store.entries().map((entry) => entry.id)).toEqual(['after']);
    store.close();
  });
});

describe('delivery over a durable store', () => {
  it('goes on after a restart where it was, in order, with the same ids and batches', async () => {
    const directory = temporaryDirectory();
    const batch = { max_count: 3, max_bytes: 1e6, max_wait_ms: 10_000 };
    const down = aDeliverer(
      (c) => [
        scriptedSink('a', c, () => ({ kind: 'retry', reason: 'server_error' }), { batch, concurrency: 1 }),
      ],
      { store: durableStore(directory) },
    );
    await down.deliverer.start();
    for (const finding of findings(7)) await down.deliverer.accept(finding, ['a']);
    await down.clock.advance(1);
    const [first] = down.sinks[0].asked;
    expect(first?.parcel).toMatchObject({ batch: { length: 3 } });
    expect((await down.deliverer.drain(0)).left).toBe(7);

    const up = aDeliverer((c) => [scriptedSink('a', c, () => delivered, { batch })], {
      store: durableStore(directory),
    });
    await up.deliverer.start();
    expect(up.recorded.of('recovered').map(({ args }) => args)).toEqual([['a', 7]]);
    expect(await up.deliverer.drain(5_000)).toEqual({ delivered: 7, left: 0 });
    const [again] = up.sinks[0].asked;
    expect(again?.parcel).toEqual(first?.parcel);
    const rest = up.sinks[0].asked
      .slice(1)
      .flatMap(({ parcel }) => ('batch' in parcel ? parcel.batch : [parcel]));
    expect(rest.map(({ id }) => id)).toEqual(['f-3:1:a', 'f-4:1:a', 'f-5:1:a', 'f-6:1:a']);

    const last = aDeliverer((c) => [scriptedSink('a', c)], { store: durableStore(directory) });
    await last.deliverer.start();
    expect(await last.deliverer.drain(0)).toEqual({ delivered: 0, left: 0 });
  });

  it('keeps what memory has no room for on disk only', async () => {
    const { deliverer, clock, sinks } = aDeliverer((c) => [scriptedSink('a', c)], {
      store: durableStore(temporaryDirectory()),
      bounds: { cache_bytes: 0 },
    });
    await deliverer.start();
    for (const finding of findings(20)) await deliverer.accept(finding, ['a']);
    expect(await deliverer.drain(5_000)).toMatchObject({ left: 0 });
    await clock.advance(0);
    expect(new Set(sinks[0].arrived).size).toBe(20);
  });

  it('that a sink is gone for become dead letters with the reason', async () => {
    const directory = temporaryDirectory();
    const before = aDeliverer((c) => [scriptedSink('old', c, () => ({ kind: 'retry', reason: 'timeout' }))], {
      store: durableStore(directory),
    });
    await before.deliverer.start();
    await before.deliverer.accept(aFinding(), ['old']);
    await before.deliverer.drain(0);
    const after = aDeliverer((c) => [scriptedSink('new', c)], { store: durableStore(directory) });
    await after.deliverer.start();
    expect(await after.deliverer.admin.deadLetters(5)).toMatchObject([
      { reason: 'sink_removed', entry: { sink: 'old' } },
    ]);
    await after.deliverer.drain(0);
  });

  it('with a full disk goes on in memory, says so once, sheds by severity, and catches up', async () => {
    const directory = temporaryDirectory();
    let well = false;
    const { deliverer, clock, recorded, sinks } = aDeliverer(
      (c) => [scriptedSink('a', c, () => (well ? delivered : { kind: 'rejected', reason: 'unauthorized' }))],
      { store: durableStore(directory, { max_pages: 30 }), bounds: { max_memory_bytes: 40_000 } },
    );
    await deliverer.start();
    for (const [index, finding] of findings(60).entries()) {
      await deliverer.accept({ ...finding, severity: index % 2 === 0 ? 'low' : 'high' }, ['a']);
    }
    expect(recorded.of('storeDegraded')).toHaveLength(1);
    expect(String(recorded.of('storeDegraded')[0]?.args[0])).toMatch(/SQLITE_FULL/);
    expect(deliverer.status().spool.degraded).toMatch(/SQLITE_FULL/);
    const shed = recorded.of('shed').map(({ args }) => args);
    expect(shed.length).toBeGreaterThan(0);
    expect(new Set(shed.map(([, reason, severity]) => `${reason} ${severity}`))).toEqual(
      new Set(['memory_full low']),
    );

    well = true;
    // Once deliveries have left, the pages they had are free again.
    await advanceUntil(clock, 10_000, () => deliverer.status().spool.degraded === undefined);
    expect(deliverer.status().spool.degraded).toBeUndefined();
    expect(recorded.of('storeRecovered')).toHaveLength(1);
    expect(sinks[0].arrived).toHaveLength(60 - shed.length);
    expect(await deliverer.drain(1_000)).toMatchObject({ left: 0 });

    const after = aDeliverer((c) => [scriptedSink('a', c)], { store: durableStore(directory) });
    await after.deliverer.start();
    expect(after.deliverer.status().spool.waiting).toBe(0);
    await after.deliverer.drain(0);
  });

  it('starts in memory where the directory cannot be made, and moves to disk when it can', async () => {
    const parent = temporaryDirectory();
    const blocked = join(parent, 'state');
    writeFileSync(blocked, 'a file stands where the directory should');
    const { deliverer, clock, recorded } = aDeliverer(
      (c) => [scriptedSink('a', c, () => ({ kind: 'rejected', reason: 'unauthorized' }))],
      { store: durableStore(blocked) },
    );
    await deliverer.start();
    await deliverer.accept(aFinding(), ['a']);
    expect(deliverer.status().spool.degraded).toMatch(/EEXIST|ENOTDIR/);
    execFileSync('rm', [blocked]);
    await advanceUntil(clock, 10_000, () => recorded.of('storeRecovered').length > 0);
    expect(recorded.of('storeRecovered').map(({ args }) => args)).toEqual([[1]]);
    await deliverer.drain(0);
    expect(existsSync(join(blocked, 'lanner.db'))).toBe(true);
    const after = durableStore(blocked);
    expect((await after.open()).entries.map((entry) => entry.id)).toEqual(['f-1a2b3c:1:a']);
    await after.close();
    expect(readdirSync(blocked).some((name) => name.includes('unreadable'))).toBe(false);
  });
});
