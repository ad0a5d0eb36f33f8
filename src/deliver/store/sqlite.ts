import { chmodSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { LannerError, messageOf } from '../../lib/errors.ts';
import type { DeadReason } from '../../model/delivery.ts';
import type { DeadLetter, SetAside, SpoolEntry, SpoolRecord } from './contract.ts';
import { type HistoryTable, historyTable } from './history-table.ts';
import { locked, writePid } from './holder.ts';
import { fileName, markAtRest, unmark } from './rest.ts';
import { salvage } from './salvage.ts';
import { applicationId, migrations } from './schema.ts';

/** A change of the store. Those of one call of `apply` are kept together or not at all. */
export type Change =
  | { op: 'put'; records: readonly SpoolRecord[] }
  | { op: 'remove'; ids: readonly string[] }
  | { op: 'attempted'; ids: readonly string[] }
  | { op: 'compose'; unit: string | undefined; ids: readonly string[] }
  | { op: 'bury'; ids: readonly string[]; reason: DeadReason; detail: string; at_ms: number }
  | { op: 'revive'; ids: readonly string[] }
  | { op: 'prune'; max_letters: number; before_ms: number }
  | { op: 'drop_dead'; ids: readonly string[] };

/** The store's file, used by one thread. Every call blocks; a call that throws has changed nothing. */
export interface SqliteStore {
  readonly setAside: SetAside | undefined;
  readonly history: HistoryTable;
  entries(): SpoolEntry[];
  read(ids: readonly string[]): [string, string][];
  deadLetters(limit: number): DeadLetter[];
  /** On disk when it returns. Answers what each change answers. */
  apply(changes: readonly Change[]): unknown[];
  close(): void;
}

export interface SqliteOptions {
  /** Bound of the file, for tests that need a full disk. */
  max_pages?: number;
  /** How long another client of the file is waited for. */
  busy_ms?: number;
  /** True: a file that cannot be used stays where it is, and the opening fails (`store_version`, `store_unusable`). */
  only_look?: boolean;
}

/**
 * Opens the store in a directory, which is made if it is missing. One process at a time: a second one is told
 * who holds it. A file that cannot be read, or that a newer Lanner wrote in a form this one cannot use, is set
 * aside; what can be read of a damaged one is taken over. Throws a LannerError that waiting cannot mend
 * (`store_locked`), any other error where it may.
 */
export function openSqlite(directory: string, options: SqliteOptions = {}): SqliteStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = lock(directory);
  try {
    unmark(directory);
    const file = join(directory, fileName);
    const { database, setAside } = options.only_look
      ? { database: openAsItIs(file, options), setAside: undefined }
      : openOrSetAside(file, options);
    if (options.max_pages !== undefined) database.pragma(`max_page_count=${options.max_pages}`);
    return {
      ...operations(database),
      history: historyTable(database),
      setAside,
      close: () => closeAll(database, directory, unlock),
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

function closeAll(database: Database.Database, directory: string, unlock: () => void): void {
  const nothingWaits = isEmpty(database);
  // libsql closes behind our back; after this it has nothing left to write.
  if (nothingWaits) database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  if (nothingWaits) markAtRest(directory);
  unlock();
}

function isEmpty(database: Database.Database): boolean {
  try {
    const rows = 'SELECT 1 FROM deliveries UNION ALL SELECT 1 FROM dead_letters LIMIT 1';
    return database.prepare(rows).get() === undefined;
  } catch {
    return false;
  }
}

/**
 * The lock is a transaction on a file of its own: the kernel releases it however the process ends, and the
 * store itself stays readable for any SQLite client.
 */
function lock(directory: string): () => void {
  const database = new Database(join(directory, 'lock'));
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw locked(directory);
  }
  writePid(directory);
  return () => {
    database.exec('ROLLBACK');
    database.close();
  };
}

const unreadable = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB']);

/** A newer Lanner wrote the file, in a form that this one cannot use. */
class Newer extends Error {
  readonly version: number;
  constructor(version: number) {
    super(`version ${version}`);
    this.version = version;
  }
}

function openOrSetAside(
  file: string,
  options: SqliteOptions,
): { database: Database.Database; setAside: SetAside | undefined } {
  try {
    return { database: openDatabase(file, options), setAside: undefined };
  } catch (error) {
    const newer = error instanceof Newer;
    if (!newer && !unreadable.has((error as { code?: string }).code ?? '')) throw error;
    const why = newer ? `version-${error.version}` : 'unreadable';
    const path = `${file}.${why}-${new Date().toISOString().replace(/[:.]/g, '-')}`;
    for (const suffix of ['', '-wal', '-shm']) moveIfThere(file + suffix, path + suffix);
    const database = openDatabase(file, options);
    if (newer) return { database, setAside: { path, why: 'newer', version: error.version } };
    return { database, setAside: { path, why: 'unreadable', salvaged: salvage(path, database) } };
  }
}

/** For commands, which only look: what becomes of such a file is for `lanner run` to decide. */
function openAsItIs(file: string, options: SqliteOptions): Database.Database {
  try {
    return openDatabase(file, options);
  } catch (error) {
    if (error instanceof Newer)
      throw new LannerError(
        'store_version',
        `${file} has version ${error.version}, this Lanner knows up to ${migrations.length}`,
        'Use the newer Lanner for it, or give this one a state_dir of its own.',
      );
    if (!unreadable.has((error as { code?: string }).code ?? '')) throw error;
    throw new LannerError(
      'store_unusable',
      `${file} is damaged: ${messageOf(error)}`,
      'Start lanner run: it takes over what can be read and sets the rest aside.',
      { cause: error },
    );
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function openDatabase(file: string, { busy_ms }: SqliteOptions): Database.Database {
  const database = new Database(file, { timeout: busy_ms ?? 5_000 });
  try {
    chmodSync(file, 0o600);
    database.pragma('auto_vacuum=INCREMENTAL');
    database.pragma('journal_mode=WAL');
    database.pragma('synchronous=FULL');
    database.pragma('journal_size_limit=16777216');
    const check = database.pragma('quick_check(1)') as { quick_check: string }[];
    if (check[0]?.quick_check !== 'ok') {
      throw Object.assign(new Error(`quick_check: ${check[0]?.quick_check}`), { code: 'SQLITE_CORRUPT' });
    }
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: Database.Database): void {
  // libsql's pluck and simple do not reach pragmas: the whole row is read.
  const [row] = database.pragma('user_version') as { user_version: number }[];
  const version = row?.user_version ?? 0;
  if (version > migrations.length && readableFrom(database) > migrations.length) throw new Newer(version);
  for (let step = version; step < migrations.length; step++) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[step]}; PRAGMA user_version=${step + 1}; COMMIT`);
  }
  if (version === 0) database.pragma(`application_id=${applicationId}`);
}

/** The oldest version whose Lanner can use the file. */
function readableFrom(database: Database.Database): number {
  try {
    const row = database.prepare('SELECT readable_from FROM compatibility').get();
    return (row as { readable_from: number } | undefined)?.readable_from ?? Number.POSITIVE_INFINITY;
  } catch (error) {
    if (unreadable.has((error as { code?: string }).code ?? '')) throw error;
    return Number.POSITIVE_INFINITY;
  }
}

interface EntryRow {
  id: string;
  sink: string;
  severity: string;
  order_key: string;
  accepted_ms: number;
  attempts: number;
  bytes: number;
  batchable: number;
  hold?: string | null;
  unit?: string | null;
}

/** Free pages that the file keeps for the next deliveries: 4 MiB. */
const spareFreePages = 1024;

const entryColumns = 'id, sink, severity, order_key, accepted_ms, attempts, bytes, batchable';
const chosen = 'id IN (SELECT value FROM json_each(?))';

function entryOf(row: EntryRow): SpoolEntry {
  const { id, sink, severity, order_key, accepted_ms, attempts, bytes } = row;
  return {
    id,
    sink,
    severity: severity as SpoolEntry['severity'],
    order_key,
    accepted_ms,
    attempts,
    bytes,
    batchable: row.batchable === 1,
    ...(row.hold == null ? {} : { hold: JSON.parse(row.hold) as NonNullable<SpoolEntry['hold']> }),
    ...(row.unit == null ? {} : { unit: row.unit }),
  };
}

function operations(database: Database.Database): Omit<SqliteStore, 'setAside' | 'close' | 'history'> {
  const insert = database.prepare(
    `INSERT OR IGNORE INTO deliveries (${entryColumns}, hold, unit, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = database.prepare(`DELETE FROM deliveries WHERE ${chosen}`);
  const attempted = database.prepare(`UPDATE deliveries SET attempts = attempts + 1 WHERE ${chosen}`);
  const compose = database.prepare(`UPDATE deliveries SET unit = ? WHERE ${chosen}`);
  const bury = database.prepare(
    `INSERT OR REPLACE INTO dead_letters (${entryColumns}, reason, detail, died_ms, payload)
     SELECT ${entryColumns}, ?, ?, ?, payload FROM deliveries WHERE ${chosen} ORDER BY seq`,
  );
  const exhume = database.prepare(
    `INSERT OR IGNORE INTO deliveries (${entryColumns}, payload)
     SELECT id, sink, severity, order_key, accepted_ms, 0, bytes, batchable, payload FROM dead_letters
     WHERE ${chosen} ORDER BY died_ms, rowid`,
  );
  const listed = database.prepare(
    `SELECT ${entryColumns} FROM dead_letters WHERE ${chosen} ORDER BY died_ms, rowid`,
  );
  const dropDead = database.prepare(`DELETE FROM dead_letters WHERE ${chosen}`);
  const prune = database.prepare(
    `DELETE FROM dead_letters WHERE died_ms < ?
     OR rowid IN (SELECT rowid FROM dead_letters ORDER BY died_ms DESC, rowid DESC LIMIT -1 OFFSET ?)`,
  );

  function put(records: readonly SpoolRecord[]): void {
    for (const { entry, payload } of records) {
      insert.run(
        entry.id,
        entry.sink,
        entry.severity,
        entry.order_key,
        entry.accepted_ms,
        entry.attempts,
        entry.bytes,
        entry.batchable ? 1 : 0,
        entry.hold === undefined ? null : JSON.stringify(entry.hold),
        entry.unit ?? null,
        payload,
      );
    }
  }

  function revive(ids: string): SpoolEntry[] {
    const entries = (listed.all(ids) as EntryRow[]).map((row) => entryOf({ ...row, attempts: 0 }));
    exhume.run(ids);
    dropDead.run(ids);
    return entries;
  }

  /** After a backlog has gone, its pages go back to the file system, some at a time. */
  function giveBack(): void {
    const [row] = database.pragma('freelist_count') as { freelist_count: number }[];
    if ((row?.freelist_count ?? 0) > spareFreePages)
      database.exec(`PRAGMA incremental_vacuum(${spareFreePages})`);
  }

  function one(change: Change): unknown {
    switch (change.op) {
      case 'put':
        return put(change.records);
      case 'remove':
        return remove.run(JSON.stringify(change.ids)).changes;
      case 'attempted':
        return attempted.run(JSON.stringify(change.ids)).changes;
      case 'compose':
        return compose.run(change.unit ?? null, JSON.stringify(change.ids)).changes;
      case 'bury': {
        const ids = JSON.stringify(change.ids);
        bury.run(change.reason, change.detail, change.at_ms, ids);
        return remove.run(ids).changes;
      }
      case 'revive':
        return revive(JSON.stringify(change.ids));
      case 'prune': {
        const { changes } = prune.run(change.before_ms, change.max_letters);
        giveBack();
        return changes;
      }
      case 'drop_dead':
        return dropDead.run(JSON.stringify(change.ids)).changes;
    }
  }

  return {
    entries: () =>
      (
        database
          .prepare(`SELECT ${entryColumns}, hold, unit FROM deliveries ORDER BY seq`)
          .all() as EntryRow[]
      ).map(entryOf),
    read(ids) {
      const list = JSON.stringify(ids);
      const rows = database
        .prepare(
          `SELECT id, payload FROM deliveries WHERE ${chosen}
           UNION ALL SELECT id, payload FROM dead_letters WHERE ${chosen}`,
        )
        .all(list, list) as { id: string; payload: string }[];
      return rows.map((row) => [row.id, row.payload]);
    },
    deadLetters: (limit) =>
      (
        database
          .prepare(
            `SELECT ${entryColumns}, reason, detail, died_ms FROM dead_letters ORDER BY died_ms DESC, rowid DESC LIMIT ?`,
          )
          .all(limit) as (EntryRow & { reason: DeadReason; detail: string; died_ms: number })[]
      ).map((row) => ({ entry: entryOf(row), reason: row.reason, detail: row.detail, died_ms: row.died_ms })),
    apply(changes) {
      database.exec('BEGIN IMMEDIATE');
      try {
        const answers = changes.map(one);
        database.exec('COMMIT');
        return answers;
      } catch (error) {
        // SQLite has rolled back by itself where the disk is full.
        if (database.inTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
  };
}

/** An error as it crosses a thread. */
export function flatError(error: unknown): { message: string; code?: string; mend?: string } {
  if (error instanceof LannerError) return { message: error.message, code: error.code, mend: error.mend };
  const code = (error as { code?: unknown }).code;
  const message = messageOf(error);
  const isTold = typeof code !== 'string' || message.startsWith(code);
  return { message: isTold ? message : `${code}: ${message}` };
}
