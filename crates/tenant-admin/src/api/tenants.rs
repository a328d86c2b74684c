//! `/api/v1/tenants`: customers.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use provisioning::{ProfileSource, Tenant};
use serde::{Deserialize, Serialize};
use store::tenants::{TenantRow, TenantSettings, TenantStatus};
use token_service::{Lifetime, expiry::ExpiryError};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState, LARGE_BODY,
    extract::{Body, Parameters, Segments, Vendor, named},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
    view::{time, word},
};

/// Longest text that is looked for, in characters.
const LONGEST_SEARCH: usize = 100;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change))
        .layer(axum::extract::DefaultBodyLimit::max(LARGE_BODY))
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TenantView {
    /// Id.
    id: String,
    /// Part of its addresses; never changed.
    #[schema(example = "acme")]
    slug: String,
    /// For people.
    name: String,
    /// `active` or `inactive`.
    #[schema(example = "active")]
    status: String,
    /// Name of its profile.
    #[schema(example = "generic")]
    profile: String,
    /// Current version of its own copy of the profile.
    profile_version: i32,
    /// `lenient` or `strict`.
    compatibility: String,
    /// The part of the product that its people belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    /// Properties of the customer's account.
    properties: BTreeMap<String, String>,
    /// Its own limit on the life of new credentials; not there: it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "90d")]
    max_token_lifetime: Option<String>,
    /// Requests a second that a node takes of it, by its own limit; not there: what the installation sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 50)]
    rate_limit: Option<i32>,
    /// When it was made.
    created_at: String,
}

/// A tenant with what only one at a time is asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TenantDetail {
    #[serde(flatten)]
    tenant: TenantView,
    /// What its identity provider is given as Base URL.
    base_url: String,
    /// How long a new credential of it may live: by its own limit or the installation's, whichever is less.
    #[schema(example = "90d")]
    effective_max_token_lifetime: String,
    /// How much it has.
    counts: Counts,
}

/// How much a tenant has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    /// Users, active or not; without deleted ones.
    users: u64,
    /// Those of them who are active.
    active_users: u64,
    /// Groups.
    groups: u64,
    /// Roles that somebody has.
    roles: u64,
    /// Credentials that are neither revoked nor expired.
    credentials: u64,
}

/// What tenants are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// A part of a slug or a name, in any case.
    #[serde(default)]
    search: String,
    /// Most rows, 1 to 200; 50 if not given.
    limit: Option<u64>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A tenant to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewTenant {
    /// Part of its addresses: small letters, digits and hyphens, at most 63. Never changed, never used again.
    #[schema(example = "acme")]
    slug: String,
    /// For people; the slug if not given.
    name: Option<String>,
    /// A profile that ships; `generic` if not given.
    #[schema(example = "generic")]
    profile: Option<String>,
    /// The text of a profile (TOML) instead.
    profile_text: Option<String>,
    /// `lenient` (if not given) or `strict`.
    compatibility: Option<String>,
    /// Serve it from the start, and open its profile's feature gate.
    #[serde(default)]
    activate: bool,
}

/// What of a tenant is to change; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TenantChange {
    /// For people.
    name: Option<String>,
    /// The part of the product that its people belong to; null: none.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    organization: Option<Option<String>>,
    /// Properties of the customer's account by name; null takes one away.
    #[serde(default)]
    properties: BTreeMap<String, Option<String>>,
    /// Longest life of its new credentials: `90d`, `1y`, at most `10y`; null: what the installation allows. Those that
    /// there are stay as they are.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    max_token_lifetime: Option<Option<String>>,
    /// Requests a second that a node takes of it, 1 to 100000, then 429; null: what the installation sets.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 100_000)]
    rate_limit: Option<Option<i32>>,
    /// Served? Active opens the profile's feature gate, too.
    status: Option<Status>,
}

/// Is a tenant served?
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// Served.
    Active,
    /// Its credentials get 403.
    Inactive,
}

/// Tenants, by slug
#[utoipa::path(
    get, operation_id = "listTenants",
    path = "/api/v1/tenants", tag = "tenants", security(("bearer" = ["admin:read"])), params(Wanted),
    responses((status = 200, body = Page<TenantView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<TenantView>>, ApiError> {
    let part = Part::new(wanted.limit, wanted.cursor);
    let (limit, after) = (part.limit()?, part.after::<String>()?);
    let search = wanted.search.trim();
    if search.chars().count() > LONGEST_SEARCH || search.contains('\0') {
        return Err(ApiError::unfit("search", format!("search: use at most {LONGEST_SEARCH} characters")));
    }
    let rows = state.store.platform().tenants_after(search, after.as_deref(), limit + 1).await?;
    Ok(Json(Page::cut(rows, limit, |row| row.slug.clone(), |row| view(&row))))
}

/// Make a tenant
#[utoipa::path(
    post, operation_id = "createTenant",
    path = "/api/v1/tenants", tag = "tenants", security(("bearer" = ["admin:write"])),
    request_body = NewTenant,
    responses(
        (status = 201, body = TenantDetail),
        (status = 409, description = "The slug is in use, or was once", body = Problem),
        (status = "4XX", body = Problem),
    ),
)]
async fn create(
    State(state): State<ApiState>,
    vendor: Vendor,
    Body(new): Body<NewTenant>,
) -> Result<Response, ApiError> {
    let source = match (&new.profile_text, &new.profile) {
        (Some(_), Some(_)) => {
            return Err(ApiError::unfit("profileText", "profileText: send it or profile, not both"));
        }
        (Some(text), None) => ProfileSource::Text(text),
        (None, name) => ProfileSource::Builtin(name.as_deref().unwrap_or("generic")),
    };
    let compatibility = new.compatibility.as_deref().unwrap_or("lenient");
    let tenant = state
        .tenants
        .create(&new.slug, new.name.as_deref(), source, compatibility, new.activate, &vendor.context())
        .await?;
    let location = format!("/api/v1/tenants/{}", tenant.row.slug);
    let made = Json(detail(&state, &tenant).await?);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], made).into_response())
}

/// A tenant
#[utoipa::path(
    get, operation_id = "getTenant",
    path = "/api/v1/tenants/{slug}", tag = "tenants", security(("bearer" = ["admin:read"])),
    params(("slug" = String, Path)),
    responses((status = 200, body = TenantDetail), (status = "4XX", body = Problem)),
)]
async fn show(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
) -> Result<Json<TenantDetail>, ApiError> {
    detail(&state, &*tenant(&state, &slug).await?).await.map(Json)
}

/// Change a tenant
///
/// All of what is named, or nothing.
#[utoipa::path(
    patch, operation_id = "changeTenant",
    path = "/api/v1/tenants/{slug}", tag = "tenants", security(("bearer" = ["admin:write"])),
    params(("slug" = String, Path)), request_body = TenantChange,
    responses((status = 200, body = TenantDetail), (status = "4XX", body = Problem)),
)]
async fn change(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(change): Body<TenantChange>,
) -> Result<Json<TenantDetail>, ApiError> {
    let before = tenant(&state, &slug).await?;
    let settings = TenantSettings {
        name: change.name,
        organization: change.organization,
        properties: change.properties,
        credential_days: change.max_token_lifetime.map(|text| days(text.as_deref())).transpose()?,
        rate_limit: change.rate_limit,
        status: change.status.map(|status| match status {
            Status::Active => TenantStatus::Active,
            Status::Inactive => TenantStatus::Inactive,
        }),
        ..TenantSettings::default()
    };
    state.tenants.configure(&before, &settings, &vendor.context()).await?;
    detail(&state, &*tenant(&state, &slug).await?).await.map(Json)
}

fn days(lifetime: Option<&str>) -> Result<Option<i32>, ApiError> {
    let days = lifetime.map(|text| text.parse().map(Lifetime::days));
    days.transpose().map_err(|error: ExpiryError| {
        ApiError::unfit("maxTokenLifetime", format!("maxTokenLifetime: {error}"))
    })
}

async fn detail(state: &ApiState, tenant: &Tenant) -> Result<TenantDetail, ApiError> {
    let counts = state.store.platform().tenant_counts(tenant.id()).await?;
    Ok(TenantDetail {
        tenant: view(&tenant.row),
        base_url: tenant.base_url(&state.public_url),
        effective_max_token_lifetime: state.tokens.longest(tenant.row.credential_days).lifetime.to_string(),
        counts: Counts {
            users: counts.users,
            active_users: counts.active_users,
            groups: counts.groups,
            roles: counts.roles,
            credentials: counts.credentials,
        },
    })
}

fn view(row: &TenantRow) -> TenantView {
    TenantView {
        id: row.id.to_string(),
        slug: row.slug.clone(),
        name: row.name.clone(),
        status: word(row.status),
        profile: row.profile_name.clone(),
        profile_version: row.profile_version,
        compatibility: row.compatibility.clone(),
        organization: row.organization.clone(),
        properties: row.properties.clone(),
        max_token_lifetime: row.credential_days.map(|days| Lifetime::from_days(days).to_string()),
        rate_limit: row.rate_limit,
        created_at: time(row.created_at),
    }
}
