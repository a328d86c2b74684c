//! A change of one user, ready to be written: all that either database is told of it, made before its turn comes.

use scim_core::search::IndexedValue;
use serde_json::json;
use uuid::Uuid;

use super::{UserState, write::Columns};
use crate::record::Rows;

/// A user made or replaced, with its indexed values and its event.
pub(crate) struct Single {
    pub(crate) tenant: Uuid,
    /// [`crate::Terms::layout_version`].
    pub(crate) layout: Option<i64>,
    pub(crate) id: Uuid,
    /// The version that the user has until then; `None`: it is a new one.
    pub(crate) expected: Option<i64>,
    pub(crate) columns: Columns,
    /// Its values, `[[path, value], …]`; `None`: they stay.
    pub(crate) indexed: Option<String>,
    pub(crate) event: Rows,
}

/// What was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The groups of a user that was replaced, `[[id, displayName, level], …]`; `None`: none.
    pub(crate) groups: Option<String>,
}

/// The values of a state, as [`Single::indexed`] has them.
pub(super) fn indexed(state: &UserState) -> String {
    let pair = |one: &IndexedValue| json!([one.path, one.value]);
    serde_json::Value::Array(state.values.iter().map(pair).collect()).to_string()
}
