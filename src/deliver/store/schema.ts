/** "LANR": tells our files from other SQLite files. */
export const applicationId = 0x4c414e52;

/**
 * What each version adds. A file's `user_version` is how many of these it has; a step that has been released
 * never changes. The payload stands last in its row, so that listing does not read it.
 *
 * `compatibility.readable_from` is the oldest version whose Lanner can use the file: a step that only adds
 * tables, or columns with a default, leaves it as it is; any other raises it to its own version. A Lanner that
 * finds a newer file goes on with it if it may, and else sets it aside.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE deliveries (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     sink TEXT NOT NULL,
     severity TEXT NOT NULL,
     order_key TEXT NOT NULL,
     accepted_ms INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     batchable INTEGER NOT NULL,
     hold TEXT,
     unit TEXT,
     payload TEXT NOT NULL
   ) STRICT;
   CREATE TABLE dead_letters (
     id TEXT PRIMARY KEY,
     sink TEXT NOT NULL,
     severity TEXT NOT NULL,
     order_key TEXT NOT NULL,
     accepted_ms INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     batchable INTEGER NOT NULL,
     reason TEXT NOT NULL,
     detail TEXT NOT NULL,
     died_ms INTEGER NOT NULL,
     payload TEXT NOT NULL
   ) STRICT;
   CREATE INDEX dead_letters_died ON dead_letters (died_ms);`,
  `CREATE TABLE history (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     revision INTEGER NOT NULL,
     time TEXT NOT NULL,
     kept_ms INTEGER NOT NULL,
     severity TEXT NOT NULL,
     tool TEXT,
     image TEXT,
     namespace TEXT,
     workload TEXT,
     indicators TEXT NOT NULL,
     exceptions TEXT NOT NULL,
     hidden INTEGER NOT NULL,
     sinks TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     payload TEXT NOT NULL
   ) STRICT;
   CREATE INDEX history_time ON history (time);`,
  `CREATE TABLE misses (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     revision INTEGER NOT NULL,
     time TEXT NOT NULL,
     kept_ms INTEGER NOT NULL,
     severity TEXT NOT NULL,
     tool TEXT,
     image TEXT,
     namespace TEXT,
     workload TEXT,
     indicators TEXT NOT NULL,
     exceptions TEXT NOT NULL,
     hidden INTEGER NOT NULL,
     sinks TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     stands_for INTEGER NOT NULL DEFAULT 1,
     payload TEXT NOT NULL
   ) STRICT;
   CREATE INDEX misses_time ON misses (time);
   CREATE TABLE labels (
     exec TEXT PRIMARY KEY,
     label TEXT NOT NULL,
     note TEXT,
     time TEXT NOT NULL
   ) STRICT;
   CREATE TABLE compatibility (readable_from INTEGER NOT NULL) STRICT;
   INSERT INTO compatibility VALUES (3);`,
];
