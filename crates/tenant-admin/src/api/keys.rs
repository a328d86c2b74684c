//! `/api/v1/keys`: the keys that sign tokens. What is secret in them is nowhere here.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use token_service::custody::{KeyError, KeyInfo};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Body, Vendor},
    problem::{ApiError, Problem},
    view::{time, word},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(rotate))
}

/// The keys that sign tokens, and what others need to check tokens themselves.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Keys {
    /// `iss` and `aud` of all tokens: the installation's id.
    issuer: String,
    /// Where the public keys are (RFC 7517).
    jwks_uri: String,
    /// The one that signs, the next one, then those that have signed, the newest first.
    keys: Vec<KeyView>,
}

/// A key that signs tokens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    /// Key id.
    kid: String,
    /// `active` signs, `next` signs after the next rotation, `retired` has signed and only verifies.
    #[schema(example = "active")]
    state: String,
    /// When it was made.
    created_at: String,
    /// Since when it signs or has signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_at: Option<String>,
    /// Until when it signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<String>,
    /// When the last token that it signed has ended for sure; not there: it has signed nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    covers_until: Option<String>,
    /// Tokens of tenants that it signed, and that are neither revoked nor expired.
    live_tokens: u64,
}

/// Which key is to be retired.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyStep {
    /// Id of the key that signs: where another one signs by now nothing is done. So a request that is sent twice rotates
    /// once.
    active: Option<String>,
}

/// What a rotation came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeysRotated {
    /// The key that signs now.
    active: String,
    /// The key that signed before, and only verifies now.
    retired: String,
    /// The key after that.
    next: String,
    /// The key that signs now was published less than five minutes ago: who keeps the published keys for so long refuses
    /// its tokens until they are fetched again.
    hasty: bool,
}

/// The keys that sign tokens
#[utoipa::path(
    get, operation_id = "listKeys", path = "/api/v1/keys", tag = "keys", security(("bearer" = ["admin:read"])),
    responses((status = 200, body = Keys), (status = "4XX", body = Problem)),
)]
async fn list(State(state): State<ApiState>) -> Result<Json<Keys>, ApiError> {
    let keys = state.tokens.signing_keys().await?;
    Ok(Json(Keys {
        issuer: state.tokens.issuer().to_string(),
        jwks_uri: state.public_url.join("/.well-known/jwks.json").map(String::from).unwrap_or_default(),
        keys: keys.into_iter().map(view).collect(),
    }))
}

/// Sign with the next key from now on
///
/// Tokens that were issued stay as they are. The key that signed until now only verifies, until its last token has ended;
/// its private half is destroyed.
#[utoipa::path(
    post, operation_id = "rotateKeys", path = "/api/v1/keys/rotate", tag = "keys",
    security(("bearer" = ["admin:write"])), request_body = KeyStep,
    responses(
        (status = 200, body = KeysRotated),
        (status = 409, description = "Another key signs by now", body = Problem),
        (status = "4XX", body = Problem),
    ),
)]
async fn rotate(
    State(state): State<ApiState>,
    vendor: Vendor,
    Body(step): Body<KeyStep>,
) -> Result<Json<KeysRotated>, ApiError> {
    let done = state.tokens.rotate_keys(step.active.as_deref(), &vendor.context()).await;
    let done = done.map_err(|error| match error {
        KeyError::Overtaken(_) => ApiError::new(StatusCode::CONFLICT, error.to_string()).at("active"),
        KeyError::Store(error) => error.into(),
        KeyError::Keys(_) => ApiError::internal(error),
    })?;
    Ok(Json(KeysRotated { active: done.active, retired: done.retired, next: done.next, hasty: done.hasty }))
}

fn view(key: KeyInfo) -> KeyView {
    KeyView {
        kid: key.kid,
        state: word(key.state),
        created_at: time(key.created_at),
        active_at: key.active_at.map(time),
        retired_at: key.retired_at.map(time),
        covers_until: (key.covers_until > 0).then(|| time(key.covers_until)),
        live_tokens: key.live_tokens,
    }
}
