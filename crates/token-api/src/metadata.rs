//! `GET /.well-known/oauth-authorization-server`: where everything is (RFC 8414).

use axum::{Json, extract::State};
use serde_json::{Value, json};
use token_service::scopes;

use crate::{TokenApiState, revoke, token};

/// Where it is.
pub(crate) const PATH: &str = "/.well-known/oauth-authorization-server";

/// Both ways in which a client can prove who it is (RFC 6749 §2.3.1).
const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// The metadata. There is no authorization endpoint, hence no response type.
pub(crate) async fn show(State(state): State<TokenApiState>) -> Json<Value> {
    let issuer = state.public_url.origin().ascii_serialization();
    let at = |path: &str| format!("{issuer}{path}");
    Json(json!({
        "issuer": issuer,
        "token_endpoint": at(token::PATH),
        "revocation_endpoint": at(revoke::PATH),
        "jwks_uri": at("/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": scopes::TENANT,
        "token_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_methods_supported": METHODS,
    }))
}
