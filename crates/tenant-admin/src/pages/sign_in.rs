//! Signing in and out.

use std::time::{Duration, Instant};

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use store::admins::Admin;
use token_service::{
    attempts::{Attempts, Limit},
    passwords::{self, PasswordError},
};
use tower_sessions::Session;

use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    error::PageError,
    extract::{Fields, Parameters, Visit},
    session,
};

/// Longest e-mail address (RFC 5321 §4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;
/// Wrong passwords for one e-mail address that cost nothing: people mistype.
pub(crate) const FREE: Limit = Limit { free: 3, window: Duration::from_secs(15 * 60) };

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) chrome: Chrome,
    /// There is no operator yet.
    pub(crate) nobody: bool,
    pub(crate) email: String,
    pub(crate) next: String,
    pub(crate) refused: bool,
}

/// Where to go after sign-in.
#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

/// What was typed.
#[derive(Deserialize)]
pub(crate) struct SignIn {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// `GET /`, `GET /console`.
pub(crate) async fn front_door() -> Redirect {
    Redirect::to("/console/")
}

/// `GET /console/sign-in`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    session: Session,
    Parameters(query): Parameters<Next>,
) -> Result<Response, PageError> {
    let next = own_page(&query.next);
    if session::current(&session).await?.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let nobody = state.store.platform().admin_count().await? == 0;
    form(StatusCode::OK, String::new(), next, nobody, false)
}

/// `POST /console/sign-in`: unknown address and wrong password get the same answer at the same cost.
pub(crate) async fn enter(
    State(state): State<ConsoleState>,
    Extension(attempts): Extension<Attempts>,
    session: Session,
    Fields(typed): Fields<SignIn>,
) -> Result<Response, PageError> {
    let email = typed.email.trim();
    let next = own_page(&typed.next);
    match check(&state, email, SecretString::from(typed.password)).await? {
        Some(admin) => {
            attempts.succeeded(email).await;
            session::begin(&session, admin.id).await?;
            tracing::info!(admin = %admin.id, "signed in to the console");
            Ok(Redirect::to(next).into_response())
        }
        None => {
            tokio::time::sleep(attempts.failed(email, Instant::now()).await.delay).await;
            form(
                StatusCode::UNPROCESSABLE_ENTITY,
                typed.email.chars().take(LONGEST_EMAIL).collect(),
                next,
                false,
                true,
            )
        }
    }
}

/// `POST /console/sign-out`.
pub(crate) async fn leave(
    State(state): State<ConsoleState>,
    session: Session,
    _: Visit,
) -> Result<Response, PageError> {
    session.flush().await?;
    let mut response = Redirect::to("/console/sign-in").into_response();
    if let Ok(removal) = HeaderValue::from_str(&session::removal(state.secure_cookies)) {
        response.headers_mut().append(header::SET_COOKIE, removal);
    }
    Ok(response)
}

/// The admin, if the password is right.
async fn check(
    state: &ConsoleState,
    email: &str,
    password: SecretString,
) -> Result<Option<Admin>, PageError> {
    let admin = if email.is_empty() || email.len() > LONGEST_EMAIL || email.contains(char::is_control) {
        None
    } else {
        state.store.platform().admin_by_email(email).await?
    };
    let hash = admin.as_ref().map(|admin| admin.password_hash.clone());
    match passwords::verify(password, hash).await {
        Ok(right) => Ok(admin.filter(|_| right)),
        Err(PasswordError::Unfit(_)) => Ok(None),
        Err(PasswordError::Busy) => Err(PageError::BusySignIn),
        Err(error @ PasswordError::Broken) => Err(PageError::internal(error)),
    }
}

fn form(
    status: StatusCode,
    email: String,
    next: &str,
    nobody: bool,
    refused: bool,
) -> Result<Response, PageError> {
    let chrome = Chrome::of("Sign in", None);
    page(status, &SignInPage { chrome, nobody, email, next: next.to_owned(), refused })
}

/// A page of this console, or its first one: never another site.
fn own_page(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.starts_with("/console/") && !next.starts_with("/console/sign-") {
        next
    } else {
        "/console/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_to_pages_of_this_console_only() {
        assert_eq!(own_page("/console/tenants/acme/users?q=a%20b"), "/console/tenants/acme/users?q=a%20b");
        for foreign in [
            "",
            "//evil.example",
            "https://evil.example",
            "/console\\evil",
            "/console/a\r\nb",
            "/console/sign-out",
            "/x",
        ] {
            assert_eq!(own_page(foreign), "/console/", "{foreign:?}");
        }
    }
}
