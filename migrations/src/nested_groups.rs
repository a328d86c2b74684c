//! Indexes for memberships through other groups.

use sea_orm::ConnectionTrait;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::dialect::translate;

/// See the module.
pub(crate) struct NestedGroups;

impl MigrationName for NestedGroups {
    fn name(&self) -> &'static str {
        "m20261125_000004_nested_groups"
    }
}

#[allow(elided_lifetimes_in_paths, reason = "the trait's signature leaves the lifetime out")]
#[async_trait::async_trait]
impl MigrationTrait for NestedGroups {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = translate(include_str!("nested_groups/tables.sql"), manager.get_database_backend());
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }
}
