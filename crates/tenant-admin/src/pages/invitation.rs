//! A one-time link by which somebody chooses a password. Looking at it changes nothing: mail scanners do that.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use token_service::{passwords, people::PeopleError};

use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    door::Door,
    error::PageError,
    extract::{Fields, Origin, RequestId, Segments},
    form::Errors,
    when::Moment,
};

#[derive(Template)]
#[template(path = "invitation.html")]
pub(crate) struct InvitationPage {
    pub(crate) chrome: Chrome,
    /// Whose it is, if it is good.
    pub(crate) of: Option<Invited>,
    pub(crate) errors: Errors,
    pub(crate) shortest: usize,
}

/// A good invitation.
#[derive(Clone, Debug)]
pub(crate) struct Invited {
    pub(crate) email: String,
    /// In the address of the form.
    pub(crate) secret: String,
    pub(crate) by: String,
    pub(crate) until: Moment,
    /// Has a password already: another one takes its place.
    pub(crate) again: bool,
}

impl InvitationPage {
    /// Of an invitation, or of none.
    pub(crate) fn new(of: Option<Invited>, errors: Errors) -> Self {
        let title = match (&of, errors.is_empty()) {
            (None, _) => "This link is no longer good",
            (Some(_), true) => "Choose a password",
            (Some(_), false) => "Error: Choose a password",
        };
        Self { chrome: Chrome::of(title, None), of, errors, shortest: passwords::MIN_LENGTH }
    }
}

/// What was typed.
#[derive(Deserialize)]
pub(crate) struct Chosen {
    #[serde(default)]
    password: String,
}

/// `GET /console/invitation/{secret}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    Segments(secret): Segments<String>,
) -> Result<Response, PageError> {
    let found = invited(&state, secret).await?;
    let status = if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    page(status, &InvitationPage::new(found, Errors::default()))
}

/// `POST /console/invitation/{secret}`.
pub(crate) async fn accept(
    State(state): State<ConsoleState>,
    Extension(door): Extension<Door>,
    Origin(sender): Origin,
    RequestId(cause): RequestId,
    Segments(secret): Segments<String>,
    Fields(chosen): Fields<Chosen>,
) -> Result<Response, PageError> {
    let _place = door.enter(sender.address).ok_or(PageError::BusySignIn)?;
    let (link, password) = (SecretString::from(secret.clone()), SecretString::from(chosen.password));
    match state.tokens.accept_invitation(&link, password, &cause).await {
        Ok(admin) => {
            tracing::info!(admin = %admin.id, "an invitation was used");
            Ok(Redirect::to("/console/sign-in?done=password").into_response())
        }
        Err(PeopleError::Unknown) => {
            page(StatusCode::NOT_FOUND, &InvitationPage::new(None, Errors::default()))
        }
        Err(PeopleError::Unfit(text)) => {
            let mut errors = Errors::default();
            errors.add_told(&["password"], &text);
            page(
                StatusCode::UNPROCESSABLE_ENTITY,
                &InvitationPage::new(invited(&state, secret).await?, errors),
            )
        }
        Err(error) => Err(error.into()),
    }
}

async fn invited(state: &ConsoleState, secret: String) -> Result<Option<Invited>, PageError> {
    let found = state.tokens.invitation(&SecretString::from(secret.clone())).await?;
    Ok(found.map(|(invitation, admin)| Invited {
        email: admin.email,
        secret,
        by: invitation.created_by,
        until: Moment::new(invitation.expires_at, state.store.now()),
        again: !admin.password_hash.is_empty(),
    }))
}
