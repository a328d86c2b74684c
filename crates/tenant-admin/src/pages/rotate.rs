//! Rotating a token, after a question how long the old one goes on.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::Deserialize;
use store::CredentialId;
use token_service::expiry;

use super::{
    closed,
    setup::{self, IssuedToken, TokenRow},
    tenant,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    when::Moment,
};

/// How long the old token may go on: what is sent, and how it reads.
pub(crate) const GRACES: [(&str, &str); 4] = [
    ("0", "no longer: it ends at once"),
    ("1h", "for 1 hour"),
    ("24h", "for 24 hours"),
    ("7d", "for 7 days"),
];

#[derive(Template)]
#[template(path = "rotate.html")]
pub(crate) struct RotatePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) token: TokenRow,
}

/// One of [`GRACES`].
#[derive(Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    grace: String,
}

/// `GET …/tokens/{id}/rotate`: the question, for browsers without script (with script it is a dialog on the Setup
/// page).
pub(crate) async fn ask(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::OK)? {
        return Ok(closed);
    }
    let rows = setup::token_rows(&state, &tenant).await?;
    let token = rows.into_iter().find(|row| row.id == id && row.rotates).ok_or(PageError::NotFound)?;
    let chrome = visit.chrome(format!("Rotate {}", token.name));
    page(StatusCode::OK, &RotatePage { chrome, head: TenantHead::new(&tenant, "setup"), token })
}

/// `POST …/tokens/{id}/rotate`: the answer is the only place where the new token ever stands.
pub(crate) async fn rotate(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Fields(choice): Fields<Choice>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    let id: CredentialId = id.parse().map_err(|()| PageError::NotFound)?;
    let chosen = GRACES.iter().find(|(value, _)| *value == choice.grace);
    let grace = chosen.and_then(|(value, _)| expiry::grace(value).ok());
    let grace = grace.ok_or(PageError::BadRequest("Choose how long the old token goes on."))?;
    let rows = setup::token_rows(&state, &tenant).await?;
    if !rows.iter().any(|row| row.id == id.to_string() && row.rotates) {
        return Err(PageError::NotFound);
    }
    let rotated = state.tokens.rotate(tenant.id(), id, grace, &visit.context()).await;
    let setup = setup::setup_page(&state, &visit, &tenant).await?;
    match rotated {
        Ok(rotated) => setup.with_token(IssuedToken {
            name: rotated.issued.credential.name,
            token: rotated.issued.token.expose_secret().to_owned(),
            old: Some(fate(&rotated.old.hint, rotated.old.expires_at, state.store.now())),
        }),
        Err(error) => setup.with_errors(setup::unfit(error, &[])?),
    }
}

/// What becomes of an old token that ends with `hint`.
pub(crate) fn fate(hint: &str, expires_at: Option<i64>, now: i64) -> String {
    match expires_at {
        Some(at) if at > now => {
            let until = Moment::new(at, now);
            format!("The old token, …{hint}, works until {} ({}).", until.exact, until.relative)
        }
        _ => format!("The old token, …{hint}, has ended: put this one in its place now."),
    }
}
