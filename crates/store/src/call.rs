//! Functions of PostgreSQL that carry out a change, with its events, in one round trip.

use sea_orm::{DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::{StoreError, TenantScope, at_hand::AtHand, error::is_broken_connection};

impl TenantScope {
    /// Calls a function that records this event. A connection that the server has ended meanwhile is found out only now, so
    /// the call is made again on another one, unless the event says that it was carried out.
    pub(crate) async fn call(
        &self,
        function: &'static str,
        values: Vec<Value>,
        event: Uuid,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let AtHand::Postgres(shelf) = &self.inner.at_hand else {
            return Err(StoreError::Setup(format!("SQLite has no function {function}")));
        };
        let slots: Vec<String> = (1..=values.len()).map(|slot| format!("${slot}")).collect();
        let sql = format!("SELECT * FROM {function}({})", slots.join(", "));
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let mut spare = self.inner.max_connections;
        let rows = loop {
            match shelf.run(statement.clone()).await? {
                Ok(rows) => break rows,
                Err(error) if spare > 0 && is_broken_connection(&error) => {
                    spare -= 1;
                    if self.is_recorded(event).await? {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        };
        self.inner.recorded.notify_one();
        Ok(rows)
    }

    async fn is_recorded(&self, event: Uuid) -> Result<bool, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT a.id FROM audit a WHERE a.tenant_id = ? AND a.id = ?",
            [tx.tenant_value(), event.into()],
        );
        let found = tx.one(sql).await?.is_some();
        tx.commit().await?;
        Ok(found)
    }
}
