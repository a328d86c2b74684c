//! Large tables in partitions by tenant, on PostgreSQL: how they are now, and cutting them anew or making them whole again.
//!
//! A table does not become a partitioned one: it is made anew as its catalog describes it, its rows are copied, and it takes
//! the old one's name, all tables in one transaction. So there is one mechanism for every number of partitions, none
//! included, and whatever ends it midway leaves everything as it was.

mod blueprint;
mod names;
mod rebuild;

use migrations::LARGE_TABLES;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};

use crate::{
    Store, StoreError, StoreOptions,
    connect::{self, Address},
    error::is_out_of_locks,
    store::Backend,
};

pub(crate) use names::{of_whole, settle};

/// Most partitions of a table.
pub const MOST: u32 = 64;

/// What [`Store::partition`] is to do.
pub struct Partitioning<'a> {
    /// How many partitions each large table shall have: 0 (it is whole), or 2, 4, 8 … [`MOST`].
    pub partitions: u32,
    /// Also while servers are connected? Their requests wait then, for 20 s at most.
    pub while_serving: bool,
    /// Told how far it is.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// How far a rebuild is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// What is being done, for people.
    pub step: &'a str,
    /// Bytes of rows that were copied.
    pub copied: u64,
    /// Bytes of rows that are to be copied.
    pub bytes: u64,
}

/// A table that was rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Its name.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
}

/// How many partitions a large table has; 0: it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Name of the table.
    pub table: String,
    /// Number of partitions.
    pub partitions: u32,
}

impl Store {
    /// Cuts the large tables into partitions by tenant, or makes them whole again; those that are so already stay. As the
    /// owner, in one transaction, with the tables locked: all or nothing. Gives what was rebuilt.
    ///
    /// [`StoreError::Setup`]: it is SQLite, the number is none of those that are allowed, servers are connected, or a table
    /// has something that would be lost; nothing was changed.
    pub async fn partition(
        options: &StoreOptions,
        wanted: &Partitioning<'_>,
    ) -> Result<Vec<Rebuilt>, StoreError> {
        let address = Address::parse(options.migrate_url.as_deref().unwrap_or(&options.url))?;
        if address.backend() == Backend::Sqlite {
            return Err(StoreError::Setup("partitions are of PostgreSQL alone: SQLite has none".into()));
        }
        if wanted.partitions != 0
            && !(wanted.partitions.is_power_of_two() && (2..=MOST).contains(&wanted.partitions))
        {
            return Err(StoreError::Setup(format!(
                "the number of partitions must be 0 (whole tables) or a power of two from 2 to {MOST}"
            )));
        }
        let lock = connect::migration_lock(&address, options).await?;
        let db = connect::owner(&address, options).await?;
        let outcome = async {
            let tx = db.begin().await?;
            let rebuilt = rebuild::all(&tx, wanted).await?;
            tx.commit().await?;
            Ok(rebuilt)
        };
        let rebuilt: Result<_, StoreError> = outcome.await;
        connect::close(&db).await;
        lock.release().await;
        rebuilt.map_err(|error| match error {
            StoreError::Unavailable(cause) if is_out_of_locks(&cause) => {
                StoreError::Setup(rebuild::too_few_locks())
            }
            error => error,
        })
    }

    /// How the large tables are kept; none on SQLite.
    pub async fn shapes(&self) -> Result<Vec<Shape>, StoreError> {
        if self.inner.backend == Backend::Sqlite {
            return Ok(Vec::new());
        }
        shapes(&self.inner.db).await
    }
}

/// Those of the large tables that are there, in the order of their list.
async fn shapes(db: &impl ConnectionTrait) -> Result<Vec<Shape>, StoreError> {
    let sql = "SELECT c.relname::text, (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = c.oid) \
               FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') \
               AND c.relname::text = ANY (string_to_array($1, ','))";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [LARGE_TABLES.join(",").into()]);
    let mut found = Vec::new();
    for row in db.query_all_raw(statement).await? {
        let partitions: i64 = row.try_get_by_index(1)?;
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
        found.push(Shape { table: row.try_get_by_index(0)?, partitions });
    }
    found.sort_by_key(|shape| LARGE_TABLES.iter().position(|table| *table == shape.table));
    Ok(found)
}
