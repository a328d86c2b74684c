//! A migration that is SQL and nothing else.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::dialect::translate;

/// The SQL of one migration, carried out in this order, all or nothing on both databases.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    /// Name; migrations are applied in the order of their list, once each.
    pub(crate) name: &'static str,
    /// For both databases, with the placeholders of [`crate::dialect`].
    pub(crate) tables: &'static str,
    /// What only PostgreSQL has.
    pub(crate) postgres: &'static str,
    /// What only SQLite has.
    pub(crate) sqlite: &'static str,
    /// Tables of it that hold rows of tenants: put under forced row-level security on PostgreSQL.
    pub(crate) tenant_tables: &'static [&'static str],
}

impl MigrationName for Script {
    fn name(&self) -> &str {
        self.name
    }
}

#[allow(elided_lifetimes_in_paths, reason = "the trait's signature leaves the lifetime out")]
#[async_trait::async_trait]
impl MigrationTrait for Script {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let backend = manager.get_database_backend();
        db.execute_unprepared(&translate(self.tables, backend)).await?;
        if backend == DbBackend::Sqlite {
            db.execute_unprepared(self.sqlite).await?;
            return Ok(());
        }
        db.execute_unprepared(self.postgres).await?;
        for table in self.tenant_tables {
            db.execute_unprepared(&row_level_security(table)).await?;
        }
        Ok(())
    }
}

/// Rows of a tenant are seen and written only in a transaction that has set this tenant, by the owner too.
fn row_level_security(table: &str) -> String {
    let of_tenant = "tenant_id = NULLIF(current_setting('rollcall.tenant', true), '')::uuid";
    format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY; \
         CREATE POLICY {table}_of_tenant ON {table} USING ({of_tenant}) WITH CHECK ({of_tenant})"
    )
}
