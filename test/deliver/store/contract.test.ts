import { describe, expect, it } from 'vitest';
import type { DeliveryStore } from '../../../src/deliver/store/contract.ts';
import { durableStore } from '../../../src/deliver/store/durable.ts';
import { memoryStore } from '../../../src/deliver/store/memory.ts';
import { aRecord, temporaryDirectory } from '../../support/spool.ts';

const stores: [string, () => DeliveryStore][] = [
  ['memory', () => memoryStore()],
  ['a SQLite file', () => durableStore(temporaryDirectory())],
];

describe.each(stores)('a store in %s', (_where, make) => {
  async function opened(): Promise<DeliveryStore> {
    const store = make();
    expect((await store.open()).entries).toEqual([]);
    return store;
  }
  const ids = async (store: DeliveryStore) => (await store.open()).entries.map((entry) => entry.id);

  it('gives back what was put, in order, with every field', async () => {
    const store = await opened();
    const full = aRecord('b', {
      severity: 'low',
      order_key: 'group-1',
      hold: { key: 'group-1', kind: 'group', due_ms: 17, labels: { namespace: 'shop' } },
    });
    await store.put([aRecord('c'), full]);
    await store.put([aRecord('a', { batchable: false })]);
    expect((await store.open()).entries).toEqual([
      aRecord('c').entry,
      full.entry,
      aRecord('a', { batchable: false }).entry,
    ]);
    expect(await store.read(['b', 'nobody'])).toEqual(new Map([['b', full.payload]]));
    await store.close();
  });

  it('keeps the first of two with the same id', async () => {
    const store = await opened();
    await store.put([aRecord('a', { severity: 'low' })]);
    await store.put([aRecord('a', { severity: 'critical' })]);
    expect((await store.open()).entries.map((entry) => entry.severity)).toEqual(['low']);
    await store.close();
  });

  it('forgets what was removed and remembers compositions and attempts', async () => {
    const store = await opened();
    await store.put(['a', 'b', 'c'].map((id) => aRecord(id)));
    await Promise.all([
      store.remove(['a', 'nobody']),
      store.compose('unit-1', ['b', 'c']),
      store.attempted(['b']),
      store.attempted(['b', 'c']),
    ]);
    await store.compose(undefined, ['c']);
    expect((await store.open()).entries).toEqual([
      aRecord('b', { attempts: 2, unit: 'unit-1' }).entry,
      aRecord('c', { attempts: 1 }).entry,
    ]);
    await store.close();
  });

  it('buries, lists newest first, revives with no attempts, drops and prunes', async () => {
    const store = await opened();
    const names = ['a', 'b', 'c', 'd', 'e'];
    await store.put(names.map((id) => aRecord(id, { attempts: 3, unit: 'u' })));
    for (const [index, id] of names.entries())
      await store.bury([id], 'client_error', `HTTP 40${index}`, 1000 + index);
    expect(await ids(store)).toEqual([]);
    const letters = await store.deadLetters(2);
    expect(letters.map((letter) => [letter.entry.id, letter.reason, letter.detail, letter.died_ms])).toEqual([
      ['e', 'client_error', 'HTTP 404', 1004],
      ['d', 'client_error', 'HTTP 403', 1003],
    ]);
    expect((await store.read(['e'])).get('e')).toBe(aRecord('e').payload);

    expect(await store.revive(['e', 'nobody'])).toEqual([aRecord('e').entry]);
    expect((await store.open()).entries).toEqual([aRecord('e').entry]);
    expect(await store.dropDead(['d', 'nobody'])).toBe(1);
    expect(await store.prune(2, 0)).toBe(1);
    expect((await store.deadLetters(9)).map((letter) => letter.entry.id)).toEqual(['c', 'b']);
    expect(await store.prune(2, 1002)).toBe(1);
    expect((await store.deadLetters(9)).map((letter) => letter.entry.id)).toEqual(['c']);
    await store.close();
  });

  it('applies calls in the order they were made, awaited or not', async () => {
    const store = await opened();
    const calls = [
      store.put([aRecord('a')]),
      store.bury(['a'], 'client_error', '', 1),
      store.revive(['a']),
      store.attempted(['a']),
      store.put([aRecord('b')]),
      store.remove(['a']),
    ];
    const read = store.read(['a', 'b']);
    await Promise.all(calls);
    expect([...(await read).keys()]).toEqual(['b']);
    await store.close();
  });
});
