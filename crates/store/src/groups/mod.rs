//! Groups of a tenant. Members are rows of their own: a change names edges and touches only those.

mod delete;
mod edges;
mod grants;
mod holders;
mod look_up;
mod mapping;
mod net;
mod overview;
mod preview;
mod read;
mod remap;
mod single;
mod write;

use scim_core::{ResourceKind, intake::Note, patch::MemberOp, profile::UnknownMemberPolicy, roles::Role};
use serde_json::Value;

use crate::GroupId;

pub use overview::{COUNTED, GroupLabel, HOLDERS_COUNTED, HeldRole};
pub use preview::RoleChange;
pub(crate) use read::{GROUPS, group};

/// The roles that a group gives by its displayName and externalId.
pub type RolesOf<'a> = &'a (dyn Fn(&str, Option<&str>) -> Vec<Role> + Send + Sync);

/// Members of one group that are read at once; those of a larger one are read a batch at a time.
pub const MEMBERS_AT_ONCE: usize = 1_000;

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Id of the user or group.
    pub id: uuid::Uuid,
    /// User or Group.
    pub kind: ResourceKind,
    /// Its displayName; a user may have none, and nothing else stands in for it.
    pub display: Option<String>,
}

/// A group as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Id.
    pub id: GroupId,
    /// As sent.
    pub display_name: String,
    /// The canonical document (without members).
    pub document: scim_core::Document,
    /// 1, 2, 3, …
    pub version: i64,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds.
    pub updated_at: i64,
    /// By id; `None` when not asked for. Of a large group the first ones or none: see `more_members`.
    pub members: Option<Vec<Member>>,
    /// Are there, or may there be, members after those that were read? [`crate::TenantScope::members_after`] gives them.
    pub more_members: bool,
}

/// The new state of a group and the change of its members.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupState {
    /// The canonical document; `displayName` and `externalId` are read from it.
    pub document: scim_core::Document,
    /// Its search form.
    pub search: Value,
    /// Roles that the group gives; grants of all members follow in the same transaction.
    pub roles: Vec<Role>,
    /// Member changes, applied in order; an id that is neither a live user nor a live group of this tenant is unknown.
    pub members: Vec<MemberOp>,
    /// What to do with unknown ids.
    pub unknown_members: UnknownMemberPolicy,
    /// What was left out of the document or should be known of it; becomes part of the event of its change.
    pub notes: Vec<Note>,
}

/// What a change of a group did.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupOutcome {
    /// The group after it; `members` are read only where the caller asked (`edges`), and none of them where there are
    /// more than [`MEMBERS_AT_ONCE`], so that a change costs the same in a group of any size.
    pub group: Group,
    /// Did anything change (document or an edge)? If not, version and times stay.
    pub changed: bool,
    /// Member ids that were left out.
    pub skipped: Vec<String>,
}
