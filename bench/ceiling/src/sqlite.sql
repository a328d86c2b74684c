-- The shape of bench/pg/schema.sql on SQLite. An ordinary rowid table: WITHOUT ROWID makes the file four times as large.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -65536;
PRAGMA mmap_size = 268435456;
CREATE TABLE IF NOT EXISTS users (
  tenant_id    BLOB NOT NULL,
  id           BLOB NOT NULL,
  user_name    TEXT NOT NULL,
  user_name_ci TEXT NOT NULL,
  version      INTEGER NOT NULL DEFAULT 1,
  active       INTEGER NOT NULL DEFAULT 1,
  created_at   INTEGER NOT NULL DEFAULT (unixepoch()),
  data         TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS users_name ON users (tenant_id, user_name_ci);
CREATE TABLE IF NOT EXISTS audit (
  seq INTEGER PRIMARY KEY, tenant_id BLOB NOT NULL, at INTEGER NOT NULL DEFAULT (unixepoch()),
  actor TEXT, action TEXT, resource_id BLOB, detail TEXT
);
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY, tenant_id BLOB NOT NULL, at INTEGER NOT NULL DEFAULT (unixepoch()),
  topic TEXT, payload TEXT
);
