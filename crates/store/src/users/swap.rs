//! A user made or replaced by one statement (PostgreSQL), with its indexed values and its event.

use sea_orm::Value;
use serde_json::json;

use super::{LEVELS, Membership, UserState, look_up::groups_of, write::Columns};
use crate::{
    ChangeContext, StoreError, TenantScope, UserId,
    record::{Event, Rows},
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
        values.push(indexed(state).into());
        let rows = Rows::of(self.tenant, now, event, context)?;
        let event = rows.id();
        values.extend(rows.into_arguments());
        let rows = self.call("create_user", values, event).await?;
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
        values.extend([Value::String(indexed), LEVELS.into()]);
        let rows = Rows::of(self.tenant, now, event, context)?;
        let event = rows.id();
        values.extend(rows.into_arguments());
        let rows = self.call("replace_user", values, event).await?;
        rows.first().map(groups_of).transpose()
    }

    /// The arguments that both functions begin with.
    fn values_of(&self, id: UserId, columns: Columns, expected: Option<i64>) -> Vec<Value> {
        let mut values = vec![self.tenant.into(), Value::BigInt(self.terms.layout_version), id.0.into()];
        values.extend(expected.map(Value::from));
        values.extend(columns.values());
        values
    }
}

/// `[[path, value], …]`.
fn indexed(state: &UserState) -> String {
    let pairs = state.values.iter().map(|one| json!([one.path, one.value]));
    serde_json::Value::Array(pairs.collect()).to_string()
}
