//! `/api/v1/tenants/{slug}/federation`: whose own tokens a tenant takes (Entra ID without a secret token).

use axum::{Json, extract::State};
use http::StatusCode;
use scim_core::profile::CredentialKind;
use serde::{Deserialize, Serialize};
use store::{credentials::Credential, federations::Federation};
use token_service::{federation::NewFederation, scopes};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    credentials::expires_at,
    extract::{Body, Segments, Vendor},
    guard::takes,
    networks::allowed,
    problem::{ApiError, Problem},
    tenant,
    view::{Beside, CredentialView},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(show, replace, remove))
}

/// Whose tokens are to be taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewFederationBody {
    /// The customer's Tenant ID in Entra ID; no other tenant may have it.
    #[schema(example = "3f2c1a9e-7d54-4b0e-9a61-5c8d2e7f4b10")]
    directory: String,
    /// `iss` of the tokens; `https://sts.windows.net/{directory}/` if not given.
    issuer: Option<String>,
    /// `aud` of the tokens; that of Entra's custom apps if not given.
    audience: Option<String>,
    /// Where the issuer's keys are (JWKS); where its OpenID configuration says if not given.
    keys_url: Option<String>,
    /// What the tokens may do: scopes, separated by blanks; `scim:read scim:write` if not given.
    scope: Option<String>,
    /// How long it is trusted, or a date or instant; until it is removed if not given, or as long as is allowed.
    expires_in: Option<String>,
    /// Networks that the tokens may come from, as addresses or CIDR; none: from anywhere.
    #[serde(default)]
    allowed_from: Vec<String>,
    /// Only tell in the log when one comes from elsewhere.
    #[serde(default)]
    report_only: bool,
}

/// Whose tokens a tenant takes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FederationView {
    /// `tid` of the tokens.
    directory: String,
    /// `iss` of the tokens.
    issuer: String,
    /// `aud` of the tokens.
    audience: String,
    /// Where the issuer's keys are; not there: where its OpenID configuration says.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys_url: Option<String>,
    /// Its credential: in the list of all, where it can be limited to networks.
    credential: CredentialView,
}

/// Whose tokens a tenant takes from now on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FederationSet {
    #[serde(flatten)]
    federation: FederationView,
    /// How many keys the issuer has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<usize>,
    /// Why its keys cannot be had now. It is set nevertheless: the server goes on trying, and lets nobody in meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys_problem: Option<String>,
}

/// Whose tokens a tenant takes
///
/// 404 while it takes none.
#[utoipa::path(
    get, operation_id = "getFederation",
    path = "/api/v1/tenants/{slug}/federation", tag = "federation",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path)),
    responses((status = 200, body = FederationView), (status = "4XX", body = Problem)),
)]
async fn show(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
) -> Result<Json<FederationView>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let found = state.tokens.federation(tenant.id()).await?;
    let (credential, federation) = found.ok_or_else(|| {
        ApiError::not_found("This tenant takes no tokens of an identity provider; PUT says whose it takes.")
    })?;
    Ok(Json(view(&Beside::of(&state, &tenant, &[]), credential, federation)))
}

/// Take the tokens of an identity provider
///
/// And no longer those of the one before. Microsoft offers such tokens for testing: every app of the directory that is not
/// from its gallery gets the same kind, so whoever receives one of another app could show it here. For daily use make a
/// token.
#[utoipa::path(
    put, operation_id = "setFederation",
    path = "/api/v1/tenants/{slug}/federation", tag = "federation",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path)), request_body = NewFederationBody,
    responses(
        (status = 200, body = FederationSet),
        (status = 409, description = "The directory is another tenant's", body = Problem),
        (status = "4XX", body = Problem),
    ),
)]
async fn replace(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(new): Body<NewFederationBody>,
) -> Result<Json<FederationSet>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    takes(&tenant, CredentialKind::Bearer)?;
    let now = state.store.now();
    let new = NewFederation {
        directory: new.directory,
        issuer: new.issuer,
        audience: new.audience,
        keys_url: new.keys_url,
        scope: new.scope.unwrap_or_else(|| scopes::DEFAULT.to_owned()),
        expires_at: new.expires_in.map(|text| expires_at(&text, now)).transpose()?,
        allowed_from: allowed(&new.allowed_from, new.report_only)?,
    };
    let set = state.tokens.set_federation(tenant.id(), new, &vendor.context()).await?;
    let (keys, keys_problem) = match set.keys {
        Ok(keys) => (Some(keys), None),
        Err(reason) => (None, Some(reason)),
    };
    let federation = view(&Beside::of(&state, &tenant, &[]), set.credential, set.federation);
    Ok(Json(FederationSet { federation, keys, keys_problem }))
}

/// Refuse an identity provider's tokens
///
/// From the next request on, on every node within a second. Where none are taken, it stays so.
#[utoipa::path(
    delete, operation_id = "removeFederation",
    path = "/api/v1/tenants/{slug}/federation", tag = "federation",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path)),
    responses((status = 204, description = "None are taken"), (status = "4XX", body = Problem)),
)]
async fn remove(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
) -> Result<StatusCode, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    state.tokens.remove_federation(tenant.id(), &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(beside: &Beside, credential: Credential, federation: Federation) -> FederationView {
    FederationView {
        directory: federation.directory.to_string(),
        issuer: federation.issuer,
        audience: federation.audience,
        keys_url: federation.keys_url,
        credential: beside.view(credential),
    }
}
