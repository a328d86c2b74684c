//! One token of the installation: put another one in its place, say where it may come from, or revoke it.

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
    networks::NetworksForm,
    platform_tokens::{self, Issued, Row},
    rotate::{self, GRACES},
    setup::unfit,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "platform_token.html")]
pub(crate) struct PlatformTokenPage {
    pub(crate) chrome: Chrome,
    pub(crate) token: Row,
    /// Where it may come from: as it is kept, or as it was typed.
    pub(crate) typed: NetworksForm,
    pub(crate) errors: Errors,
}

impl PlatformTokenPage {
    /// Of a token, with nothing typed.
    pub(crate) fn new(chrome: Chrome, token: Row) -> Self {
        let typed = NetworksForm {
            networks: token.from.replace(", ", "\n"),
            report_only: token.report_only.then(|| "on".to_owned()),
        };
        Self { chrome, token, typed, errors: Errors::default() }
    }
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
    page(StatusCode::OK, &PlatformTokenPage::new(visit.chrome(token.name.clone()), token))
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

/// `POST /console/platform-tokens/{id}/networks`.
pub(crate) async fn networks(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
    Fields(typed): Fields<NetworksForm>,
) -> Result<Response, PageError> {
    let (id, token) = live(&state, &id).await?;
    let errors = match typed.read() {
        Ok(allowed) => match state.tokens.allow_platform_from(id, &allowed, &visit.context()).await {
            Ok(_) => return Ok(Redirect::to("/console/platform-tokens?done=networks").into_response()),
            Err(error) => unfit(error, &["networks"])?,
        },
        Err(problem) => {
            let mut errors = Errors::default();
            errors.add_told(&["networks"], &format!("networks: {problem}"));
            errors
        }
    };
    let chrome = visit.chrome(format!("Error: {}", token.name));
    let shown = PlatformTokenPage { typed, errors, ..PlatformTokenPage::new(chrome, token) };
    page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
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
