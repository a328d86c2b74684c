//! `/api/v1/tenants/{slug}/profile`: a tenant's own copy of its product's profile.

use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
};
use serde::{Deserialize, Serialize};
use store::groups::RoleChange;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState, LARGE_BODY,
    extract::{Body, Segments, Vendor},
    problem::{ApiError, Problem},
    tenant,
};
use crate::pages::profile::CHECKED;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(show, save))
        .routes(routes!(check))
        .layer(DefaultBodyLimit::max(LARGE_BODY))
}

/// A tenant's profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProfileView {
    /// Name of the product.
    name: String,
    /// For people.
    title: String,
    /// Version of the tenant's copy: 1, 2, 3, …
    version: i32,
    /// The profile (TOML).
    text: String,
}

/// A profile to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewProfile {
    /// The profile (TOML).
    text: String,
    /// The version that it was made from; 409 when it is not the current one any more.
    version: i32,
}

/// What saving did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Saved {
    /// The version that holds now.
    version: i32,
    /// Role grants that were added.
    grants_added: u64,
    /// Role grants that ended.
    grants_ended: u64,
}

/// A profile to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Text {
    /// The profile (TOML).
    text: String,
}

/// What saving would do. Nothing was saved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Preview {
    /// Name of the product.
    name: String,
    /// For people.
    title: String,
    /// Roles that people would gain or lose.
    roles: Vec<RoleMove>,
    /// Who would no longer fit. They would stay as they are.
    people: People,
}

/// How many people would gain or lose a role.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RoleMove {
    /// Role.
    role: String,
    /// People who would gain it.
    gain: u64,
    /// People who would lose it.
    lose: u64,
}

/// What a look at the users found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct People {
    /// Users that were looked at.
    checked: u64,
    /// Were all users looked at?
    complete: bool,
    /// Those who would no longer fit.
    misfits: u64,
    /// The first hundred of them.
    first: Vec<Misfit>,
}

/// A user who would no longer fit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Misfit {
    /// Id.
    id: String,
    /// userName.
    user_name: String,
    /// What is wrong, each with its path.
    problems: Vec<String>,
}

/// A tenant's profile
#[utoipa::path(
    get, operation_id = "getProfile", path = "/api/v1/tenants/{slug}/profile", tag = "profile",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path)),
    responses((status = 200, body = ProfileView), (status = "4XX", body = Problem)),
)]
async fn show(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
) -> Result<Json<ProfileView>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    Ok(Json(ProfileView {
        name: tenant.row.profile_name.clone(),
        title: tenant.profile.title.clone(),
        version: tenant.row.profile_version,
        text: tenant.row.profile.clone(),
    }))
}

/// Save a profile
///
/// It must compile, and its examples must come out. Roles are given anew at once; existing users stay as they are.
#[utoipa::path(
    put, operation_id = "saveProfile", path = "/api/v1/tenants/{slug}/profile", tag = "profile",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path)), request_body = NewProfile,
    responses((status = 200, body = Saved), (status = "4XX", body = Problem)),
)]
async fn save(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(new): Body<NewProfile>,
) -> Result<Json<Saved>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let saved = state.tenants.save_profile(&tenant, &new.text, new.version, &vendor.context()).await?;
    Ok(Json(Saved { version: saved.version, grants_added: saved.granted, grants_ended: saved.revoked }))
}

/// What saving a profile would do
///
/// Nothing is saved. At most 2,000 users are looked at.
#[utoipa::path(
    post, operation_id = "checkProfile", path = "/api/v1/tenants/{slug}/profile/check", tag = "profile",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path)), request_body = Text,
    responses((status = 200, body = Preview), (status = "4XX", body = Problem)),
)]
async fn check(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Body(new): Body<Text>,
) -> Result<Json<Preview>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let preview = state.tenants.preview_profile(&tenant, &new.text, Some(CHECKED), &|_, _| ()).await?;
    let role = |RoleChange { role, gain, lose }| RoleMove { role: role.name, gain, lose };
    let people = preview.people;
    let first = people.first.into_iter().map(|misfit| Misfit {
        id: misfit.id.to_string(),
        user_name: misfit.user_name,
        problems: misfit.problems,
    });
    Ok(Json(Preview {
        name: preview.name,
        title: preview.title,
        roles: preview.roles.into_iter().map(role).collect(),
        people: People {
            checked: people.checked,
            complete: people.complete,
            misfits: people.misfits,
            first: first.collect(),
        },
    }))
}
