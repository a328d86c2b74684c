//! What the planner of the database knows of tables that have just been filled.

use sea_orm::ConnectionTrait;

use crate::{Store, StoreError, store::Backend};

impl Store {
    /// Has the statistics taken anew of tables that have grown to twice their size since; gives how many that were. To be
    /// called now and then, by any node: PostgreSQL would do it by itself after some minutes, and until then plan as if the
    /// tables were empty. SQLite needs none: its plans here do not depend on sizes.
    pub async fn refresh_statistics(&self) -> Result<i32, StoreError> {
        if self.inner.backend == Backend::Sqlite {
            return Ok(0);
        }
        let row = self.inner.db.query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            "SELECT analyze_grown_tables()",
        ));
        row.await?.map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }
}
