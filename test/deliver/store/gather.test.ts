import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openGathering } from '../../../src/deliver/store/gather.ts';
import type { Change } from '../../../src/deliver/store/sqlite.ts';
import { aRecord } from '../../support/spool.ts';

/** A thread that answers each change with its kind, or fails. */
function open(fails = false) {
  const sent: Change[][] = [];
  const gathering = openGathering(async (changes) => {
    sent.push([...changes]);
    if (fails) throw new Error('the disk is full');
    return changes.map(({ op }) => op);
  });
  const put = (...ids: string[]) =>
    gathering.add({ op: 'put', records: ids.map((id) => aRecord(id)) }, false);
  const compose = (...ids: string[]) => gathering.add({ op: 'compose', unit: 'u', ids }, false);
  const remove = (...ids: string[]) => gathering.add({ op: 'remove', ids }, true);
  const idsOf = (change: Change) =>
    change.op === 'put' ? change.records.map(({ entry }) => entry.id) : 'ids' in change ? change.ids : [];
  const told = () => sent.map((changes) => changes.map((change) => [change.op, ...idsOf(change)].join(' ')));
  return { gathering, put, compose, remove, told };
}

describe('changes on their way to the store', () => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('stay a few milliseconds where they are records, and go together', async () => {
    const { put, told } = open();
    const first = put('a');
    await vi.advanceTimersByTimeAsync(4);
    expect(told()).toEqual([]);
    const second = put('b');
    await vi.advanceTimersByTimeAsync(1);
    expect(told()).toEqual([['put a', 'put b']]);
    const third = put('c');
    await vi.advanceTimersByTimeAsync(4);
    expect(told()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(told()).toEqual([['put a', 'put b'], ['put c']]);
    expect(await Promise.all([first, second, third])).toEqual(['put', 'put', 'put']);
  });

  it('go at once after a rest where somebody waits for another kind, and take along what stays', async () => {
    const { put, compose, told } = open();
    void put('a');
    const [both] = await Promise.all([compose('a'), vi.advanceTimersByTimeAsync(0)]);
    expect(told()).toEqual([['put a', 'compose a']]);
    expect(both).toBe('compose');
    const next = compose('b');
    await vi.advanceTimersByTimeAsync(4);
    expect(told()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await next).toBe('compose');
  });

  it('that nobody waits for wait for company, and go along with what somebody waits for', async () => {
    const { put, remove, told } = open();
    const first = remove('x');
    await vi.advanceTimersByTimeAsync(40);
    expect(told()).toEqual([]);
    const second = put('a');
    await vi.advanceTimersByTimeAsync(5);
    expect(told()).toEqual([['remove x', 'put a']]);
    const third = remove('y');
    await vi.advanceTimersByTimeAsync(60);
    expect(told()).toHaveLength(2);
    expect(await Promise.all([first, second, third])).toEqual(['remove', 'put', 'remove']);
  });

  it('are taken back where a record is removed before it was written, and its put is fulfilled', async () => {
    const { put, remove, told } = open();
    const [one, several] = [put('a'), put('b', 'c')];
    expect(await remove('a', 'c')).toBe(0);
    await one;
    await Promise.all([several, vi.advanceTimersByTimeAsync(10)]);
    expect(told()).toEqual([['put b']]);
    const last = remove('b');
    await vi.advanceTimersByTimeAsync(60);
    expect(told()).toEqual([['put b'], ['remove b']]);
    expect(await last).toBe('remove');
  });

  it('leave a record that was buried meanwhile to the store', async () => {
    const { gathering, put, remove, told } = open();
    void put('a');
    void gathering.add({ op: 'bury', ids: ['a'], reason: 'expired', detail: '', at_ms: 1 }, false);
    void remove('a');
    await vi.advanceTimersByTimeAsync(10);
    expect(told()).toEqual([['put a', 'bury a', 'remove a']]);
  });

  it('fail together, each with the reason', async () => {
    const { put } = open(true);
    const results = Promise.allSettled([put('a'), put('b')]);
    await vi.advanceTimersByTimeAsync(10);
    expect(await results).toMatchObject([
      { status: 'rejected', reason: { message: 'the disk is full' } },
      { status: 'rejected', reason: { message: 'the disk is full' } },
    ]);
  });

  it('go before a question that must see them', async () => {
    const { gathering, remove, told } = open();
    const removed = remove('a');
    gathering.flush();
    expect(told()).toEqual([['remove a']]);
    await removed;
  });
});
