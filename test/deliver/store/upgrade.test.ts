import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { durableStore } from '../../../src/deliver/store/durable.ts';
import { migrations } from '../../../src/deliver/store/schema.ts';
import type { Finding } from '../../../src/model/finding.ts';
import { aRecord, temporaryDirectory } from '../../support/spool.ts';

const unbounded = { max_bytes: 2 ** 30, before_ms: 0 };
const all = { newest: false, limit: 100 };

/** A store as Lanner wrote it at version 2 (commit d6dcf27): 2 deliveries, 1 dead letter, 12 findings, 1 hidden. */
function storeOfVersion2(): string {
  const directory = temporaryDirectory();
  const file = join(import.meta.dirname, '../../fixtures/stores/v2.db.gz');
  writeFileSync(join(directory, 'lanner.db'), gunzipSync(readFileSync(file)));
  return directory;
}

/** A store of this version with one delivery, as a later Lanner would have left it. */
async function storeOfNextVersion(sql: string): Promise<string> {
  const directory = temporaryDirectory();
  const store = durableStore(directory);
  await store.open();
  await store.put([aRecord('waiting')]);
  await store.close();
  change(directory, `${sql}; PRAGMA user_version=${migrations.length + 1}`);
  return directory;
}

function change(directory: string, sql: string): void {
  const database = new Database(join(directory, 'lanner.db'));
  database.exec(sql);
  database.close();
}

function versionOf(file: string): number {
  const database = new Database(file, { readonly: true });
  const [row] = database.pragma('user_version') as { user_version: number }[];
  database.close();
  return row!.user_version;
}

describe('a store of the version before', () => {
  it('is taken over whole: what waits, what was given up, the history', async () => {
    const directory = storeOfVersion2();
    expect(versionOf(join(directory, 'lanner.db'))).toBe(2);
    const store = durableStore(directory);
    const { entries, set_aside } = await store.open();
    expect(set_aside).toBeUndefined();
    expect(entries.map(({ id }) => id)).toEqual(['d-0', 'd-1']);
    expect((await store.deadLetters(10)).map(({ entry, reason }) => [entry.id, reason])).toEqual([
      ['d-2', 'rejected'],
    ]);
    const { payloads } = await store.queryHistory({}, all);
    expect(payloads).toHaveLength(12);
    expect((JSON.parse(payloads[0]!) as Finding).schema).toBe('lanner.finding/v1');
    expect((await store.queryHistory({ hidden: true, exception: 'probe' }, all)).payloads).toHaveLength(1);
    const { id } = JSON.parse(payloads[0]!) as Finding;
    expect(await store.labelHistory(id, { is: 'expected', time: 't' })).toBe(true);
    expect(await store.keepMisses([], [], unbounded)).toBe(0);
    await store.close();
    expect(versionOf(join(directory, 'lanner.db'))).toBe(migrations.length);
  });

  it('is only read by a command, which migrates it too, and is whole for lanner run afterwards', async () => {
    const directory = storeOfVersion2();
    const looking = durableStore(directory, { only_look: true });
    await looking.open();
    expect((await looking.queryHistory({ missed: true }, all)).payloads).toEqual([]);
    await looking.close();
    const store = durableStore(directory);
    expect((await store.open()).entries).toHaveLength(2);
    await store.close();
  });
});

describe('a store of a newer Lanner', () => {
  it('is used as it is where that one says so, and keeps its version', async () => {
    const directory = await storeOfNextVersion(
      "CREATE TABLE more (x TEXT); ALTER TABLE deliveries ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'",
    );
    const store = durableStore(directory);
    const { entries, set_aside } = await store.open();
    expect(set_aside).toBeUndefined();
    expect(entries.map(({ id }) => id)).toEqual(['waiting']);
    await store.put([aRecord('another')]);
    await store.close();
    expect(versionOf(join(directory, 'lanner.db'))).toBe(migrations.length + 1);
  });

  it.each([
    ['says that it cannot be used', `UPDATE compatibility SET readable_from=${migrations.length + 1}`],
    ['says nothing about it', 'DROP TABLE compatibility'],
  ])('that %s is set aside whole, and delivered from when it is put back', async (_what, sql) => {
    const directory = await storeOfNextVersion(sql);
    const store = durableStore(directory);
    const { entries, set_aside } = await store.open();
    expect(entries).toEqual([]);
    expect(set_aside).toMatchObject({ why: 'newer', version: migrations.length + 1 });
    await store.put([aRecord('new')]);
    await store.close();
    const aside = new Database(set_aside!.path, { readonly: true });
    expect(aside.prepare('SELECT id FROM deliveries').all()).toEqual([{ id: 'waiting' }]);
    aside.close();
    expect(versionOf(set_aside!.path)).toBe(migrations.length + 1);
  });

  it('is left in its place by a command', async () => {
    const directory = await storeOfNextVersion('DROP TABLE compatibility');
    const looking = durableStore(directory, { only_look: true });
    await expect(looking.open()).rejects.toMatchObject({ code: 'store_version' });
    await looking.close();
    expect(versionOf(join(directory, 'lanner.db'))).toBe(migrations.length + 1);
  });
});
