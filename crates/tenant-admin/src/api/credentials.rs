//! `/api/v1/tenants/{slug}/credentials`: what a tenant's identity provider signs in with.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use provisioning::Tenant;
use scim_core::profile::CredentialKind;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use store::{CredentialId, TenantId, UserId, credentials::Credential};
use token_service::{NewBasic, NewToken, expiry, scopes};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Body, Parameters, Segments, Vendor},
    guard::takes,
    networks::{CredentialChange, allowed},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
    view::{Beside, CredentialView, IssuedToken},
};

/// How long an old token goes on when nobody says otherwise.
const GRACE: &str = "24h";

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(create_token))
        .routes(routes!(create_basic))
        .routes(routes!(rotate))
        .routes(routes!(show, change, revoke))
}

/// A bearer token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewTokenBody {
    /// For people, unique among the tenant's live credentials.
    #[schema(example = "Okta production")]
    name: String,
    /// Scopes, separated by blanks, of `scim:read`, `scim:write`, `directory:read`, `receipts:write`; `scim:read scim:write` if not given.
    scope: Option<String>,
    /// How long it lives (`90d`, `1y`), or a date or instant; at most `10y`. If not given a year, or less where less is
    /// allowed.
    #[schema(example = "1y")]
    expires_in: Option<String>,
    /// Bind it to this user: it reaches `/Me` and discovery, and nothing else.
    user_id: Option<String>,
    /// Networks that it may come from, as addresses or CIDR; none: from anywhere.
    #[serde(default)]
    allowed_from: Vec<String>,
    /// Only tell in the log when it comes from elsewhere.
    #[serde(default)]
    report_only: bool,
}

/// A user name with a password to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewBasicBody {
    /// What the identity provider signs in with, unique among all tenants.
    #[schema(example = "okta@acme")]
    username: String,
    /// For people; the user name if not given.
    name: Option<String>,
    /// Scopes, separated by blanks; `scim:read scim:write` if not given.
    scope: Option<String>,
    /// How long it lives, or a date or instant; until it is revoked if not given, or as long as is allowed.
    expires_in: Option<String>,
    /// Networks that it may come from, as addresses or CIDR; none: from anywhere.
    #[serde(default)]
    allowed_from: Vec<String>,
    /// Only tell in the log when it comes from elsewhere.
    #[serde(default)]
    report_only: bool,
}

/// A user name whose password is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IssuedLogin {
    /// User name.
    username: String,
    /// The password. It cannot be shown again.
    password: String,
    /// What is kept of it.
    credential: CredentialView,
}

/// How a token makes way for another one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Rotation {
    /// How long the old one goes on: `24h`, `7d`, `0`; `24h` if not given.
    #[schema(example = "24h")]
    grace: Option<String>,
}

impl Rotation {
    /// In milliseconds.
    pub(super) fn grace(&self) -> Result<i64, ApiError> {
        expiry::grace(self.grace.as_deref().unwrap_or(GRACE))
            .map_err(|error| ApiError::unfit("grace", error.0))
    }
}

/// The instant that `expiresIn` names, in milliseconds.
pub(super) fn expires_at(text: &str, now: i64) -> Result<i64, ApiError> {
    expiry::parse(text, now).map_err(|error| ApiError::unfit("expiresIn", error.0))
}

/// The end of a token or client of a tenant (milliseconds): what `expiresIn` names, or the usual one.
pub(super) fn end_of(state: &ApiState, tenant: &Tenant, expires_in: Option<&str>) -> Result<i64, ApiError> {
    let now = state.store.now();
    match expires_in {
        Some(text) => expires_at(text, now),
        None => Ok(state.tokens.longest(tenant.row.credential_days).usual_end(now)),
    }
}

/// A tenant's credentials of all kinds, newest first
#[utoipa::path(
    get, operation_id = "listCredentials", path = "/api/v1/tenants/{slug}/credentials", tag = "credentials",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path), Part),
    responses((status = 200, body = Page<CredentialView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Page<CredentialView>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let all = state.tokens.list(tenant.id()).await?;
    let beside = Beside::of(&state, &tenant, &all);
    Page::among(all, &part, |one| one.id.0, |one| beside.view(one)).map(Json)
}

/// A credential
#[utoipa::path(
    get, operation_id = "getCredential", path = "/api/v1/tenants/{slug}/credentials/{id}", tag = "credentials",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = CredentialView), (status = "4XX", body = Problem)),
)]
async fn show(
    State(state): State<ApiState>,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Json<CredentialView>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let id = credential(&state, tenant.id(), &id).await?.id;
    shown(&state, &tenant, id).await
}

/// Say anew where a credential may come from
///
/// It holds on every node within a second. Networks without a word on `reportOnly` keep the mode that there was.
#[utoipa::path(
    patch, operation_id = "changeCredential",
    path = "/api/v1/tenants/{slug}/credentials/{id}", tag = "credentials",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path), ("id" = String, Path)),
    request_body = CredentialChange,
    responses(
        (status = 200, body = CredentialView),
        (status = 409, description = "It was revoked", body = Problem),
        (status = "4XX", body = Problem),
    ),
)]
async fn change(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments((slug, id)): Segments<(String, String)>,
    Body(change): Body<CredentialChange>,
) -> Result<Json<CredentialView>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let before = credential(&state, tenant.id(), &id).await?;
    if before.revoked_at.is_some() {
        return Err(ApiError::new(StatusCode::CONFLICT, "This credential was revoked; make another one."));
    }
    let after = change.of(&before.allowed_from)?;
    state.tokens.allow_from(tenant.id(), before.id, &after, &vendor.context()).await?;
    shown(&state, &tenant, before.id).await
}

/// Make a bearer token
///
/// The answer is the only place where it ever stands.
#[utoipa::path(
    post, operation_id = "createToken",
    path = "/api/v1/tenants/{slug}/credentials/tokens", tag = "credentials",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path)), request_body = NewTokenBody,
    responses((status = 201, body = IssuedToken), (status = "4XX", body = Problem)),
)]
async fn create_token(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(new): Body<NewTokenBody>,
) -> Result<Response, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    takes(&tenant, CredentialKind::Bearer)?;
    let user = new.user_id.map(|id| id.parse::<UserId>()).transpose();
    let new = NewToken {
        name: new.name,
        scope: new.scope.unwrap_or_else(|| scopes::DEFAULT.to_owned()),
        expires_at: end_of(&state, &tenant, new.expires_in.as_deref())?,
        user: user.map_err(|()| ApiError::unfit("userId", "userId: this tenant has no such user"))?,
        allowed_from: allowed(&new.allowed_from, new.report_only)?,
    };
    let issued = state.tokens.issue(tenant.id(), new, &vendor.context()).await?;
    let made = IssuedToken {
        token: issued.token.expose_secret().to_owned(),
        credential: Beside::of(&state, &tenant, &[]).view(issued.credential),
        old: None,
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Make a user name with a password
///
/// The answer is the only place where the password ever stands.
#[utoipa::path(
    post, operation_id = "createBasicCredential",
    path = "/api/v1/tenants/{slug}/credentials/basic", tag = "credentials",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path)), request_body = NewBasicBody,
    responses((status = 201, body = IssuedLogin), (status = "4XX", body = Problem)),
)]
async fn create_basic(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(new): Body<NewBasicBody>,
) -> Result<Response, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    takes(&tenant, CredentialKind::Basic)?;
    let now = state.store.now();
    let new = NewBasic {
        username: new.username,
        name: new.name,
        scope: new.scope.unwrap_or_else(|| scopes::DEFAULT.to_owned()),
        expires_at: new.expires_in.map(|text| expires_at(&text, now)).transpose()?,
        allowed_from: allowed(&new.allowed_from, new.report_only)?,
    };
    let issued = state.tokens.create_basic(tenant.id(), new, &vendor.context()).await?;
    let made = IssuedLogin {
        username: issued.credential.login.clone().unwrap_or_default(),
        password: issued.password.expose_secret().to_owned(),
        credential: Beside::of(&state, &tenant, &[]).view(issued.credential),
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Rotate a bearer token
///
/// Makes one of the same name, scope and lifetime; the old one goes on for a while. The answer is the only place where
/// the new one ever stands.
#[utoipa::path(
    post, operation_id = "rotateToken",
    path = "/api/v1/tenants/{slug}/credentials/{id}/rotate", tag = "credentials",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path), ("id" = String, Path)),
    request_body = Rotation,
    responses((status = 201, body = IssuedToken), (status = "4XX", body = Problem)),
)]
async fn rotate(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments((slug, id)): Segments<(String, String)>,
    Body(rotation): Body<Rotation>,
) -> Result<Response, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let credential = credential(&state, tenant.id(), &id).await?;
    if credential.kind == CredentialKind::Bearer {
        takes(&tenant, CredentialKind::Bearer)?;
    }
    let grace = rotation.grace()?;
    let rotated = state.tokens.rotate(tenant.id(), credential.id, grace, &vendor.context()).await?;
    let (new, old) = (rotated.issued.credential, rotated.old);
    let beside = Beside::of(&state, &tenant, &[new.clone(), old.clone()]);
    let made = IssuedToken {
        token: rotated.issued.token.expose_secret().to_owned(),
        credential: beside.view(new),
        old: Some(beside.view(old)),
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Revoke a credential
///
/// The next request with it is refused, on every node within a second. One that is revoked already stays so.
#[utoipa::path(
    delete, operation_id = "revokeCredential",
    path = "/api/v1/tenants/{slug}/credentials/{id}", tag = "credentials",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 204, description = "It is revoked"), (status = "4XX", body = Problem)),
)]
async fn revoke(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let credential = credential(&state, tenant.id(), &id).await?;
    state.tokens.revoke(tenant.id(), credential.id, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn credential(state: &ApiState, tenant: TenantId, id: &str) -> Result<Credential, ApiError> {
    let id: CredentialId = id.parse().map_err(|()| no_credential())?;
    state.store.tenant(tenant).credential(id).await?.ok_or_else(no_credential)
}

/// A credential that is there as it is now, with what its fellows tell of it.
async fn shown(
    state: &ApiState,
    tenant: &Tenant,
    id: CredentialId,
) -> Result<Json<CredentialView>, ApiError> {
    let all = state.tokens.list(tenant.id()).await?;
    let beside = Beside::of(state, tenant, &all);
    let one = all.into_iter().find(|one| one.id == id).ok_or_else(no_credential)?;
    Ok(Json(beside.view(one)))
}

fn no_credential() -> ApiError {
    ApiError::not_found("This tenant has no credential of this id.")
}
