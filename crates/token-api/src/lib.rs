//! What machines ask for beside SCIM: the keys that verify tokens, and OAuth 2.0. One file an endpoint.

mod client;
mod error;
mod form;
mod jwks;
mod metadata;
mod revoke;
mod token;

use admission::Admission;
use axum::{
    Router,
    routing::{get, post},
};
use provisioning::TenantDirectory;
use token_service::{AccessLifetime, Networks, TokenService};
use tower_http::catch_panic::CatchPanicLayer;

/// What the endpoints need.
#[derive(Clone)]
pub struct TokenApiState {
    /// Knows keys, clients and tokens.
    pub tokens: TokenService,
    /// Knows what a tenant takes.
    pub tenants: TenantDirectory,
    /// Origin that machines see; issuer of RFC 8414's metadata.
    pub public_url: url::Url,
    /// Proxies whose word on the sender's address is believed.
    pub trusted_proxies: Networks,
    /// How long access tokens live.
    pub access_token_lifetime: AccessLifetime,
    /// Lets requests in.
    pub admission: Admission,
}

/// All endpoints.
pub fn router(state: TokenApiState) -> Router {
    Router::new()
        .route(token::PATH, post(token::issue))
        .route(revoke::PATH, post(revoke::revoke))
        .route(jwks::PATH, get(jwks::show))
        .route(metadata::PATH, get(metadata::show))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(CatchPanicLayer::custom(error::panicked))
        .with_state(state)
}

/// An error of `/oauth` (RFC 6749 §5.2) about a request that did not come as far as its endpoints.
#[must_use]
pub fn error(status: u16, description: &str) -> axum::response::Response {
    use axum::response::IntoResponse as _;
    let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let error = match status.is_server_error() {
        true => error::OauthError::new("temporarily_unavailable", description),
        false => error::OauthError::request(description),
    };
    error.with(status).into_response()
}
