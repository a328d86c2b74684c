//! A user made or replaced by one statement (PostgreSQL), with its indexed values and its event.

use sea_orm::{DbBackend, QueryResult, Statement, Value};
use serde_json::json;

use super::{LEVELS, Membership, UserState, look_up::groups_of, write::Columns};
use crate::{
    ChangeContext, StoreError, TenantScope, UserId,
    record::{Event, event_values},
};

impl TenantScope {
    /// Makes a user at this time.
    pub(super) async fn create_at_once(
        &self,
        id: UserId,
        (state, columns): (&UserState, Columns),
        event: Event,
        (now, context): (i64, &ChangeContext),
    ) -> Result<(), StoreError> {
        let mut values = self.values_of(id, columns, None);
        values.extend([now.into(), indexed(state).into()]);
        let (event_id, event) = event_values(event, context)?;
        values.push(event_id.into());
        values.extend(event);
        let rows = self.call("create_user", values).await?;
        match rows.first().map(|row| row.try_get_by_index::<bool>(0)).transpose()? {
            Some(true) => Ok(()),
            _ => Err(StoreError::Reconfigured),
        }
    }

    /// Replaces the state of a live user that still has the expected version; gives its groups. `None`: there is no such
    /// user, or users are made otherwise by now.
    pub(super) async fn replace_at_once(
        &self,
        (id, expected): (UserId, i64),
        (state, columns): (&UserState, Columns),
        event: Event,
        (now, context): (i64, &ChangeContext),
    ) -> Result<Option<Vec<Membership>>, StoreError> {
        let mut values = self.values_of(id, columns, Some(expected));
        let indexed = state.renews_values.then(|| indexed(state));
        values.extend([now.into(), Value::String(indexed), LEVELS.into()]);
        let name = event.event;
        let (event_id, event) = event_values(event, context)?;
        values.extend([event_id.into(), name.into()]);
        values.extend(event);
        let rows = self.call("replace_user", values).await?;
        rows.first().map(groups_of).transpose()
    }

    /// The arguments that both functions begin with.
    fn values_of(&self, id: UserId, columns: Columns, expected: Option<i64>) -> Vec<Value> {
        let mut values = vec![self.tenant.into(), Value::BigInt(self.terms.layout_version), id.0.into()];
        values.extend(expected.map(Value::from));
        values.extend(columns.values());
        values
    }

    async fn call(&self, function: &'static str, values: Vec<Value>) -> Result<Vec<QueryResult>, StoreError> {
        let slots: Vec<String> = (1..=values.len()).map(|slot| format!("${slot}")).collect();
        let sql = format!("SELECT * FROM {function}({})", slots.join(", "));
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let rows = self.inner.write_once(statement).await?;
        self.inner.recorded.notify_one();
        Ok(rows)
    }
}

/// `[[path, value], …]`.
fn indexed(state: &UserState) -> String {
    let pairs = state.values.iter().map(|one| json!([one.path, one.value]));
    serde_json::Value::Array(pairs.collect()).to_string()
}
