//! The keys that sign tokens: which one signs, how many tokens hang on each, and the step to the next one.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use serde::Deserialize;
use store::keys::KeyState;
use token_service::custody::{KeyError, KeyInfo, PUBLISHED_FOR};

use super::Done;
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, count, page},
    error::PageError,
    extract::{Fields, Parameters, Visit},
    when::Moment,
};

#[derive(Template)]
#[template(path = "keys.html")]
pub(crate) struct KeysPage {
    pub(crate) chrome: Chrome,
    pub(crate) rows: Vec<KeyRow>,
    pub(crate) facts: Facts,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// Why nothing was done.
    pub(crate) problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "rotate_keys.html")]
pub(crate) struct RotateKeysPage {
    pub(crate) chrome: Chrome,
    /// The key that signs.
    pub(crate) active: KeyRow,
    /// The key that would sign.
    pub(crate) next: String,
    /// Minutes for which others may refuse tokens of the next key; `None`: it has been published long enough.
    pub(crate) hasty: Option<i64>,
}

/// What others need to check tokens themselves.
pub(crate) struct Facts {
    /// `iss` and `aud` of every token.
    pub(crate) issuer: String,
    /// Address of the public keys.
    pub(crate) jwks: String,
}

/// A key in the list.
pub(crate) struct KeyRow {
    pub(crate) kid: String,
    pub(crate) state: Badge,
    /// Since when it signs or has signed.
    pub(crate) since: Option<Moment>,
    /// Until when it signed.
    pub(crate) until: Option<Moment>,
    /// `3 tokens`.
    pub(crate) tokens: String,
    /// When the last token that it signed ends.
    pub(crate) covers: Option<Moment>,
}

impl KeyRow {
    fn new(key: &KeyInfo, now: i64) -> Self {
        let moment = |at: Option<i64>| at.map(|at| Moment::new(at, now));
        Self {
            kid: key.kid.clone(),
            state: match key.state {
                KeyState::Active => Badge::new("ok", "Signs"),
                KeyState::Next => Badge::new("quiet", "Next"),
                KeyState::Retired => Badge::new("quiet", "Only verifies"),
            },
            since: moment(key.active_at),
            until: moment(key.retired_at),
            tokens: count(key.live_tokens, "token"),
            covers: moment((key.covers_until > 0).then_some(key.covers_until)),
        }
    }
}

/// The key that the person saw sign.
#[derive(Deserialize)]
pub(crate) struct Seen {
    #[serde(default)]
    active: String,
}

/// `GET /console/keys`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let (notice, problem) = match query.done.as_str() {
        "rotated" => {
            (Some("The next key signs now. Tokens that were issued before go on as they are."), None)
        }
        "overtaken" => {
            let text = "Somebody else has rotated the keys at the same time, so nothing more was done.";
            (None, Some(text))
        }
        _ => (None, None),
    };
    let now = state.store.now();
    let rows = state.tokens.signing_keys().await?.iter().map(|key| KeyRow::new(key, now)).collect();
    let facts = Facts {
        issuer: state.tokens.issuer().to_string(),
        jwks: state.public_url.join("/.well-known/jwks.json").map(String::from).unwrap_or_default(),
    };
    page(StatusCode::OK, &KeysPage { chrome: visit.chrome("Keys"), rows, facts, notice, problem })
}

/// `GET /console/keys/rotate`: the question.
pub(crate) async fn ask(State(state): State<ConsoleState>, visit: Visit) -> Result<Response, PageError> {
    let keys = state.tokens.signing_keys().await?;
    let of = |state| keys.iter().find(|key| key.state == state);
    let (Some(active), Some(next)) = (of(KeyState::Active), of(KeyState::Next)) else {
        return Err(PageError::internal("there is no active or no next signing key"));
    };
    let now = state.store.now();
    let left = next.created_at + PUBLISHED_FOR * 1000 - now;
    let question = RotateKeysPage {
        chrome: visit.chrome("Rotate the keys"),
        active: KeyRow::new(active, now),
        next: next.kid.clone(),
        hasty: (left > 0).then_some((left + 59_999) / 60_000),
    };
    page(StatusCode::OK, &question)
}

/// `POST /console/keys/rotate`: only if the key signs that the question was about, so that a form sent twice rotates
/// once.
pub(crate) async fn rotate(
    State(state): State<ConsoleState>,
    visit: Visit,
    Fields(seen): Fields<Seen>,
) -> Result<Response, PageError> {
    let done = match state.tokens.rotate_keys(Some(&seen.active), &visit.context()).await {
        Ok(_) => "rotated",
        Err(KeyError::Overtaken(_)) => "overtaken",
        Err(KeyError::Store(error)) => return Err(error.into()),
        Err(error @ KeyError::Keys(_)) => return Err(PageError::internal(error)),
    };
    Ok(Redirect::to(&format!("/console/keys?done={done}")).into_response())
}
