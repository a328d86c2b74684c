//! What the database is reminded of: statistics of tables that have just been filled, entries that wait for their index.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use crate::{Store, StoreError, store::Backend};

impl Store {
    /// Has the statistics taken anew of tables that have grown to twice their size since; gives how many that were. To be
    /// called now and then, by any node: PostgreSQL would do it by itself after some minutes, and until then plan as if the
    /// tables were empty. SQLite needs none: its plans here do not depend on sizes.
    pub async fn refresh_statistics(&self) -> Result<i32, StoreError> {
        if self.inner.backend == Backend::Sqlite {
            return Ok(0);
        }
        let row = self.postgres_row("SELECT analyze_grown_tables()").await?;
        row.map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }

    /// Puts new entries of the index of parts of names into their place; gives how many pages of them there were. Until then
    /// each search reads them one by one. To be called now and then, by any node: else whoever writes the one that is too
    /// many does it, and a vacuum.
    pub async fn file_new_parts(&self) -> Result<i64, StoreError> {
        if !self.inner.finds_parts {
            return Ok(0);
        }
        let row = self.postgres_row("SELECT file_new_parts()").await?;
        row.map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }

    async fn postgres_row(&self, sql: &str) -> Result<Option<QueryResult>, StoreError> {
        Ok(self.inner.db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?)
    }
}
