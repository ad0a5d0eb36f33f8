import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { durableStore } from '../../../src/deliver/store/durable.ts';
import { historyTable } from '../../../src/deliver/store/history-table.ts';
import { fileName } from '../../../src/deliver/store/rest.ts';
import { openSqlite } from '../../../src/deliver/store/sqlite.ts';
import { matcherOf } from '../../../src/history/feed.ts';
import { recordOf } from '../../../src/history/recorder.ts';
import type { Finding } from '../../../src/model/finding.ts';
import type { HistoryFilter, HistoryRecord } from '../../../src/model/history.ts';
import { aFinding } from '../../support/finding.ts';
import { aRecord, temporaryDirectory } from '../../support/spool.ts';

const unbounded = { max_bytes: 2 ** 30, before_ms: 0 };
const newest = { newest: true, limit: 100 };
const told = { hidden: false, sinks: ['ops'] };

function kept(id: string, change: Partial<Finding> = {}, fate = told, kept_ms = 1000): HistoryRecord {
  return recordOf(aFinding({ id, ...change }), fate, kept_ms);
}
const idsOf = (payloads: readonly string[]) => payloads.map((text) => (JSON.parse(text) as Finding).id);

async function opened(directory = temporaryDirectory()) {
  const store = durableStore(directory);
  await store.open();
  return store;
}

describe('the history in the store', () => {
  it('keeps findings whole, beside the deliveries, and has them after a new start', async () => {
    const directory = temporaryDirectory();
    const first = await opened(directory);
    await first.put([aRecord('a')]);
    await first.keepHistory([kept('f-1'), kept('f-2')], unbounded);
    await first.close();
    const second = durableStore(directory);
    expect((await second.open()).entries.map(({ id }) => id)).toEqual(['a']);
    const page = await second.queryHistory({}, newest);
    expect(page.next).toBeUndefined();
    expect(idsOf(page.payloads)).toEqual(['f-2', 'f-1']);
    expect(JSON.parse((await second.getHistory('f-1'))!)).toEqual(aFinding({ id: 'f-1' }));
    expect(await second.getHistory('nobody')).toBeUndefined();
    await second.close();
  });

  it('leaves deliveries their sync of the disk, when it could not write too', () => {
    const directory = temporaryDirectory();
    openSqlite(directory).close();
    const database = new Database(join(directory, fileName), { timeout: 10 });
    database.pragma('synchronous=FULL');
    const table = historyTable(database);
    const other = new Database(join(directory, fileName));
    const level = () => (database.pragma('synchronous') as { synchronous: number }[])[0]?.synchronous;
    other.exec('BEGIN IMMEDIATE');
    expect(() => table.keep([kept('f-1')], unbounded)).toThrow(/locked|busy/i);
    expect(level()).toBe(2);
    other.exec('ROLLBACK');
    table.keep([kept('f-1')], unbounded);
    expect(level()).toBe(2);
    other.close();
    database.close();
  });

  it('has the last revision of each finding only, whatever order they come in', async () => {
    const store = await opened();
    await store.keepHistory(
      [kept('f-1'), kept('f-2'), kept('f-1', { revision: 3, severity: 'critical' })],
      unbounded,
    );
    await store.keepHistory([kept('f-1', { revision: 2, severity: 'low' })], unbounded);
    const { payloads } = await store.queryHistory({}, newest);
    expect(idsOf(payloads)).toEqual(['f-1', 'f-2']);
    expect(JSON.parse(payloads[0]!)).toMatchObject({ revision: 3, severity: 'critical' });
    await store.close();
  });

  it('answers in pages that neither repeat nor leave out', async () => {
    const store = await opened();
    await store.keepHistory(
      Array.from({ length: 25 }, (_, i) => kept(`f-${i}`)),
      unbounded,
    );
    const seen: string[] = [];
    let from: number | undefined;
    do {
      const page = await store.queryHistory(
        {},
        { newest: false, limit: 10, ...(from !== undefined && { from }) },
      );
      seen.push(...idsOf(page.payloads));
      from = page.next;
    } while (from !== undefined);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `f-${i}`));
    await store.close();
  });

  it('forgets the oldest beyond its bytes and its age, and says how many', async () => {
    const store = await opened();
    const size = Buffer.byteLength(kept('f-0').payload);
    const ten = Array.from({ length: 10 }, (_, i) => kept(`f-${i}`, {}, told, i));
    expect(await store.keepHistory(ten, { max_bytes: size * 4 + 10, before_ms: 0 })).toBe(6);
    expect(idsOf((await store.queryHistory({}, newest)).payloads)).toEqual(['f-9', 'f-8', 'f-7', 'f-6']);
    expect(await store.keepHistory([], { max_bytes: 2 ** 30, before_ms: 8 })).toBe(2);
    expect(idsOf((await store.queryHistory({}, newest)).payloads)).toEqual(['f-9', 'f-8']);
    await store.close();
  });

  it('knows its size after a new start', async () => {
    const directory = temporaryDirectory();
    const first = await opened(directory);
    await first.keepHistory([kept('f-1'), kept('f-2')], unbounded);
    await first.close();
    const second = await opened(directory);
    expect(await second.keepHistory([], { max_bytes: 0, before_ms: 0 })).toBe(2);
    await second.close();
  });

  const exec = aFinding().exec;
  const all = [
    kept('f-1'),
    kept('f-2', { tool: 'wget', severity: 'low', time: '2026-11-23T12:00:00.000000000Z' }),
    kept('f-3', {
      exec: {
        ...exec,
        pod: { ...exec.pod!, namespace: 'prod', workload: 'api' },
        image: { repository: 'r/api' },
      },
    }),
    kept(
      'f-4',
      { exceptions: [{ name: 'probe', mode: 'hide', applied: true, why: '' }], indicators: [] },
      { hidden: true, sinks: [] },
    ),
    kept('f-5', { exceptions: [{ name: 'probe', mode: 'hide', applied: false, why: '' }] }),
  ];
  it.each<[HistoryFilter, string[]]>([
    [{}, ['f-5', 'f-4', 'f-3', 'f-2', 'f-1']],
    [{ tool: 'wget' }, ['f-2']],
    [{ severities: ['low', 'critical'] }, ['f-2']],
    [{ since: '2026-11-23T00:00:00.000000000Z' }, ['f-2']],
    [{ until: '2026-11-23T00:00:00.000000000Z', tool: 'curl', namespace: 'shop' }, ['f-5', 'f-4', 'f-1']],
    [{ namespace: 'prod' }, ['f-3']],
    [{ workload: 'api' }, ['f-3']],
    [{ image: 'r/api' }, ['f-3']],
    [{ image: 'r/*' }, ['f-3']],
    [{ image: 'api' }, []],
    [{ image: 'registry.example/shop/web:1.4.2' }, ['f-5', 'f-4', 'f-2', 'f-1']],
    [{ image: '*@sha256:3f1c*' }, ['f-5', 'f-4', 'f-2', 'f-1']],
    [{ image: '[r]/api' }, []],
    [{ indicator: 'writable_directory' }, ['f-5', 'f-3', 'f-2', 'f-1']],
    [{ indicator: 'writable' }, []],
    [{ exception: 'probe' }, ['f-4']],
    [{ hidden: true }, ['f-4']],
    [{ hidden: false, tool: 'curl' }, ['f-5', 'f-3', 'f-1']],
    [{ tool: "x' OR 1=1 --" }, []],
  ])('finds by %j', async (filter, ids) => {
    const store = await opened();
    await store.keepHistory(all, unbounded);
    expect(idsOf((await store.queryHistory(filter, newest)).payloads)).toEqual(ids);
    await store.close();
    // What listens to new findings decides the same way.
    const fits = matcherOf(filter);
    expect(all.filter(fits).map(({ id }) => id)).toEqual([...ids].reverse());
  });

  it('that has no room left fails by itself: deliveries are taken as before', async () => {
    const store = durableStore(temporaryDirectory(), { max_pages: 60 });
    await store.open();
    const many = Array.from({ length: 100 }, (_, i) => kept(`f-${i}`));
    await expect(store.keepHistory(many, unbounded)).rejects.toThrow(/full/i);
    await store.put([aRecord('a')]);
    expect((await store.read(['a'])).size).toBe(1);
    expect((await store.queryHistory({}, newest)).payloads).toEqual([]);
    await store.close();
  });
});
