//! The directory of a tenant, for the vendor's application: `…/users`, `…/groups` and `…/roles` below
//! `/api/v1/tenants/{slug}`. Each answer says up to which place of the feed it is true.

mod groups;
mod roles;
mod users;

use provisioning::{ASSIGNED, ASSIGNED_IN, Entry};
use scim_core::roles::Role;
use serde::Serialize;
use store::{
    StoreError,
    users::{Membership, RoleGrant},
};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{ApiState, page::Page, problem::ApiError};

/// The routes of the files below.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().merge(users::routes()).merge(groups::routes()).merge(roles::routes())
}

/// A part of a list of the directory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Listed<T> {
    /// This part.
    items: Vec<T>,
    /// Where the list goes on: send it as `cursor`. Not there on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// All that events up to this place of the feed tell is in this part: follow the feed with it as `after`, and no change is
    /// missed. Of a list that was read page by page, keep that of the first page.
    #[schema(example = 1742)]
    position: i64,
}

impl<T> Listed<T> {
    fn at(position: i64, page: Page<T>) -> Self {
        Self { items: page.items, next_cursor: page.next_cursor, position }
    }
}

/// One of the directory.
#[derive(Debug, Serialize, ToSchema)]
struct At<T> {
    #[serde(flatten)]
    one: T,
    /// All that events up to this place of the feed tell is in it: follow the feed with it as `after`.
    #[schema(example = 1742)]
    position: i64,
}

/// A user with what follows from its groups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserEntry {
    /// The user as SCIM answers it, without `groups`. Absent `active` counts as true.
    #[schema(value_type = Object)]
    user: serde_json::Value,
    /// The groups that it is a direct member of.
    groups: Vec<GroupName>,
    /// Its roles, each with what gives it; as often as something does.
    roles: Vec<RoleVia>,
}

/// A group by its name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GroupName {
    /// Id.
    #[schema(example = "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77")]
    id: String,
    /// displayName.
    #[schema(example = "Envi_Manager")]
    display: String,
}

/// A role and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RoleVia {
    /// Role.
    #[schema(example = "Manager")]
    role: String,
    /// What gives it: the reason for the role.
    via: RoleSource,
}

/// What gives a role: a group, or the identity provider by an attribute of the user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RoleSource {
    /// Id of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// `roles`, where the identity provider assigned the role to the user itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<&'static str>,
    /// displayName of the group, or words for people.
    display: String,
}

fn entry(entry: Entry) -> UserEntry {
    let name = |one: Membership| GroupName { id: one.group.to_string(), display: one.display };
    let by_group = |grant: RoleGrant| {
        let GroupName { id, display } = name(grant.via);
        RoleVia { role: grant.role.name, via: RoleSource { id: Some(id), attribute: None, display } }
    };
    let assigned = |role: Role| {
        let via = RoleSource { id: None, attribute: Some(ASSIGNED_IN), display: ASSIGNED.to_owned() };
        RoleVia { role: role.name, via }
    };
    let roles = entry.roles.into_iter().map(by_group).chain(entry.assigned.into_iter().map(assigned));
    UserEntry {
        user: entry.user,
        groups: entry.groups.into_iter().map(name).collect(),
        roles: roles.collect(),
    }
}

/// What can go wrong with a page.
fn page_error(error: StoreError) -> ApiError {
    match error {
        StoreError::TooMany(_) => ApiError::unfit(
            "limit",
            "limit: the users of this page are in more groups than one answer holds, or there was too much to look through; \
             ask for fewer users at once",
        ),
        other => other.into(),
    }
}
