//! `POST /oauth/token`: an access token for a client (RFC 6749 §4.4).

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use secrecy::ExposeSecret as _;
use serde_json::json;
use token_service::access_tokens::AccessError;

use crate::{TokenApiState, client, error::OauthError, form::Form};

/// Where it is.
pub(crate) const PATH: &str = "/oauth/token";

/// Issues an access token (RFC 6749 §5.1).
pub(crate) async fn issue(
    State(state): State<TokenApiState>,
    request: Request,
) -> Result<Response, OauthError> {
    let (parts, body) = request.into_parts();
    let form = Form::read(&parts.headers, body).await?;
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(OauthError::new(
                "unsupported_grant_type",
                "Only grant_type=client_credentials is offered here.",
            ));
        }
        None => {
            return Err(OauthError::request(
                "The parameter grant_type is missing; send grant_type=client_credentials in the body.",
            ));
        }
    }
    let (client, sender) = client::authenticate(&state, &parts, &form).await?;
    let _place = client::enter(&state, &client).await?;
    client::admit(&state, &parts, &sender, &client).await?;
    let issued =
        state.tokens.issue_access_token(&client, form.get("scope"), state.access_token_lifetime).await;
    let issued = issued.map_err(|error| match error {
        AccessError::Scope(text) => OauthError::new("invalid_scope", text),
        AccessError::Store(error) => {
            tracing::error!(%error, "an access token cannot be issued");
            OauthError::busy()
        }
    })?;
    state.tokens.note_use(&client.principal, &sender.line());
    let body = json!({
        "access_token": issued.token.expose_secret(),
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    });
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, Json(body)).into_response())
}
