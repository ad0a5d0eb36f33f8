import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { LannerError, messageOf } from '../../lib/errors.ts';
import { fileName } from './rest.ts';
import { applicationId, migrations } from './schema.ts';

const tables = ['history', 'misses', 'labels'] as const;

/**
 * Copies the history of a state directory, used by a running Lanner or not, into a SQLite file of its own: one
 * moment of it, checked, never half written. What waits to be delivered stays out, so that a Lanner which is
 * started on the copy delivers nothing twice. Throws LannerError `store_unusable`, `usage` if `out` exists.
 */
export function copyHistory(directory: string, out: string): { findings: number; misses: number } {
  const file = join(directory, fileName);
  if (!existsSync(file))
    throw new LannerError(
      'store_unusable',
      `${file} does not exist`,
      'Check state_dir; no Lanner ran there yet.',
    );
  if (existsSync(out))
    throw new LannerError('usage', `${out} exists`, 'Name a new file, or remove this one.');
  const part = `${out}.new`;
  rmSync(part, { force: true });
  try {
    const counts = copyInto(part, file);
    chmodSync(part, 0o600);
    renameSync(part, out);
    return counts;
  } catch (error) {
    throw new LannerError(
      'store_unusable',
      `${file} cannot be copied to ${out}: ${messageOf(error)}`,
      'Check both files and the room on disk.',
      { cause: error },
    );
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(part + suffix, { force: true });
  }
}

function copyInto(part: string, file: string): { findings: number; misses: number } {
  const copy = new Database(part);
  try {
    for (const step of migrations) copy.exec(step);
    copy.exec(`PRAGMA user_version=${migrations.length}; PRAGMA application_id=${applicationId}`);
    copy.prepare('ATTACH ? AS source').run(file);
    // One transaction: all tables as of one moment, whatever a running Lanner writes meanwhile.
    copy.exec('BEGIN');
    const [findings = 0, misses = 0] = tables.map((table) => copyTable(copy, table));
    copy.exec('COMMIT; DETACH source');
    const [check] = copy.pragma('quick_check(1)') as { quick_check: string }[];
    if (check?.quick_check !== 'ok') throw new Error(`quick_check: ${check?.quick_check}`);
    return { findings, misses };
  } finally {
    copy.close();
  }
}

/** An older store lacks the younger tables. */
function copyTable(copy: Database.Database, table: string): number {
  const columnsOf = (schema: string) =>
    (copy.prepare(`SELECT name FROM pragma_table_info(?, ?)`).all(table, schema) as { name: string }[]).map(
      ({ name }) => name,
    );
  const theirs = columnsOf('source');
  const columns = columnsOf('main').filter((column) => theirs.includes(column));
  if (columns.length === 0) return 0;
  const list = columns.join(', ');
  return copy.prepare(`INSERT INTO main.${table} (${list}) SELECT ${list} FROM source.${table}`).run()
    .changes;
}
