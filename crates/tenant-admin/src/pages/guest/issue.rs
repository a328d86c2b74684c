//! The one credential that a link makes.

use axum::{Extension, extract::State, response::Response};
use http::StatusCode;
use scim_core::profile::CredentialKind;
use secrecy::ExposeSecret;
use serde::Deserialize;
use token_service::{NewBasic, NewToken, scopes, service::IssueError};

use super::{
    super::setup::{takes, token_form, unfit},
    GuestPage, guest_page,
};
use crate::{
    ConsoleState,
    chrome::page,
    door::Door,
    error::PageError,
    extract::{Fields, Origin},
    form::Errors,
    guest::GuestVisit,
    when::Moment,
};

/// What is shown once.
pub(crate) enum GuestIssued {
    Token(String),
    Login { username: String, password: String },
}

/// What is said when the link has made its credential.
const USED: &str = "This link has made its one credential already. If it is lost, ask whoever sent the link for another one.";

/// The form that makes a token.
#[derive(Deserialize)]
pub(crate) struct GuestTokenForm {
    #[serde(default)]
    expires: String,
}

/// The form that makes a user name.
#[derive(Deserialize)]
pub(crate) struct GuestLoginForm {
    #[serde(default)]
    username: String,
}

/// `POST /setup/token`: the answer is the only place where the token ever stands.
pub(crate) async fn create_token(
    State(state): State<ConsoleState>,
    visit: GuestVisit,
    Fields(form): Fields<GuestTokenForm>,
) -> Result<Response, PageError> {
    takes(&visit.tenant, CredentialKind::Bearer)?;
    let now = state.store.now();
    let longest = state.tokens.longest(visit.tenant.row.credential_days);
    let made = match token_form::end_of(&form.expires, now, longest) {
        Ok(expires_at) => {
            let name = format!("Setup link, {}", Moment::new(now, now).exact);
            let new = NewToken {
                // Names of live tokens are unique; another link may make one in the same minute.
                name: format!("{name}, {}", tail(&visit)),
                scope: scopes::DEFAULT.to_owned(),
                expires_at,
                user: None,
                allowed_from: Default::default(),
            };
            let made = state.tokens.issue_by_link(&visit.guest, new, &visit.context()).await;
            told(made, &["expires"])?
                .map(|made| made.map(|issued| GuestIssued::Token(issued.token.expose_secret().to_owned())))
        }
        Err(problem) => {
            let mut errors = Errors::default();
            errors.add("expires", problem);
            Err(errors)
        }
    };
    answer(&state, &visit, made, |shown| shown.expires = form.expires).await
}

/// `POST /setup/login`: the answer is the only place where the password ever stands.
pub(crate) async fn create_login(
    State(state): State<ConsoleState>,
    Extension(door): Extension<Door>,
    visit: GuestVisit,
    Origin(sender): Origin,
    Fields(form): Fields<GuestLoginForm>,
) -> Result<Response, PageError> {
    takes(&visit.tenant, CredentialKind::Basic)?;
    // A password is hashed before it is known whether it is kept: a link whose holder asks again and again must not fill
    // the queue in which all people wait who sign in.
    let place = door.enter(sender.address).ok_or(PageError::Busy)?;
    if visit.guest.link.credential.is_some() {
        return answer(&state, &visit, Ok(None), |_| ()).await;
    }
    let new = NewBasic {
        username: form.username.trim().to_owned(),
        name: None,
        scope: scopes::DEFAULT.to_owned(),
        expires_at: None,
        allowed_from: Default::default(),
    };
    let made = state.tokens.create_basic_by_link(&visit.guest, new, &visit.context()).await;
    let made = told(made, &["username"])?.map(|made| {
        made.map(|issued| GuestIssued::Login {
            username: issued.credential.login.unwrap_or_default(),
            password: issued.password.expose_secret().to_owned(),
        })
    });
    if made.is_err() {
        // Nor may it tell many user names that others have.
        place.wrong(&visit.guest.link.id.to_string()).await;
    }
    answer(&state, &visit, made, |shown| shown.username = form.username).await
}

/// Tells two links apart.
fn tail(visit: &GuestVisit) -> String {
    let id = visit.guest.link.id.to_string();
    id.chars().skip(id.len().saturating_sub(4)).collect()
}

/// What is wrong with what was typed; other faults are the page's.
fn told<T>(
    made: Result<Option<T>, IssueError>,
    fields: &[&'static str],
) -> Result<Result<Option<T>, Errors>, PageError> {
    match made {
        Ok(made) => Ok(Ok(made)),
        Err(error) => unfit(error, fields).map(Err),
    }
}

/// The page with what was made, or why nothing was.
async fn answer(
    state: &ConsoleState,
    visit: &GuestVisit,
    made: Result<Option<GuestIssued>, Errors>,
    typed: impl FnOnce(&mut GuestPage),
) -> Result<Response, PageError> {
    let mut shown = guest_page(state, visit).await?;
    let now = state.store.now();
    let errors = match made {
        Ok(Some(issued)) => {
            shown.used = Some(Moment::new(now, now));
            shown.issued = Some(issued);
            shown.chrome.title = format!("Your credential · {}", shown.product);
            return page(StatusCode::CREATED, &shown);
        }
        Ok(None) => {
            let mut errors = Errors::default();
            errors.add("", USED);
            shown.used = shown.used.or(Some(Moment::new(now, now)));
            errors
        }
        Err(errors) => {
            typed(&mut shown);
            errors
        }
    };
    let status = if shown.used.is_some() { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    shown.errors = errors;
    page(status, &shown)
}
