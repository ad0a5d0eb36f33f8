import type Database from 'libsql';
import {
  execKeyOf,
  type HistoryBounds,
  type HistoryFilter,
  type HistoryPage,
  type HistoryRecord,
  type Label,
  type MissCount,
} from '../../model/history.ts';

/** The history in the store's file, used by its thread. Every call blocks. */
export interface HistoryTable {
  /** Its own transaction, so that deliveries never fail with it. Answers how many were forgotten. */
  keep(records: readonly HistoryRecord[], bounds: HistoryBounds): number;
  keepMisses(records: readonly HistoryRecord[], counts: readonly MissCount[], bounds: HistoryBounds): number;
  label(id: string, label: Label): boolean;
  query(filter: HistoryFilter, page: { newest: boolean; limit: number; from?: number }): HistoryPage;
  get(id: string): string | undefined;
}

/** Forgotten in one go at most: deliveries wait for the same thread. */
const forgetMost = 1000;
/** Payload bytes in one page of an answer: beyond, the rest comes with the next. */
const pageBytes = 4 * 2 ** 20;
/** Labels are made by people, one at a time. */
const mostLabels = 10_000;

export function historyTable(database: Database.Database): HistoryTable {
  const findings = keptTable(database, 'history');
  const misses = keptTable(database, 'misses');
  const counted = database.prepare('UPDATE misses SET stands_for = max(stands_for, ?) WHERE id = ?');
  const label = database.prepare(
    'INSERT OR REPLACE INTO labels (exec, label, note, time) VALUES (?, ?, ?, ?)',
  );
  const forgetLabels = database.prepare(
    'DELETE FROM labels WHERE exec IN (SELECT exec FROM labels ORDER BY time DESC LIMIT -1 OFFSET ?)',
  );

  function get(id: string): string | undefined {
    const key = execKeyOf(id);
    return findings.get(`f-${key}`) ?? misses.get(`m-${key}`) ?? findings.get(id);
  }

  return {
    keep: (records, bounds) =>
      findings.changing(() => {
        for (const record of records) findings.put(record);
        return findings.forget(bounds);
      }),
    keepMisses: (records, counts, bounds) =>
      misses.changing(() => {
        for (const record of records) misses.put(record);
        for (const { id, stands_for } of counts) counted.run(stands_for, id);
        return misses.forget(bounds);
      }),
    label(id, { is, note, time }) {
      if (get(id) === undefined) return false;
      label.run(execKeyOf(id), is, note ?? null, time);
      forgetLabels.run(mostLabels);
      return true;
    },
    query: (filter, page) => (filter.missed === true ? misses : findings).query(filter, page),
    get,
  };
}

/** Findings and misses stand in tables of one form, each with bounds of its own. */
function keptTable(database: Database.Database, name: 'history' | 'misses') {
  const known = database.prepare(`SELECT bytes, revision FROM ${name} WHERE id = ?`);
  const remove = database.prepare(`DELETE FROM ${name} WHERE id = ?`);
  const insert = database.prepare(
    `INSERT INTO ${name} (id, revision, time, kept_ms, severity, tool, image, namespace, workload, indicators,
       exceptions, hidden, sinks, bytes, payload)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const oldest = database.prepare(`SELECT kept_ms FROM ${name} ORDER BY seq LIMIT 1`);
  const eldest = database.prepare(`SELECT seq, bytes, kept_ms FROM ${name} ORDER BY seq LIMIT ${forgetMost}`);
  const forgetTo = database.prepare(`DELETE FROM ${name} WHERE seq <= ?`);
  const text = name === 'misses' ? "json_set(payload, '$.stands_for', stands_for)" : 'payload';
  const labelled = `CASE WHEN label IS NULL THEN ${text} ELSE json_set(${text}, '$.label',
     json_patch('{}', json_object('is', label, 'note', note, 'time', labels.time))) END AS payload`;
  const joined = `${name} LEFT JOIN labels ON labels.exec = substr(${name}.id, 3)`;
  const one = database.prepare(`SELECT ${labelled} FROM ${joined} WHERE ${name}.id = ?`);
  let total: number | undefined;

  function size(): number {
    total ??= (database.prepare(`SELECT coalesce(sum(bytes), 0) AS bytes FROM ${name}`).get() as Size).bytes;
    return total;
  }

  function put(record: HistoryRecord): void {
    const former = known.get(record.id) as (Size & { revision: number }) | undefined;
    if (former !== undefined && former.revision > record.revision) return;
    // A new revision takes a new place at the end: what reads on from a cursor sees it.
    if (former !== undefined) remove.run(record.id);
    const bytes = Buffer.byteLength(record.payload);
    insert.run(
      record.id,
      record.revision,
      record.time,
      record.kept_ms,
      record.severity,
      record.tool ?? null,
      record.image ?? null,
      record.namespace ?? null,
      record.workload ?? null,
      listed(record.indicators),
      listed(record.exceptions),
      record.hidden ? 1 : 0,
      listed(record.sinks),
      bytes,
      record.payload,
    );
    total = size() + bytes - (former?.bytes ?? 0);
  }

  function forget({ max_bytes, before_ms }: HistoryBounds): number {
    // Nearly always there is nothing to forget: then one row says so.
    const first = oldest.get() as { kept_ms: number } | undefined;
    if (first === undefined || (size() <= max_bytes && first.kept_ms >= before_ms)) return 0;
    let left = size();
    let last: number | undefined;
    let count = 0;
    for (const row of eldest.all() as (Size & { seq: number; kept_ms: number })[]) {
      if (left <= max_bytes && row.kept_ms >= before_ms) break;
      left -= row.bytes;
      last = row.seq;
      count += 1;
    }
    if (last === undefined) return 0;
    forgetTo.run(last);
    total = left;
    return count;
  }

  function changing(change: () => number): number {
    size();
    const before = total;
    // Deliveries wait for the disk, the history does not: what a power cut takes of it is a second's findings.
    try {
      database.exec('PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE');
      const answer = change();
      database.exec('COMMIT');
      return answer;
    } catch (error) {
      total = before;
      if (database.inTransaction) database.exec('ROLLBACK');
      throw error;
    } finally {
      // However it ended: the next commit may be a delivery's.
      database.exec('PRAGMA synchronous=FULL');
    }
  }

  function query(
    filter: HistoryFilter,
    { newest, limit, from }: { newest: boolean; limit: number; from?: number },
  ): HistoryPage {
    const { where, values } = conditions(filter, name);
    if (from !== undefined) {
      where.push(newest ? 'seq < ?' : 'seq > ?');
      values.push(from);
    }
    // Places first, texts second: a page is bounded in bytes before any of it is read.
    const order = newest ? 'DESC' : 'ASC';
    const rows = database
      .prepare(
        `SELECT seq, bytes FROM ${filter.label === undefined ? name : joined}
         ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`} ORDER BY seq ${order} LIMIT ?`,
      )
      .all(...values, limit) as (Size & { seq: number })[];
    let bytes = 0;
    const taken = rows.filter((_row, index) => {
      const fits = index === 0 || bytes < pageBytes;
      bytes += rows[index]!.bytes;
      return fits;
    });
    const seqs = JSON.stringify(taken.map(({ seq }) => seq));
    const texts = database
      .prepare(
        `SELECT ${labelled} FROM ${joined} WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq ${order}`,
      )
      .all(seqs) as { payload: string }[];
    const last = taken.at(-1)?.seq;
    const more = last !== undefined && (taken.length < rows.length || rows.length === limit);
    return { payloads: texts.map(({ payload }) => payload), ...(more && { next: last }) };
  }

  return {
    put,
    forget,
    changing,
    query,
    get: (id: string) => (one.get(id) as { payload: string } | undefined)?.payload,
  };
}

interface Size {
  bytes: number;
}

/** Names between blanks, so that a whole name is found by itself. */
function listed(names: readonly string[]): string {
  return ` ${names.join(' ')} `;
}

function conditions(filter: HistoryFilter, table: string): { where: string[]; values: (string | number)[] } {
  const where: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, value: string | number | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    values.push(value);
  };
  add(`${table}.time >= ?`, filter.since);
  add(`${table}.time < ?`, filter.until);
  add('severity IN (SELECT value FROM json_each(?))', filter.severities && JSON.stringify(filter.severities));
  add('tool = ?', filter.tool);
  add('namespace = ?', filter.namespace);
  add('workload = ?', filter.workload);
  add("char(10) || image || char(10) GLOB '*' || char(10) || ? || char(10) || '*'", globOf(filter.image));
  add("instr(indicators, ' ' || ? || ' ') > 0", filter.indicator);
  add("instr(exceptions, ' ' || ? || ' ') > 0", filter.exception);
  add('hidden = ?', filter.hidden === undefined ? undefined : Number(filter.hidden));
  add('label = ?', filter.label);
  return { where, values };
}

/** Only the star is special. */
function globOf(text: string | undefined): string | undefined {
  return text?.replace(/[[?]/g, '[$&]');
}
