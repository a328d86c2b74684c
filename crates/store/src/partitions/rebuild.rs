//! Making tables anew in another shape, in the transaction of the caller.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};

use super::{
    Partitioning, Progress, Rebuilt,
    blueprint::{Blueprint, ForeignKey, foreign_keys, revocations, rows},
    names::{partition, settle},
    shapes,
};
use crate::{StoreError, connect::SERVING, error::is_lock_timeout};

/// Blocks of a table that are copied by one statement: 64 MB, so that there is something to tell meanwhile.
const BLOCKS: u64 = 8192;

/// Bytes of a block, for what is told.
const BLOCK: u64 = 8192;

/// Longest wait for the tables.
const PATIENCE: Duration = Duration::from_secs(60);

/// Oldest PostgreSQL that reads a range of blocks without looking at the rest.
const OLDEST: i32 = 140_000;

/// Rebuilds the large tables that do not have the wanted number of partitions yet.
pub(super) async fn all(
    tx: &DatabaseTransaction,
    wanted: &Partitioning<'_>,
) -> Result<Vec<Rebuilt>, StoreError> {
    // Rather an error than a row that row-level security hides.
    run(
        tx,
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL row_security = off",
    )
    .await?;
    let names: Vec<&'static str> = {
        let now = shapes(tx).await?;
        let others = now.iter().filter(|shape| shape.partitions != wanted.partitions);
        others
            .filter_map(|shape| migrations::LARGE_TABLES.iter().find(|name| **name == shape.table))
            .copied()
            .collect()
    };
    if names.is_empty() {
        return Ok(Vec::new());
    }
    fit(tx, wanted).await?;
    let progress = Told { tell: wanted.progress, copied: 0, bytes: 0 };
    progress.step("waiting for the tables");
    lock(tx, &names).await?;

    let mut blueprints = Vec::new();
    for name in &names {
        blueprints.push(Blueprint::read(tx, name, wanted.partitions).await?);
    }
    room_for_locks(tx, &blueprints, wanted.partitions).await?;
    let keys = foreign_keys(tx, &names).await?;
    for key in &keys {
        run(tx, &key.drop).await?;
    }
    let progress = Told { bytes: blueprints.iter().map(Blueprint::blocks).sum::<u64>() * BLOCK, ..progress };
    let (mut rebuilt, mut progress) = (Vec::new(), progress);
    for blueprint in &blueprints {
        let rows = table(tx, blueprint, wanted.partitions, &mut progress).await?;
        rebuilt.push(Rebuilt { table: blueprint.name, rows });
    }
    finish(tx, &blueprints, &keys, wanted.partitions, &progress).await?;
    Ok(rebuilt)
}

/// What is told to the caller.
struct Told<'a> {
    tell: &'a (dyn Fn(Progress<'_>) + Sync),
    copied: u64,
    bytes: u64,
}

impl Told<'_> {
    fn step(&self, step: &str) {
        (self.tell)(Progress { step, copied: self.copied, bytes: self.bytes });
    }
}

/// Is this a server, and a moment, for it?
async fn fit(tx: &DatabaseTransaction, wanted: &Partitioning<'_>) -> Result<(), StoreError> {
    let version: i32 = number(tx, "SELECT current_setting('server_version_num')::int", Vec::new()).await?;
    if version < OLDEST {
        return Err(StoreError::Setup("partitions need PostgreSQL 14 or newer".into()));
    }
    if wanted.while_serving {
        return Ok(());
    }
    let sql = "SELECT count(*), COALESCE(string_agg(DISTINCT COALESCE(host(client_addr), 'this machine'), ', '), '') \
               FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ $1";
    // A pooler may add from where.
    for row in rows(tx, sql, vec![format!("^{SERVING}( - .*)?$").into()]).await? {
        let (connections, from): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if connections > 0 {
            return Err(StoreError::Setup(format!(
                "servers or other commands are connected to this database ({connections} connections from {from}): stop \
                 them first (a pooler in between keeps theirs: say RECONNECT to it then), or add --while-serving: then their \
                 requests wait, and are answered 503 after 20 s"
            )));
        }
    }
    Ok(())
}

/// Locks the tables, and those that foreign keys tie to them. Servers take them in many orders: so all or none, again and
/// again, each time for less than PostgreSQL waits before it looks for a deadlock and ends somebody's transaction.
async fn lock(tx: &DatabaseTransaction, names: &[&str]) -> Result<(), StoreError> {
    let sql = "SELECT DISTINCT quote_ident(x.name) FROM ( \
                   SELECT unnest(string_to_array($1, ',')) AS name \
                   UNION ALL \
                   SELECT unnest(ARRAY[s.relname::text, d.relname::text]) FROM pg_constraint c \
                   JOIN pg_class s ON s.oid = c.conrelid JOIN pg_class d ON d.oid = c.confrelid \
                   WHERE c.contype = 'f' AND c.conparentid = 0 AND s.relnamespace = current_schema()::regnamespace \
                   AND (s.relname::text = ANY (string_to_array($1, ',')) OR d.relname::text = ANY (string_to_array($1, ','))) \
               ) x ORDER BY 1";
    let found = rows(tx, sql, vec![names.join(",").into()]).await?;
    let tables = found.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?;
    let take = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", tables.join(", "));
    run(tx, "SET LOCAL lock_timeout = '700ms'; SAVEPOINT unlocked").await?;
    let begun = Instant::now();
    while let Err(error) = tx.execute_unprepared(&take).await {
        if !is_lock_timeout(&error) {
            return Err(error.into());
        }
        if begun.elapsed() > PATIENCE {
            return Err(StoreError::Setup(format!(
                "somebody has been working with the tables for {} s: stop the servers and other programs that use this \
                 database, and try again",
                PATIENCE.as_secs()
            )));
        }
        run(tx, "ROLLBACK TO SAVEPOINT unlocked").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    run(tx, "SET LOCAL lock_timeout = 0").await
}

/// Each part of each index is an entry in a table of fixed size that all sessions share.
async fn room_for_locks(
    tx: &DatabaseTransaction,
    blueprints: &[Blueprint],
    partitions: u32,
) -> Result<(), StoreError> {
    let parts = u64::from(partitions.max(1));
    let needed: u64 = blueprints.iter().map(|table| table.locks * (parts + table.parts.len() as u64)).sum();
    let sql = "SELECT current_setting('max_locks_per_transaction')::bigint \
               * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint)";
    let room: i64 = number(tx, sql, Vec::new()).await?;
    if needed > u64::try_from(room).unwrap_or(0) {
        return Err(StoreError::Setup(too_few_locks()));
    }
    Ok(())
}

/// What to do about [`room_for_locks`].
pub(super) fn too_few_locks() -> String {
    "the server's table of locks is too small for so many partitions: raise max_locks_per_transaction in postgresql.conf (256 \
     for 64 partitions), restart PostgreSQL and try again"
        .to_owned()
}

/// Rebuilds one table, but for foreign keys and what guards it; gives the number of its rows.
async fn table(
    tx: &DatabaseTransaction,
    old: &Blueprint,
    partitions: u32,
    progress: &mut Told<'_>,
) -> Result<u64, StoreError> {
    let name = old.name;
    let new = format!("{name}_new");
    let by = if partitions == 0 { "" } else { " PARTITION BY HASH (tenant_id)" };
    run(
        tx,
        &format!("CREATE TABLE {new} (LIKE {name} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY){by}"),
    )
    .await?;
    for part in 0..partitions {
        let values = format!("MODULUS {partitions}, REMAINDER {part}");
        run(
            tx,
            &format!("CREATE TABLE {} PARTITION OF {new} FOR VALUES WITH ({values})", partition(&new, part)),
        )
        .await?;
    }
    if !old.storage.is_empty() {
        let parts: Vec<String> = (0..partitions).map(|part| partition(&new, part)).collect();
        for part in if parts.is_empty() { std::slice::from_ref(&new) } else { &parts[..] } {
            run(tx, &format!("ALTER TABLE {part} SET ({})", old.storage)).await?;
        }
    }
    run(tx, &format!("ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")).await?;
    for part in &old.parts {
        run(tx, &format!("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", part.name)).await?;
        let mut first = 0;
        loop {
            let next = first + BLOCKS;
            let last = next >= part.blocks;
            // The last statement has no end: what a rough number of blocks leaves out would be lost.
            let end = if last { String::new() } else { format!(" AND ctid < '({next},0)'") };
            let columns = &old.columns;
            let copy = format!(
                "INSERT INTO {new} ({columns}) SELECT {columns} FROM ONLY {} WHERE ctid >= '({first},0)'{end}",
                part.name
            );
            run(tx, &copy).await?;
            progress.copied += (next.min(part.blocks.max(first)) - first) * BLOCK;
            progress.step(name);
            if last {
                break;
            }
            first = next;
        }
    }
    let count = format!("SELECT (SELECT count(*) FROM {name}), (SELECT count(*) FROM {new})");
    let counted = rows(tx, &count, Vec::new()).await?;
    let counted = counted.first().ok_or_else(|| crate::error::unreadable(name, "no count"))?;
    let (before, after): (i64, i64) = (counted.try_get_by_index(0)?, counted.try_get_by_index(1)?);
    if before != after {
        return Err(crate::error::unreadable(
            name,
            format_args!("{before} rows became {after}; nothing was changed"),
        ));
    }

    progress.step(&format!("{name}: indexes"));
    run(tx, &format!("DROP TABLE {name}")).await?;
    run(tx, &format!("ALTER TABLE {new} RENAME TO {name}")).await?;
    for part in 0..partitions {
        run(tx, &format!("ALTER TABLE {} RENAME TO {}", partition(&new, part), partition(name, part)))
            .await?;
    }
    for statement in &old.equipment {
        run(tx, statement).await?;
    }
    Ok(u64::try_from(after).unwrap_or(0))
}

/// What comes when all tables are there again.
async fn finish(
    tx: &DatabaseTransaction,
    tables: &[Blueprint],
    keys: &[ForeignKey],
    partitions: u32,
    progress: &Told<'_>,
) -> Result<(), StoreError> {
    settle(tx).await?;
    for key in keys {
        progress.step("foreign keys");
        run(tx, &key.make).await?;
    }
    progress.step("statistics");
    let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
    run(tx, &format!("ANALYZE {}", names.join(", "))).await?;
    progress.step("rights");
    for table in tables {
        let parts: Vec<String> = (0..partitions).map(|part| partition(table.name, part)).collect();
        let all: Vec<String> = [table.name.to_owned()].iter().chain(&parts).cloned().collect();
        for revoke in revocations(tx, &all).await? {
            run(tx, &revoke).await?;
        }
        // Rows are reached through the whole, whose policies say whose they are; past it nobody sees one, not even the owner.
        for part in &parts {
            let close = format!(
                "ALTER TABLE {part} ENABLE ROW LEVEL SECURITY; ALTER TABLE {part} FORCE ROW LEVEL SECURITY"
            );
            run(tx, &close).await?;
        }
        for statement in &table.guards {
            run(tx, statement).await?;
        }
        if let Some(owner) = &table.owner {
            for name in &all {
                run(tx, &format!("ALTER TABLE {name} OWNER TO {owner}")).await?;
            }
        }
    }
    Ok(())
}

async fn run(tx: &DatabaseTransaction, sql: &str) -> Result<(), StoreError> {
    tx.execute_unprepared(sql).await?;
    Ok(())
}

/// The one number that a question has for an answer.
async fn number<T: sea_orm::TryGetable>(
    tx: &DatabaseTransaction,
    sql: &str,
    values: Vec<Value>,
) -> Result<T, StoreError> {
    let found = rows(tx, sql, values).await?;
    let row = found.first().ok_or_else(|| crate::error::unreadable("answer", "no row"))?;
    Ok(row.try_get_by_index(0)?)
}
