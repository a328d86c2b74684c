//! `…/roles` and `…/roles/{role}/users`: which roles there are, which groups give them, who has them.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State};
use provisioning::Tenant;
use scim_core::fold;
use serde::Serialize;
use store::{
    TenantScope, UserId,
    groups::{GroupLabel, HeldRole},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{GroupName, Listed, UserEntry, entry, page_error};
use crate::api::{
    ApiState,
    extract::{Parameters, Segments},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
};

/// Groups, by name, that are looked through for those that give a role.
const GROUPS: usize = 2_000;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(roles)).routes(routes!(users_of_role))
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RoleEntry {
    /// Its name.
    #[schema(example = "Manager")]
    role: String,
    /// Is it protected? Then only a rule that names the group gives it, and its last active holder keeps it.
    protected: bool,
    /// How many users have it.
    holders: Holders,
    /// The groups that give it, by name.
    groups: Vec<GroupName>,
    /// There may be more such groups: the tenant has more than 2000, and those were looked through by name.
    more_groups: bool,
}

/// A number that is counted up to 2000.
#[derive(Debug, Serialize, ToSchema)]
struct Holders {
    /// Counted.
    #[schema(example = 12)]
    count: u64,
    /// There are more.
    more: bool,
}

/// The roles of a tenant, with the groups that give them
///
/// By name: each role that a group gives or that somebody has.
#[utoipa::path(
    get, operation_id = "listRoles", path = "/api/v1/tenants/{slug}/roles", tag = "directory",
    security(("bearer" = ["directory:read"])), params(("slug" = String, Path, example = "acme"), Part),
    responses(
        (status = 200, description = "Some of them", body = Listed<RoleEntry>, example = json!({
            "items": [{
                "role": "Manager", "protected": false, "holders": {"count": 12, "more": false},
                "groups": [{"id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "display": "Envi_Manager"}], "moreGroups": false
            }],
            "position": 1742
        })),
        (status = "4XX", body = Problem)
    ),
)]
async fn roles(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listed<RoleEntry>>, ApiError> {
    let (limit, after) = (part.limit()?, part.after::<String>()?);
    let tenant = tenant(&state, &slug).await?;
    let position = state.provisioner.position().await?;
    let scope = state.store.tenant(tenant.id());
    let found = scope.role_catalogue(after.as_deref(), limit + 1).await?;
    let mut page = Page::cut(found, limit, |role: &HeldRole| role.key.clone(), |role| role);
    let (mut givers, more_groups) = givers(&scope, &tenant).await?;
    // What nobody has and no group gives any more is no role of the tenant.
    page.items.retain(|role| more_groups || role.holders.count > 0 || givers.contains_key(&role.key));
    let show = |role: HeldRole| RoleEntry {
        protected: tenant.profile.roles.is_protected(&role.name),
        holders: Holders { count: role.holders.count, more: role.holders.more },
        groups: givers.remove(&role.key).unwrap_or_default(),
        role: role.name,
        more_groups,
    };
    let items = page.items.into_iter().map(show).collect();
    Ok(Json(Listed::at(position, Page { items, next_cursor: page.next_cursor })))
}

/// The groups that give each role, by its key; and whether there are groups that were not looked at.
async fn givers(
    scope: &TenantScope,
    tenant: &Arc<Tenant>,
) -> Result<(HashMap<String, Vec<GroupName>>, bool), ApiError> {
    let mut labels = scope.group_labels(None, GROUPS as u64 + 1).await?;
    let more = labels.len() > GROUPS;
    labels.truncate(GROUPS);
    let tenant = tenant.clone();
    // Rules may be many, and patterns.
    let sorted = tokio::task::spawn_blocking(move || by_role(&tenant, labels)).await;
    Ok((sorted.map_err(ApiError::internal)?, more))
}

fn by_role(tenant: &Tenant, labels: Vec<GroupLabel>) -> HashMap<String, Vec<GroupName>> {
    let mut givers: HashMap<String, Vec<GroupName>> = HashMap::new();
    for label in labels {
        let external_id = label.external_id.as_deref();
        for role in tenant.profile.roles_of_group(&tenant.value_sets, &label.display_name, external_id) {
            let group = GroupName { id: label.id.to_string(), display: label.display_name.clone() };
            givers.entry(role.key).or_default().push(group);
        }
    }
    givers
}

/// Who has a role
///
/// Users with their groups and all their roles, active or not, in the order in which they came.
#[utoipa::path(
    get, operation_id = "listUsersOfRole", path = "/api/v1/tenants/{slug}/roles/{role}/users", tag = "directory",
    security(("bearer" = ["directory:read"])),
    params(
        ("slug" = String, Path, example = "acme"),
        ("role" = String, Path, description = "Its name, in any case", example = "Manager"),
        Part
    ),
    responses(
        (status = 200, description = "Some of them", body = Listed<UserEntry>, example = json!({
            "items": [{
                "user": {"id": "01a21501-26ee-77e9-aff9-ab72c1670eed", "userName": "ann@example.com", "active": true},
                "groups": [{"id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "display": "Envi_Manager"}],
                "roles": [{
                    "role": "Manager", "via": {"id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "display": "Envi_Manager"}
                }]
            }],
            "position": 1742
        })),
        (status = "4XX", body = Problem)
    ),
)]
async fn users_of_role(
    State(state): State<ApiState>,
    Segments((slug, role)): Segments<(String, String)>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listed<UserEntry>>, ApiError> {
    let (limit, after) = (part.limit()?, part.after::<uuid::Uuid>()?.map(UserId));
    let tenant = tenant(&state, &slug).await?;
    let scope = state.store.tenant(tenant.id());
    let key = fold(&role);
    if scope.role_name(&key).await?.is_none() {
        return Err(ApiError::not_found("No group of this tenant gives, or has given, a role of this name."));
    }
    let position = state.provisioner.position().await?;
    let holders = scope.role_holders(&key, after, limit + 1).await?;
    let ids = Page::cut(holders, limit, |(id, _)| id.to_string(), |(id, _)| id);
    let base_url = tenant.base_url(&state.public_url);
    let found = state.provisioner.entries_among(&tenant, &base_url, &ids.items).await.map_err(page_error)?;
    let items = found.items.into_iter().map(entry).collect();
    Ok(Json(Listed::at(position, Page { items, next_cursor: ids.next_cursor })))
}
