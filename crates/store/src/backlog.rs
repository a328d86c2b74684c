//! What operators see of the store: its connections, and the events that nobody is told of yet.

use sea_orm::ConnectionTrait as _;
use uuid::Uuid;

use crate::{
    Store, StoreError, at_hand::AtHand, statement::Sql, store::Backend, trail::Owner, tx::limit_statements,
};

/// Tenants whose oldest entry is looked at, at most.
const TENANTS: i64 = 1_000;

/// Entries that are counted at most.
const COUNTED: i64 = 10_000;

/// Connections that requests share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Open and free.
    pub idle: u32,
    /// In use.
    pub used: u32,
    /// How many there may be.
    pub max: u32,
}

/// Entries that are committed and have no number yet, and so events that nobody is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unnumbered {
    /// So many, or more than are counted.
    pub entries: u64,
    /// When the oldest was made, in milliseconds.
    pub oldest_at: Option<i64>,
}

impl Store {
    /// The connections as they are now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let inner = &self.inner;
        let (open, idle, max) = match &inner.at_hand {
            AtHand::Postgres(shelf) => {
                let pool = inner.db.get_postgres_connection_pool();
                (pool.size(), pool.num_idle() + shelf.idle_count(), pool.options().get_max_connections())
            }
            AtHand::Sqlite(_) => {
                let pool = inner.db.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle(), pool.options().get_max_connections())
            }
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
        Connections { idle, used: open - idle, max }
    }

    /// What waits for its number: of all tenants, and of the installation; whether it may be numbered now or has to wait for
    /// a transaction that is still open. The oldest is that of the first thousand tenants that have some.
    pub async fn unnumbered(&self) -> Result<Unnumbered, StoreError> {
        let backend = self.inner.backend;
        let tx = self.inner.begin_read().await?;
        limit_statements(&tx.db, backend).await?;
        if backend == Backend::Postgres {
            // Until this transaction ends the rows of all that have no number are shown; see `tenants_to_number`.
            tx.db.execute_unprepared("SELECT set_config('rollcall.numbering', 'on', true)").await?;
        }
        let mut found = Unnumbered::default();
        for sql in [of_tenants(backend), of_installation(backend)] {
            if let Some(row) = tx.db.query_one_raw(sql.into_statement()).await? {
                found.entries += row.try_get_by_index::<i64>(0)?.unsigned_abs();
                let oldest: Option<i64> = row.try_get_by_index(1)?;
                found.oldest_at = found.oldest_at.into_iter().chain(oldest).min();
            }
        }
        tx.commit().await?;
        Ok(found)
    }
}

/// From one tenant that has some to the next, by looks at the index: the first entry of each, which is its oldest.
fn of_tenants(backend: Backend) -> Sql {
    let mut sql = Sql::new(backend, Uuid::nil());
    let next = |sql: &mut Sql, what: &'static str| {
        sql.push("(SELECT ").push(what).push(" FROM audit a").dialect("", " INDEXED BY audit_unnumbered");
        sql.push(" WHERE a.seq IS NULL AND a.tenant_id ");
    };
    sql.push("WITH RECURSIVE found (tenant) AS (SELECT ").tenant().push(" UNION ALL SELECT ");
    next(&mut sql, "a.tenant_id");
    sql.push("> f.tenant ORDER BY a.tenant_id LIMIT 1) FROM found f WHERE f.tenant IS NOT NULL) ");
    sql.push("SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM audit a")
        .dialect("", " INDEXED BY audit_unnumbered")
        .push(" WHERE a.seq IS NULL ORDER BY a.tenant_id, a.id LIMIT ");
    sql.bind(COUNTED).push(") x), (SELECT MIN(x.at) FROM (SELECT ");
    next(&mut sql, "a.at");
    sql.push("= f.tenant ORDER BY a.id LIMIT 1) AS at FROM found f LIMIT ").bind(TENANTS).push(") x)");
    sql
}

fn of_installation(backend: Backend) -> Sql {
    let mut sql = Sql::new(backend, Uuid::nil());
    sql.push("SELECT COUNT(*), MIN(x.at) FROM (SELECT a.at");
    Owner::Installation(Uuid::nil()).unnumbered(&mut sql).push(" LIMIT ").bind(COUNTED).push(") x");
    sql
}
