//! Users of a tenant: each change is one transaction with its audit and outbox rows.

mod batch;
mod deleted;
mod known;
mod listing;
mod look_up;
mod paged;
mod read;
mod reindex;
mod single;
mod standing;
mod swap;
mod write;

use std::collections::HashSet;

use scim_core::{
    ResourceType,
    intake::Note,
    roles::Role,
    search::{self, IndexedValue},
};

use crate::{GroupId, StoreError, UserId, rows};

pub use batch::{Made, Together};
pub use deleted::{Admitted, COUNTED, Due, UserCounts};
pub use known::{Known, KnownBy, KnownQuery};
pub use listing::{Bounded, FOUND, FoundUsers, NamePage, NameQuery, Place, SCANNED, Sought, Standing};
pub(crate) use look_up::groups_statement;
pub(crate) use read::{LEVELS, USERS, user};
pub use reindex::Reindexed;
pub(crate) use single::{NO_VALUES, Single, Values, Written};

/// A group that a user is in (RFC 7643 §4.1.2, `groups`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Group.
    pub group: GroupId,
    /// Its displayName.
    pub display: String,
    /// Is the user a member itself? If not, then of a group that is in this one, directly or through others. Roles
    /// come from direct membership only.
    pub direct: bool,
}

impl Membership {
    /// `type`: `direct` or `indirect`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.direct { "direct" } else { "indirect" }
    }
}

/// A user as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// As sent.
    pub user_name: String,
    /// `active`; absent counts as true.
    pub active: bool,
    /// The canonical document.
    pub document: scim_core::Document,
    /// Its text, as it is kept.
    pub text: String,
    /// 1, 2, 3, …
    pub version: i64,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds.
    pub updated_at: i64,
    /// Milliseconds; only of a soft-deleted user.
    pub deleted_at: Option<i64>,
    /// Direct and indirect groups, each once, by displayName; `None` when not asked for.
    pub groups: Option<Vec<Membership>>,
}

/// A user as it lies in the database: for those who pass the document on as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptUser {
    /// Id.
    pub id: UserId,
    /// As sent.
    pub user_name: String,
    /// `active`; absent counts as true.
    pub active: bool,
    /// The text of the canonical document.
    pub document: String,
    /// 1, 2, 3, …
    pub version: i64,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds.
    pub updated_at: i64,
    /// Milliseconds; only of a soft-deleted user.
    pub deleted_at: Option<i64>,
    /// As in [`User::groups`].
    pub groups: Option<Vec<Membership>>,
}

impl KeptUser {
    /// With the document read. [`StoreError::Database`] when it is none.
    pub fn read(self) -> Result<User, StoreError> {
        Ok(User {
            document: rows::parse_document(&self.document)?,
            text: self.document,
            id: self.id,
            user_name: self.user_name,
            active: self.active,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
            groups: self.groups,
        })
    }
}

/// The new state of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct UserState {
    /// The canonical document; `userName`, `externalId`, `active` are read from it.
    pub document: scim_core::Document,
    /// Its text, as it is kept.
    pub text: String,
    /// The text of its search form.
    pub search: String,
    /// What `eq` finds it by.
    pub values: Vec<IndexedValue>,
    /// What that changes.
    pub renewal: Renewal,
    /// What was left out or should be known of the change; becomes part of its event.
    pub notes: Vec<Note>,
}

/// How the values change that `eq` finds a user by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// All are made anew: the former ones are not known.
    All,
    /// Some end and some are added; the others stay.
    Of {
        /// Former ones.
        ended: Vec<IndexedValue>,
        /// New ones.
        added: Vec<IndexedValue>,
    },
}

fn those_not_in(values: &[IndexedValue], others: &[IndexedValue]) -> Vec<IndexedValue> {
    let others: HashSet<&IndexedValue> = others.iter().collect();
    values.iter().filter(|value| !others.contains(value)).cloned().collect()
}

impl UserState {
    /// The state of a new user.
    #[must_use]
    pub fn new(kind: &ResourceType, document: scim_core::Document) -> Self {
        let form = search::form(kind, &document);
        let values = search::indexed(kind, &form);
        let (text, search) = (rows::document_text(&document), rows::text_of(&form));
        Self { document, text, search, values, renewal: Renewal::All, notes: Vec::new() }
    }

    /// With notes for people.
    #[must_use]
    pub fn noted(self, notes: Vec<Note>) -> Self {
        Self { notes, ..self }
    }

    /// The state that follows another one.
    #[must_use]
    pub fn after(kind: &ResourceType, before: &scim_core::Document, document: scim_core::Document) -> Self {
        let mut state = Self::new(kind, document);
        let former = search::indexed(kind, &search::form(kind, before));
        state.renewal = Renewal::Of {
            ended: those_not_in(&former, &state.values),
            added: those_not_in(&state.values, &former),
        };
        state
    }
}

/// A role that a user has, and the group that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGrant {
    /// Role.
    pub role: Role,
    /// Group.
    pub via: Membership,
}
