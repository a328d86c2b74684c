//! A change of one user, ready to be written: all that either database is told of it, made before its turn comes.

use scim_core::search::IndexedValue;
use serde_json::json;
use uuid::Uuid;

use super::{Renewal, UserState, write::Columns};
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
    pub(crate) values: Values,
    pub(crate) event: Rows,
}

/// Which of its values change, `[[path, value], …]` each.
pub(crate) struct Values {
    /// Those that end; `None`: all but the added ones.
    pub(crate) ended: Option<String>,
    /// Those that are added, each once.
    pub(crate) added: String,
}

/// Nothing of them.
pub(crate) const NO_VALUES: &str = "[]";

impl Values {
    /// Those of a new user.
    pub(super) fn of_new(state: &UserState) -> Self {
        Self { ended: Some(NO_VALUES.to_owned()), added: pairs(&state.values) }
    }

    /// Those of one that has had others.
    pub(super) fn of_next(state: &UserState) -> Self {
        match &state.renewal {
            Renewal::All => Self { ended: None, added: pairs(&state.values) },
            Renewal::Of { ended, added } => Self { ended: Some(pairs(ended)), added: pairs(added) },
        }
    }
}

/// What was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The groups of a user that was replaced, `[[id, displayName, level], …]`; `None`: none.
    pub(crate) groups: Option<String>,
}

fn pairs(values: &[IndexedValue]) -> String {
    let pair = |one: &IndexedValue| json!([one.path, one.value]);
    serde_json::Value::Array(values.iter().map(pair).collect()).to_string()
}
