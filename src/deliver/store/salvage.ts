import Database from 'libsql';

/** What could be read of a damaged file and stands in the new one. */
export interface Salvaged {
  deliveries: number;
  dead_letters: number;
  findings: number;
  misses: number;
}

/** The start waits for it: what was not reached by then stays in the file that was set aside. */
const longestMs = 10_000;

/**
 * Takes over whatever a damaged file still gives, deliveries first. A table is read from both ends, since a
 * damaged page ends the reading. Never throws.
 */
export function salvage(from: string, into: Database.Database): Salvaged {
  const none = { deliveries: 0, dead_letters: 0, findings: 0, misses: 0 };
  let damaged: Database.Database;
  try {
    damaged = new Database(from, { readonly: true });
    // Without it, a file that is shorter than its header says gives nothing at all.
    damaged.pragma('writable_schema=ON');
  } catch {
    return none;
  }
  const until = Date.now() + longestMs;
  const table = (name: string) => salvageTable(damaged, into, name, until);
  try {
    const deliveries = table('deliveries');
    const dead_letters = table('dead_letters');
    table('labels');
    return { deliveries, dead_letters, findings: table('history'), misses: table('misses') };
  } finally {
    damaged.close();
  }
}

function salvageTable(
  damaged: Database.Database,
  into: Database.Database,
  name: string,
  until: number,
): number {
  const columns = columnsOf(into, name).filter((column) => columnsOf(damaged, name).includes(column));
  if (columns.length === 0) return 0;
  const marks = columns.map(() => '?').join(', ');
  const insert = into.prepare(`INSERT OR IGNORE INTO ${name} (${columns.join(', ')}) VALUES (${marks})`);
  let count = 0;
  into.exec('BEGIN IMMEDIATE');
  for (const order of ['ASC', 'DESC'])
    try {
      const rows = damaged.prepare(`SELECT ${columns.join(', ')} FROM ${name} ORDER BY rowid ${order}`);
      for (const row of rows.iterate() as Iterable<Record<string, unknown>>) {
        if (Date.now() > until) break;
        if (!isWhole(row)) continue;
        count += taken(
          insert,
          columns.map((column) => row[column]),
        );
      }
    } catch {
      // The damage: what stands behind it is tried from the other end.
    }
  into.exec('COMMIT');
  return count;
}

function isWhole({ payload }: Record<string, unknown>): boolean {
  if (payload === undefined) return true;
  try {
    return typeof JSON.parse(String(payload)) === 'object';
  } catch {
    return false;
  }
}

/** The table's own rules refuse what the damage made of a row. */
function taken(insert: Database.Statement, values: unknown[]): number {
  try {
    return insert.run(...values).changes;
  } catch {
    return 0;
  }
}

function columnsOf(database: Database.Database, table: string): string[] {
  try {
    const rows = database.pragma(`table_info(${table})`) as { name: string }[];
    return rows.map(({ name }) => name).filter((name) => name !== 'seq');
  } catch {
    return [];
  }
}
