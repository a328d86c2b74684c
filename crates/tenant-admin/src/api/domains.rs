//! `/api/v1/tenants/{slug}/domains`: host names of a tenant's own, proven by a TXT record.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use provisioning::domains::proof_name;
use serde::{Deserialize, Serialize};
use store::domains::Domain;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Body, Segments, Vendor},
    page::Page,
    problem::{ApiError, Problem},
    tenant,
    view::time,
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(verify)).routes(routes!(remove))
}

/// A host name to be a tenant's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewDomain {
    /// Without scheme and path; international names in either form.
    #[schema(example = "scim.example.com")]
    host: String,
}

/// A host name that a tenant says is its own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DomainView {
    /// In lower case, international names encoded.
    #[schema(example = "scim.example.com")]
    host: String,
    /// Does it lead to the tenant?
    proven: bool,
    /// Name of the TXT record that proves it.
    #[schema(example = "_rollcall.scim.example.com")]
    record: String,
    /// Text of that record.
    text: String,
    /// When it was claimed.
    created_at: String,
    /// Since when it is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    proven_at: Option<String>,
    /// The last look at the name service.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<String>,
    /// What was wrong then.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// When it is forgotten, or leads nowhere again, if nothing changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
}

/// Host names of a tenant's own
#[utoipa::path(
    get, operation_id = "listDomains",
    path = "/api/v1/tenants/{slug}/domains", tag = "domains",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path)),
    responses((status = 200, body = Page<DomainView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
) -> Result<Json<Page<DomainView>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let domains = state.tenants.domains(&tenant).await?;
    Ok(Json(Page { items: domains.into_iter().map(view).collect(), next_cursor: None }))
}

/// Claim a host name
///
/// It leads nowhere until its TXT record is set and it was verified; after seven days an unproven one is forgotten. One that
/// the tenant claims or has already stays as it is.
#[utoipa::path(
    post, operation_id = "addDomain",
    path = "/api/v1/tenants/{slug}/domains", tag = "domains",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path)), request_body = NewDomain,
    responses((status = 201, body = DomainView), (status = "4XX", body = Problem)),
)]
async fn add(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(new): Body<NewDomain>,
) -> Result<Response, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let domain = state.tenants.claim_domain(&tenant, &new.host, &vendor.context()).await?;
    Ok((StatusCode::CREATED, Json(view(domain))).into_response())
}

/// Look whether the TXT record is there
///
/// The answer says what was found: `proven`, or a `problem`. For one name at most every two seconds.
#[utoipa::path(
    post, operation_id = "verifyDomain",
    path = "/api/v1/tenants/{slug}/domains/{host}/verify", tag = "domains",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path), ("host" = String, Path)),
    responses((status = 200, body = DomainView), (status = "4XX", body = Problem)),
)]
async fn verify(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments((slug, host)): Segments<(String, String)>,
) -> Result<Json<DomainView>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    Ok(Json(view(state.tenants.check_domain(&tenant, &host, &vendor.context()).await?)))
}

/// Give a host name up
///
/// It leads nowhere on every node within a second. Where it is none of the tenant's, it stays so.
#[utoipa::path(
    delete, operation_id = "removeDomain",
    path = "/api/v1/tenants/{slug}/domains/{host}", tag = "domains",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path), ("host" = String, Path)),
    responses((status = 204, description = "It is none of the tenant's"), (status = "4XX", body = Problem)),
)]
async fn remove(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments((slug, host)): Segments<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    state.tenants.remove_domain(&tenant, &host, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(domain: Domain) -> DomainView {
    DomainView {
        proven: domain.proven_at.is_some(),
        record: proof_name(&domain.host),
        created_at: time(domain.created_at),
        proven_at: domain.proven_at.map(time),
        checked_at: domain.checked_at.map(time),
        ends_at: domain.ends_at().map(time),
        host: domain.host,
        text: domain.challenge,
        problem: domain.problem,
    }
}
