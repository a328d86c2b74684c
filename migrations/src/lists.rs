//! The second migration: an index for `eq` inside documents, an index on times of change, and the state of walks.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::dialect::translate;

/// See the module.
pub(crate) struct Lists;

impl MigrationName for Lists {
    fn name(&self) -> &'static str {
        "m20261125_000002_lists"
    }
}

#[allow(elided_lifetimes_in_paths, reason = "the trait's signature leaves the lifetime out")]
#[async_trait::async_trait]
impl MigrationTrait for Lists {
    /// All or nothing on both databases.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let backend = manager.get_database_backend();
        db.execute_unprepared(&translate(include_str!("lists/tables.sql"), backend)).await?;
        db.execute_unprepared(match backend {
            DbBackend::Sqlite => include_str!("lists/sqlite.sql"),
            _ => include_str!("lists/postgres.sql"),
        })
        .await?;
        Ok(())
    }
}
