//! One token of the installation: put another one in its place, or revoke it.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::Deserialize;
use store::PlatformTokenId;
use token_service::expiry;

use super::{
    platform_tokens::{self, Issued, Row},
    rotate::{self, GRACES},
    setup::unfit,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
};

#[derive(Template)]
#[template(path = "platform_token.html")]
pub(crate) struct PlatformTokenPage {
    pub(crate) chrome: Chrome,
    pub(crate) token: Row,
}

/// How long the old token goes on.
#[derive(Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    grace: String,
}

/// `GET /console/platform-tokens/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let (_, token) = live(&state, &id).await?;
    page(StatusCode::OK, &PlatformTokenPage { chrome: visit.chrome(token.name.clone()), token })
}

/// `POST /console/platform-tokens/{id}/rotate`: the answer is the only place where the new token ever stands.
pub(crate) async fn rotate(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
    Fields(choice): Fields<Choice>,
) -> Result<Response, PageError> {
    let (id, token) = live(&state, &id).await?;
    if !token.rotates {
        return Err(PageError::NotFound);
    }
    let chosen = GRACES.iter().find(|(value, _)| *value == choice.grace);
    let grace = chosen.and_then(|(value, _)| expiry::grace(value).ok());
    let grace = grace.ok_or(PageError::BadRequest("Choose how long the old token goes on."))?;
    let rotated = state.tokens.rotate_platform(id, grace, &visit.context()).await;
    let mut shown = platform_tokens::tokens_page(&state, &visit).await?;
    match rotated {
        Ok(rotated) => {
            let (old, now) = (&rotated.old, state.store.now());
            shown.with_token(Issued {
                name: rotated.issued.kept.name,
                token: rotated.issued.token.expose_secret().to_owned(),
                old: Some(rotate::fate(&old.hint, Some(old.expires_at), now)),
            })
        }
        Err(error) => {
            shown.errors = unfit(error, &[])?;
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
    }
}

/// `POST /console/platform-tokens/{id}/revoke`.
pub(crate) async fn revoke(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let (id, _) = live(&state, &id).await?;
    state.tokens.revoke_platform(id, &visit.context()).await?;
    Ok(Redirect::to("/console/platform-tokens?done=revoked").into_response())
}

async fn live(state: &ConsoleState, id: &str) -> Result<(PlatformTokenId, Row), PageError> {
    let id: PlatformTokenId = id.parse().map_err(|()| PageError::NotFound)?;
    let token = state.store.platform().platform_token(id).await?.ok_or(PageError::NotFound)?;
    let row = platform_tokens::row(token, state.store.now());
    if row.live { Ok((id, row)) } else { Err(PageError::NotFound) }
}
