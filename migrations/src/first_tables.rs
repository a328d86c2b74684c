//! The first migration: all tables, and on PostgreSQL the application role and forced row-level security.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};
use uuid::Uuid;

use crate::dialect::translate;

/// See the module.
pub(crate) struct FirstTables;

impl MigrationName for FirstTables {
    fn name(&self) -> &'static str {
        "m20261122_000001_first_tables"
    }
}

#[allow(elided_lifetimes_in_paths, reason = "the trait's signature leaves the lifetime out")]
#[async_trait::async_trait]
impl MigrationTrait for FirstTables {
    /// All or nothing on both databases.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let backend = manager.get_database_backend();
        db.execute_unprepared(&translate(include_str!("first_tables/tables.sql"), backend)).await?;
        db.execute_unprepared(match backend {
            DbBackend::Sqlite => include_str!("first_tables/sqlite.sql"),
            _ => include_str!("first_tables/postgres.sql"),
        })
        .await?;
        let id = Uuid::now_v7();
        let sql = match backend {
            DbBackend::Sqlite => "INSERT INTO installation (id, created_at) VALUES (?, ?)",
            _ => "INSERT INTO installation (id, created_at) VALUES ($1, $2)",
        };
        db.execute_raw(Statement::from_sql_and_values(backend, sql, [id.into(), milliseconds(id).into()]))
            .await?;
        Ok(())
    }
}

/// The time in a UUIDv7, in milliseconds since 1970 UTC.
fn milliseconds(id: Uuid) -> i64 {
    let (seconds, nanos) = id.get_timestamp().map_or((0, 0), |time| time.to_unix());
    i64::try_from(seconds).unwrap_or(0) * 1000 + i64::from(nanos / 1_000_000)
}
