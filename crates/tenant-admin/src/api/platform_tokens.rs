//! `/api/v1/platform-tokens`: tokens for this API.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use store::{PlatformTokenId, platform_tokens::PlatformToken};
use token_service::NewPlatformToken;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    credentials::{Rotation, expires_at},
    extract::{Body, Parameters, Segments, Vendor},
    networks::{CredentialChange, allowed},
    page::{Page, Part},
    problem::{ApiError, Problem},
    view::{CredentialView, IssuedToken},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(rotate)).routes(routes!(change, revoke))
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPlatformTokenBody {
    /// For people, unique among the live ones.
    name: String,
    /// Scopes, separated by blanks, of `admin:*`, `admin:read`, `admin:write`, `directory:read`, `receipts:write`: only such as the
    /// caller's own token holds.
    #[schema(example = "directory:read")]
    scope: String,
    /// How long it lives (`90d`, `1y`), or a date or instant; at most `10y`. If not given a year, or less where less is
    /// allowed.
    expires_in: Option<String>,
    /// Networks that it may come from, as addresses or CIDR; none: from anywhere.
    #[serde(default)]
    allowed_from: Vec<String>,
    /// Only tell in the log when it comes from elsewhere.
    #[serde(default)]
    report_only: bool,
}

/// Tokens for this API, newest first
#[utoipa::path(
    get, operation_id = "listPlatformTokens",
    path = "/api/v1/platform-tokens", tag = "platform", security(("bearer" = ["admin:read"])), params(Part),
    responses((status = 200, body = Page<CredentialView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Page<CredentialView>>, ApiError> {
    let (all, now) = (state.tokens.platform_tokens().await?, state.store.now());
    let longest = state.tokens.longest(None);
    Page::among(all, &part, |one| one.id.0, |one| CredentialView::platform(one, longest, now)).map(Json)
}

/// Make a token for this API
///
/// It can hold no scope that the caller's own token does not hold. The answer is the only place where it ever stands.
#[utoipa::path(
    post, operation_id = "createPlatformToken",
    path = "/api/v1/platform-tokens", tag = "platform", security(("bearer" = ["admin:write"])),
    request_body = NewPlatformTokenBody,
    responses((status = 201, body = IssuedToken), (status = "4XX", body = Problem)),
)]
async fn create(
    State(state): State<ApiState>,
    vendor: Vendor,
    Body(new): Body<NewPlatformTokenBody>,
) -> Result<Response, ApiError> {
    let now = state.store.now();
    may_give(&vendor, &new.scope)?;
    let new = NewPlatformToken {
        name: new.name,
        scope: new.scope,
        expires_at: match new.expires_in {
            Some(text) => expires_at(&text, now)?,
            None => state.tokens.longest(None).usual_end(now),
        },
        allowed_from: allowed(&new.allowed_from, new.report_only)?,
    };
    let issued = state.tokens.issue_platform(new, &vendor.context()).await?;
    let made = IssuedToken {
        token: issued.token.expose_secret().to_owned(),
        credential: CredentialView::platform(issued.kept, state.tokens.longest(None), now),
        old: None,
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Rotate a token for this API
///
/// Makes one of the same name, scope and lifetime; the old one goes on for a while. A token with a scope that the
/// caller's own does not hold cannot be rotated. The answer is the only place where the new one ever stands.
#[utoipa::path(
    post, operation_id = "rotatePlatformToken",
    path = "/api/v1/platform-tokens/{id}/rotate", tag = "platform", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)), request_body = Rotation,
    responses((status = 201, body = IssuedToken), (status = "4XX", body = Problem)),
)]
async fn rotate(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
    Body(rotation): Body<Rotation>,
) -> Result<Response, ApiError> {
    let token = token(&state, &id).await?;
    may_give(&vendor, &token.scope)?;
    let rotated = state.tokens.rotate_platform(token.id, rotation.grace()?, &vendor.context()).await?;
    let (now, longest) = (state.store.now(), state.tokens.longest(None));
    let made = IssuedToken {
        token: rotated.issued.token.expose_secret().to_owned(),
        credential: CredentialView::platform(rotated.issued.kept, longest, now),
        old: Some(CredentialView::platform(rotated.old, longest, now)),
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Say anew where a token for this API may come from
///
/// It holds on every node within a second, for the caller's own token too. A token with a scope that the caller's own does
/// not hold cannot be changed.
#[utoipa::path(
    patch, operation_id = "changePlatformToken",
    path = "/api/v1/platform-tokens/{id}", tag = "platform", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)), request_body = CredentialChange,
    responses(
        (status = 200, body = CredentialView),
        (status = 409, description = "It was revoked", body = Problem),
        (status = "4XX", body = Problem),
    ),
)]
async fn change(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
    Body(change): Body<CredentialChange>,
) -> Result<Json<CredentialView>, ApiError> {
    let before = token(&state, &id).await?;
    may_give(&vendor, &before.scope)?;
    if before.revoked_at.is_some() {
        return Err(ApiError::new(StatusCode::CONFLICT, "This token was revoked; make another one."));
    }
    let after = change.of(&before.allowed_from)?;
    let changed = state.tokens.allow_platform_from(before.id, &after, &vendor.context()).await?;
    Ok(Json(CredentialView::platform(changed, state.tokens.longest(None), state.store.now())))
}

/// Revoke a token for this API
///
/// The next request with it is refused, on every node within a second. One that is revoked already stays so.
#[utoipa::path(
    delete, operation_id = "revokePlatformToken",
    path = "/api/v1/platform-tokens/{id}", tag = "platform", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)),
    responses((status = 204, description = "It is revoked"), (status = "4XX", body = Problem)),
)]
async fn revoke(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
) -> Result<StatusCode, ApiError> {
    let token = token(&state, &id).await?;
    state.tokens.revoke_platform(token.id, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn may_give(vendor: &Vendor, scope: &str) -> Result<(), ApiError> {
    let refused = |text: String| ApiError::new(StatusCode::FORBIDDEN, text).at("scope");
    vendor.principal.may_give(scope).map_err(refused)
}

async fn token(state: &ApiState, id: &str) -> Result<PlatformToken, ApiError> {
    let none = || ApiError::not_found("There is no platform token of this id.");
    let id: PlatformTokenId = id.parse().map_err(|()| none())?;
    state.store.platform().platform_token(id).await?.ok_or_else(none)
}
