//! Credentials that stand for one user.

use sea_orm::ConnectionTrait;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::dialect::translate;

/// See the module.
pub(crate) struct CredentialUsers;

impl MigrationName for CredentialUsers {
    fn name(&self) -> &'static str {
        "m20261125_000003_credential_users"
    }
}

#[allow(elided_lifetimes_in_paths, reason = "the trait's signature leaves the lifetime out")]
#[async_trait::async_trait]
impl MigrationTrait for CredentialUsers {
    /// All or nothing on both databases.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = translate(include_str!("credential_users/tables.sql"), manager.get_database_backend());
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }
}
