//! `…/groups`, `…/groups/{id}` and `…/groups/{id}/members`.

use axum::{Json, extract::State};
use provisioning::Tenant;
use serde::Serialize;
use store::{
    GroupId, ListQuery, Start, TenantScope, Total,
    groups::{Group, Member},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{At, Listed};
use crate::api::{
    ApiState,
    extract::{Parameters, Segments},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
    view::time,
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(groups)).routes(routes!(group)).routes(routes!(members))
}

/// A group with the roles that it gives.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GroupEntry {
    /// Id.
    #[schema(example = "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77")]
    id: String,
    /// displayName.
    #[schema(example = "Envi_Manager")]
    display_name: String,
    /// externalId.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// Roles that its direct members have through it.
    #[schema(example = json!(["Manager"]))]
    roles: Vec<String>,
    /// When it was made.
    #[schema(example = "2026-11-26T10:00:00.123Z")]
    created_at: String,
    /// When it was last changed.
    #[schema(example = "2026-11-26T10:00:00.123Z")]
    updated_at: String,
}

/// A direct member of a group.
#[derive(Debug, Serialize, ToSchema)]
struct MemberEntry {
    /// Its id.
    #[schema(example = "01a21501-26ee-77e9-aff9-ab72c1670eed")]
    id: String,
    /// `User` or `Group`. Members of a group that is a member have no roles through the outer one.
    #[serde(rename = "type")]
    #[schema(example = "User")]
    kind: &'static str,
    /// Its displayName; a user may have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ann Lee")]
    display: Option<String>,
}

/// A tenant's groups with the roles that they give
///
/// In the order in which they came.
#[utoipa::path(
    get, operation_id = "listGroups", path = "/api/v1/tenants/{slug}/groups", tag = "directory",
    security(("bearer" = ["directory:read"])), params(("slug" = String, Path, example = "acme"), Part),
    responses(
        (status = 200, description = "Some of them", body = Listed<GroupEntry>, example = json!({
            "items": [{
                "id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "displayName": "Envi_Manager", "roles": ["Manager"],
                "createdAt": "2026-11-26T10:00:00.123Z", "updatedAt": "2026-11-26T10:00:00.123Z"
            }],
            "position": 1742
        })),
        (status = "4XX", body = Problem)
    ),
)]
async fn groups(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listed<GroupEntry>>, ApiError> {
    let (limit, after) = (part.limit()?, part.after::<uuid::Uuid>()?);
    let tenant = tenant(&state, &slug).await?;
    let position = state.provisioner.position().await?;
    let start = after.map(GroupId).map_or(Start::Offset(0), |id| Start::After(id.0));
    let query = ListQuery { start, limit: limit + 1, total: Total::OfPage, ..ListQuery::default() };
    let found = rows(&state, &tenant).groups(&query).await?;
    let show = |one| view(&tenant, one);
    let page = Page::cut(found.items, limit, |one: &Group| one.id.to_string(), show);
    Ok(Json(Listed::at(position, page)))
}

/// A group with the roles that it gives
///
/// Its members are a list of their own: `listGroupMembers`.
#[utoipa::path(
    get, operation_id = "getGroup", path = "/api/v1/tenants/{slug}/groups/{id}", tag = "directory",
    security(("bearer" = ["directory:read"])),
    params(("slug" = String, Path, example = "acme"), ("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The group", body = At<GroupEntry>, example = json!({
            "id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "displayName": "Envi_Manager", "roles": ["Manager"],
            "createdAt": "2026-11-26T10:00:00.123Z", "updatedAt": "2026-11-26T10:00:00.123Z",
            "position": 1742
        })),
        (status = "4XX", body = Problem)
    ),
)]
async fn group(
    State(state): State<ApiState>,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Json<At<GroupEntry>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let id: GroupId = id.parse().map_err(|()| no_group())?;
    let position = state.provisioner.position().await?;
    let found = rows(&state, &tenant).group(id, false).await?.ok_or_else(no_group)?;
    Ok(Json(At { one: view(&tenant, found), position }))
}

/// The direct members of a group
///
/// Users and groups, in the order of their ids, however many there are. A member that stays is listed once, whatever comes and
/// goes between two pages.
#[utoipa::path(
    get, operation_id = "listGroupMembers", path = "/api/v1/tenants/{slug}/groups/{id}/members", tag = "directory",
    security(("bearer" = ["directory:read"])),
    params(
        ("slug" = String, Path, example = "acme"), ("id" = String, Path, description = "Id of the group"), Part
    ),
    responses(
        (status = 200, description = "Some of them", body = Listed<MemberEntry>, example = json!({
            "items": [
                {"id": "01a21501-26ee-77e9-aff9-ab72c1670eed", "type": "User", "display": "Ann Lee"},
                {"id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "type": "Group", "display": "Envi_Manager"}
            ],
            "nextCursor": "MDFhMjE1MDEtM2IwYy03ZDFlLTljNTUtMGY0ZTFmNmEyYjc3", "position": 1742
        })),
        (status = "4XX", body = Problem)
    ),
)]
async fn members(
    State(state): State<ApiState>,
    Segments((slug, id)): Segments<(String, String)>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listed<MemberEntry>>, ApiError> {
    let (limit, after) = (part.limit()?, part.after::<uuid::Uuid>()?);
    let tenant = tenant(&state, &slug).await?;
    let id: GroupId = id.parse().map_err(|()| no_group())?;
    let position = state.provisioner.position().await?;
    let most = usize::try_from(limit + 1).unwrap_or(usize::MAX);
    let found = rows(&state, &tenant).members_after(id, after, most).await?.ok_or_else(no_group)?;
    let page = Page::cut(found, limit, |one: &Member| one.id.to_string(), member);
    Ok(Json(Listed::at(position, page)))
}

fn rows(state: &ApiState, tenant: &Tenant) -> TenantScope {
    state.store.tenant(tenant.id()).under(tenant.terms())
}

fn no_group() -> ApiError {
    ApiError::not_found("This tenant has no group of this id.")
}

fn member(member: Member) -> MemberEntry {
    MemberEntry { id: member.id.to_string(), kind: member.kind.name(), display: member.display }
}

fn view(tenant: &Tenant, group: Group) -> GroupEntry {
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
