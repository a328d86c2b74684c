//! What machines ask for beside SCIM: the keys that verify tokens, and OAuth 2.0. One file an endpoint.

mod jwks;

use axum::{Router, routing::get};
use token_service::{Networks, TokenService};

/// What the endpoints need.
#[derive(Clone)]
pub struct TokenApiState {
    /// Knows keys, clients and tokens.
    pub tokens: TokenService,
    /// Origin that machines see; issuer of RFC 8414's metadata.
    pub public_url: url::Url,
    /// Proxies whose word on the sender's address is believed.
    pub trusted_proxies: Networks,
}

/// All endpoints.
pub fn router(state: TokenApiState) -> Router {
    Router::new().route(jwks::PATH, get(jwks::show)).with_state(state)
}
