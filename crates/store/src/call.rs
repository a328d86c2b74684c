//! Functions of PostgreSQL that carry out a change, with its events, in one round trip.

use sea_orm::{DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::{
    StoreError, TenantScope,
    at_hand::Shelf,
    error::{is_broken_connection, of_commit},
};

impl TenantScope {
    /// Calls a function that records this event. A connection that the server has ended meanwhile is found out only now, so
    /// the call is made again on another one, unless the event says that it was carried out. [`StoreError::Unknown`] when it
    /// was, as its answer is gone, and when nobody can say, as the database is gone.
    pub(crate) async fn call(
        &self,
        shelf: &Shelf,
        function: &'static str,
        values: Vec<Value>,
        event: Uuid,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let slots: Vec<String> = (1..=values.len()).map(|slot| format!("${slot}")).collect();
        let sql = format!("SELECT * FROM {function}({})", slots.join(", "));
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let mut spare = self.inner.max_connections;
        let rows = loop {
            match shelf.run(statement.clone()).await? {
                Ok(rows) => break rows,
                Err(error) if spare > 0 && is_broken_connection(&error) => {
                    spare -= 1;
                    if was_sent(&error) && self.is_recorded(event).await.unwrap_or(true) {
                        return Err(StoreError::Unknown(error));
                    }
                }
                Err(error) if was_sent(&error) => return Err(of_commit(error)),
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

/// Did the statement leave for the database? What fails before, on the way to a connection, was never carried out.
fn was_sent(error: &DbErr) -> bool {
    !matches!(error, DbErr::Conn(_))
}
