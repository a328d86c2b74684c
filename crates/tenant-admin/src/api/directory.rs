//! `/api/v1/tenants/{slug}/users` and `…/groups`: who may do what, for the vendor's application.

use axum::{Json, extract::State};
use provisioning::{ASSIGNED, ASSIGNED_IN, Entry, Tenant};
use scim_core::roles::Role;
use serde::{Deserialize, Serialize};
use store::{
    GroupId, ListQuery, Start, Total, UserId,
    groups::Group,
    users::{Membership, RoleGrant},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Parameters, Segments},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
    view::time,
};
use crate::pages::setup;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(users)).routes(routes!(user)).routes(routes!(groups))
}

/// A user with what follows from its groups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserEntry {
    /// The user as SCIM answers it, without `groups`.
    #[schema(value_type = Object)]
    user: serde_json::Value,
    /// The groups that it is a direct member of.
    groups: Vec<GroupName>,
    /// Its roles, each with what gives it.
    roles: Vec<RoleVia>,
}

/// A group by its name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GroupName {
    /// Id.
    id: String,
    /// displayName.
    display: String,
}

/// A role and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RoleVia {
    /// Role.
    #[schema(example = "Manager")]
    role: String,
    /// What gives it.
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

/// A group with the roles that it gives.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupEntry {
    /// Id.
    id: String,
    /// displayName.
    display_name: String,
    /// externalId.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// Roles that its direct members have through it.
    roles: Vec<String>,
    /// When it was made.
    created_at: String,
    /// When it was last changed.
    updated_at: String,
}

/// What users are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The one of this userName, in any case.
    #[serde(rename = "userName")]
    user_name: Option<String>,
    /// Most rows, 1 to 200; 50 if not given.
    limit: Option<u64>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A tenant's users with their groups and roles
///
/// In the order in which they came, active or not; without deleted ones.
#[utoipa::path(
    get, operation_id = "listUsers", path = "/api/v1/tenants/{slug}/users", tag = "directory",
    security(("bearer" = ["directory:read"])), params(("slug" = String, Path), Wanted),
    responses((status = 200, body = Page<UserEntry>), (status = "4XX", body = Problem)),
)]
async fn users(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<UserEntry>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let base_url = setup::base_url(&state.public_url, &tenant);
    let part = Part::new(wanted.limit, wanted.cursor);
    let (limit, after) = (part.limit()?, part.after::<uuid::Uuid>()?);
    let found = match wanted.user_name {
        Some(name) => state.provisioner.entry_by_name(&tenant, &base_url, &name).await?.into_iter().collect(),
        // One more than fits tells whether there is a next page.
        None => state.provisioner.entries(&tenant, &base_url, after.map(UserId), limit + 1).await?.items,
    };
    Ok(Json(Page::cut(found, limit, |entry| entry.id.to_string(), entry)))
}

/// A user with its groups and roles
#[utoipa::path(
    get, operation_id = "getUser", path = "/api/v1/tenants/{slug}/users/{id}", tag = "directory",
    security(("bearer" = ["directory:read"])), params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = UserEntry), (status = "4XX", body = Problem)),
)]
async fn user(
    State(state): State<ApiState>,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Json<UserEntry>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let none = || ApiError::not_found("This tenant has no user of this id.");
    let id: UserId = id.parse().map_err(|()| none())?;
    let base_url = setup::base_url(&state.public_url, &tenant);
    let found = state.provisioner.entry(&tenant, &base_url, id).await?.ok_or_else(none)?;
    Ok(Json(entry(found)))
}

/// A tenant's groups with the roles that they give
///
/// In the order in which they came.
#[utoipa::path(
    get, operation_id = "listGroups", path = "/api/v1/tenants/{slug}/groups", tag = "directory",
    security(("bearer" = ["directory:read"])), params(("slug" = String, Path), Part),
    responses((status = 200, body = Page<GroupEntry>), (status = "4XX", body = Problem)),
)]
async fn groups(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Page<GroupEntry>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let (limit, after) = (part.limit()?, part.after::<uuid::Uuid>()?);
    let start = after.map(GroupId).map_or(Start::Offset(0), |id| Start::After(id.0));
    let query = ListQuery { start, limit: limit + 1, total: Total::OfPage, ..ListQuery::default() };
    let found = state.store.tenant(tenant.id()).under(tenant.terms()).groups(&query).await?;
    let show = |one| group(&tenant, one);
    Ok(Json(Page::cut(found.items, limit, |one: &Group| one.id.to_string(), show)))
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

fn group(tenant: &Tenant, group: Group) -> GroupEntry {
    let external_id = group.document.get("externalId").and_then(serde_json::Value::as_str);
    let roles = tenant.profile.roles_of_group(&tenant.value_sets, &group.display_name, external_id);
    GroupEntry {
        id: group.id.to_string(),
        external_id: external_id.map(str::to_owned),
        roles: roles.into_iter().map(|role| role.name).collect(),
        created_at: time(group.created_at),
        updated_at: time(group.updated_at),
        display_name: group.display_name,
    }
}
