//! `POST /oauth/revoke`: a client gives back one of its access tokens (RFC 7009).

use axum::extract::{Request, State};
use http::StatusCode;
use token_service::access_tokens::RevokeError;

use crate::{TokenApiState, client, error::OauthError, form::Form};

/// Where it is.
pub(crate) const PATH: &str = "/oauth/revoke";

/// Revokes; 200 also for what is unknown or has ended (RFC 7009 §2.2). `token_type_hint` is not needed: there is one kind.
/// A client of an inactive tenant may give tokens back too.
pub(crate) async fn revoke(
    State(state): State<TokenApiState>,
    request: Request,
) -> Result<StatusCode, OauthError> {
    let (parts, body) = request.into_parts();
    let form = Form::read(&parts.headers, body).await?;
    let Some(token) = form.get("token") else {
        return Err(OauthError::request(
            "The parameter token is missing; send the access token in the body.",
        ));
    };
    let (client, _sender) = client::authenticate(&state, &parts, &form).await?;
    let _place = client::enter(&state, &client).await?;
    match state.tokens.revoke_access_token(&client, token, client::request_id(&parts)).await {
        Ok(()) => Ok(StatusCode::OK),
        Err(RevokeError::LongLived) => Err(OauthError::new(
            "unsupported_token_type",
            "This token was made by a person and is revoked where it was made, in the console or with rollcall token \
             revoke. Only access tokens of this client are revoked here.",
        )),
        Err(RevokeError::OfAnother) => Err(OauthError::new(
            "invalid_grant",
            "This token was issued to another client, which alone can revoke it here.",
        )),
        Err(RevokeError::Full) => {
            tracing::warn!(tenant = %client.principal.tenant, "too many access tokens are revoked");
            Err(OauthError::busy())
        }
        Err(RevokeError::Store(error)) => {
            tracing::error!(%error, "an access token cannot be revoked now");
            Err(OauthError::busy())
        }
    }
}
