//! A user made or replaced at once, with its indexed values and its event: on PostgreSQL by one statement, on SQLite by the
//! writer ([`crate::sqlite`]).

use sea_orm::{QueryResult, Value};

use super::{
    LEVELS, Membership, UserState,
    look_up::groups_of,
    single::{Single, Values, Written},
    write::Columns,
};
use crate::{
    ChangeContext, StoreError, TenantScope, UserId,
    at_hand::{AtHand, Shelf},
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
        let event = Rows::of(self.tenant, now, event, context)?;
        let change = self.single((id, None), columns, Values::of_new(state), event);
        match self.write_single(change).await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Reconfigured),
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
        let event = Rows::of(self.tenant, now, event, context)?;
        let change = self.single((id, Some(expected)), columns, Values::of_next(state), event);
        let written = self.write_single(change).await?;
        written.map(|written| groups_of(written.groups.as_deref())).transpose()
    }

    fn single(
        &self,
        (id, expected): (UserId, Option<i64>),
        columns: Columns,
        values: Values,
        event: Rows,
    ) -> Single {
        Single {
            tenant: self.tenant,
            layout: self.terms.layout_version,
            id: id.0,
            expected,
            columns,
            values,
            event,
        }
    }

    /// `None`: nothing was written, as there is no such user, or users are made otherwise by now.
    async fn write_single(&self, change: Single) -> Result<Option<Written>, StoreError> {
        match &self.inner.at_hand {
            AtHand::Postgres(shelf) => self.call_for(shelf, change).await,
            AtHand::Sqlite(sqlite) => sqlite.write(change).await,
        }
    }

    /// Calls the function that carries it out.
    async fn call_for(&self, shelf: &Shelf, change: Single) -> Result<Option<Written>, StoreError> {
        let (event, is_new) = (change.event.entry.id, change.expected.is_none());
        let (function, values) = function_of(change);
        let rows = self.call(shelf, function, values, event).await?;
        rows.first().map_or(Ok(None), |row| written(row, is_new))
    }
}

/// PostgreSQL's function for a change, and its arguments.
fn function_of(change: Single) -> (&'static str, Vec<Value>) {
    let mut values = vec![change.tenant.into(), Value::BigInt(change.layout), change.id.into()];
    values.extend(change.expected.map(Value::from));
    values.extend(change.columns.values());
    values.push(change.values.added.into());
    let function = match change.expected {
        None => "create_user",
        Some(_) => {
            values.extend([Value::String(change.values.ended), LEVELS.into()]);
            "replace_user"
        }
    };
    values.extend(change.event.into_arguments());
    (function, values)
}

/// The answer of a function: that of `create_user` says whether it made one.
fn written(row: &QueryResult, is_new: bool) -> Result<Option<Written>, StoreError> {
    if is_new {
        let made: bool = row.try_get_by_index(0)?;
        return Ok(made.then_some(Written { groups: None }));
    }
    Ok(Some(Written { groups: row.try_get_by_index(0)? }))
}
