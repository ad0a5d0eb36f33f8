import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { durableStore } from '../../../src/deliver/store/durable.ts';
import { recordOf } from '../../../src/history/recorder.ts';
import { aFinding } from '../../support/finding.ts';
import { aRecord, temporaryDirectory } from '../../support/spool.ts';

const unbounded = { max_bytes: 2 ** 30, before_ms: 0 };
const PAGE = 4096;

/** A store with some waiting deliveries and a history of many pages. */
async function filled(): Promise<string> {
  const directory = temporaryDirectory();
  const store = durableStore(directory);
  await store.open();
  await store.put(Array.from({ length: 20 }, (_, i) => aRecord(`d-${i}`)));
  const records = Array.from({ length: 300 }, (_, i) =>
    recordOf(aFinding({ id: `f-${i}` }), { hidden: false, sinks: [] }, 1000),
  );
  await store.keepHistory(records, unbounded);
  await store.close();
  return directory;
}

/** Garbage over some pages of one table. */
function damage(directory: string, table: string, pages: number): void {
  const file = join(directory, 'lanner.db');
  const database = new Database(file, { readonly: true });
  const row = database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(table);
  database.close();
  const root = (row as { rootpage: number }).rootpage;
  const last = statSync(file).size / PAGE;
  const handle = openSync(file, 'r+');
  for (let at = 0; at < pages; at++) {
    const page = table === 'history' ? last - 40 - at * 3 : root + at;
    writeSync(handle, Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE);
  }
  closeSync(handle);
}

describe('a damaged store', () => {
  it('with garbage in its history keeps everything that waits, and what of the history can be read', async () => {
    const directory = await filled();
    damage(directory, 'history', 5);
    const store = durableStore(directory);
    const { entries, set_aside } = await store.open();
    expect(entries).toHaveLength(20);
    expect((await store.read(['d-7'])).get('d-7')).toBe(aRecord('d-7').payload);
    expect(set_aside).toMatchObject({ why: 'unreadable', salvaged: { deliveries: 20 } });
    const page = await store.queryHistory({}, { newest: true, limit: 1000 });
    expect(page.payloads.length).toBeGreaterThan(50);
    expect(page.payloads.length).toBeLessThan(300);
    for (const text of page.payloads) expect(JSON.parse(text)).toMatchObject({ schema: 'lanner.finding/v1' });
    expect(await store.keepHistory([], unbounded)).toBe(0);
    await store.close();
    expect(existsSync(set_aside!.path)).toBe(true);
  });

  it('is left alone by a command, which says who mends it', async () => {
    const directory = await filled();
    damage(directory, 'history', 5);
    const before = readFileSync(join(directory, 'lanner.db'));
    const looking = durableStore(directory, { only_look: true });
    await expect(looking.open()).rejects.toMatchObject({ code: 'store_unusable' });
    await looking.close();
    expect(readFileSync(join(directory, 'lanner.db')).equals(before)).toBe(true);
  });

  it('cut off in the middle gives back what stands before the cut', async () => {
    const directory = await filled();
    const file = join(directory, 'lanner.db');
    const whole = readFileSync(file);
    writeFileSync(file, whole.subarray(0, Math.floor(whole.length / 2 / PAGE) * PAGE));
    const store = durableStore(directory);
    const { entries, set_aside } = await store.open();
    expect(set_aside).toMatchObject({ why: 'unreadable' });
    expect(entries).toHaveLength(20);
    await store.close();
  });
});

describe('a store that another client holds', () => {
  it('is waited for, and then said to be busy; it is not set aside', async () => {
    const directory = await filled();
    const file = join(directory, 'lanner.db');
    const client = new Database(file);
    client.pragma('journal_mode=DELETE');
    client.exec('BEGIN EXCLUSIVE');
    const store = durableStore(directory, { busy_ms: 50 });
    await expect(store.open()).rejects.toThrow(/locked|busy/i);
    client.exec('ROLLBACK');
    client.close();
    expect((await store.open()).entries).toHaveLength(20);
    await store.close();
  });
});

it('a state directory that cannot be made fails the opening', async () => {
  const store = durableStore(`${import.meta.filename}/state`);
  await expect(store.open()).rejects.toThrow(/ENOTDIR/);
  await store.close();
});
