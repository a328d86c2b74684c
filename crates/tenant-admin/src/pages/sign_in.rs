//! Signing in with a password, and out.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use store::{
    Actor, ActorKind, ChangeContext,
    admins::{Admin, Proof},
};
use token_service::{Sender, passwords::PasswordError};
use tower_sessions::Session;

use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    door::Door,
    error::PageError,
    extract::{Fields, Origin, Parameters, RequestId, Visit},
    pager,
    session::{self, How, SignedIn, Sittings},
};

/// Longest e-mail address (RFC 5321 §4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) chrome: Chrome,
    /// There is no operator yet.
    pub(crate) nobody: bool,
    pub(crate) email: String,
    pub(crate) next: String,
    pub(crate) refused: bool,
    /// Why nobody was signed in, where it is not the password.
    pub(crate) problem: Option<String>,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// Where one may sign in instead: what it is called, and the link.
    pub(crate) provider: Option<(String, String)>,
}

impl SignInPage {
    /// With nothing typed.
    pub(crate) fn new(state: &ConsoleState, next: &str) -> Self {
        let provider = state.oidc.as_ref().map(|provider| {
            let target = if next == FIRST { "" } else { next };
            (provider.name(), pager::link("/console/sign-in/with", &[("next", target)]))
        });
        Self {
            chrome: Chrome::of("Sign in", None),
            nobody: false,
            email: String::new(),
            next: next.to_owned(),
            refused: false,
            problem: None,
            notice: None,
            provider,
        }
    }
}

/// The console's first page.
const FIRST: &str = "/console/";

/// Where to go after sign-in, and what was done before it.
#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    pub(crate) next: String,
    #[serde(default)]
    done: String,
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
    Redirect::to(FIRST)
}

/// `GET /console/sign-in`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    Extension(sittings): Extension<Sittings>,
    session: Session,
    Origin(sender): Origin,
    Parameters(query): Parameters<Next>,
) -> Result<Response, PageError> {
    let next = own_page(&query.next);
    if sittings.person(&state.store, &session, &sender).await?.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let mut shown = SignInPage::new(&state, next);
    shown.nobody = shown.provider.is_none() && state.store.platform().admin_count().await? == 0;
    shown.notice = match query.done.as_str() {
        "password" => Some("The password is kept. Sign in with it."),
        "everywhere" => Some("You are signed out everywhere."),
        _ => None,
    };
    page(StatusCode::OK, &shown)
}

/// `POST /console/sign-in`: unknown address and wrong password get the same answer at the same cost. Who has a second
/// factor is not signed in by that, but asked for a code.
pub(crate) async fn enter(
    State(state): State<ConsoleState>,
    Extension(door): Extension<Door>,
    session: Session,
    Origin(sender): Origin,
    RequestId(cause): RequestId,
    Fields(typed): Fields<SignIn>,
) -> Result<Response, PageError> {
    let place = door.enter(sender.address).ok_or(PageError::BusySignIn)?;
    let email = typed.email.trim();
    let next = own_page(&typed.next);
    if let Some(admin) = check(&state, email, SecretString::from(typed.password)).await? {
        let signed_in = SignedIn::new(admin.id, How::Password, &sender, state.store.now());
        let second_factor = state.tokens.has_second_factor(&admin).await?;
        let proof = Proof::Password { hash: admin.password_hash.clone(), second_factor };
        if second_factor && await_code(&state, &session, &signed_in, &proof).await? {
            let next = if next == FIRST { "" } else { next };
            return Ok(Redirect::to(&pager::link("/console/sign-in/code", &[("next", next)])).into_response());
        }
        let entry = Entry { admin: &admin, signed_in, proof, how: "password", from: &sender, cause: &cause };
        if !second_factor && let_in(&state, &session, entry).await? {
            place.right(email).await;
            return Ok(Redirect::to(next).into_response());
        }
    }
    place.wrong(email).await;
    let mut shown = SignInPage::new(&state, next);
    shown.email = typed.email.chars().take(LONGEST_EMAIL).collect();
    shown.refused = true;
    page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
}

/// Keeps that a password was right. `false`: it was changed just now.
async fn await_code(
    state: &ConsoleState,
    session: &Session,
    signed_in: &SignedIn,
    proof: &Proof,
) -> Result<bool, PageError> {
    session::hold(session, signed_in).await?;
    let holds = state.store.platform().is_still_proven(signed_in.admin, proof).await;
    if !matches!(holds, Ok(true)) {
        session.flush().await?;
    }
    Ok(holds?)
}

/// Somebody who has proven who they are.
pub(crate) struct Entry<'a> {
    pub(crate) admin: &'a Admin,
    pub(crate) signed_in: SignedIn,
    pub(crate) proof: Proof,
    /// How, for the trail.
    pub(crate) how: &'a str,
    pub(crate) from: &'a Sender,
    /// Id of the request.
    pub(crate) cause: &'a str,
}

/// Begins a session and writes down who has signed in, how and from where. `false`: what they have proven was changed
/// just now, and there is no session.
pub(crate) async fn let_in(
    state: &ConsoleState,
    session: &Session,
    entry: Entry<'_>,
) -> Result<bool, PageError> {
    let Entry { admin, signed_in, proof, how, from, cause } = entry;
    session::begin(session, &signed_in).await?;
    let context = by_themselves(admin, cause);
    let noted = state.store.platform().note_sign_in(admin, &proof, how, &from.line(), &context).await;
    if matches!(noted, Ok(true)) {
        tracing::info!(admin = %admin.id, how, "signed in to the console");
    } else {
        session.flush().await?;
    }
    Ok(noted?)
}

/// Who does what happens at sign-in.
pub(crate) fn by_themselves(admin: &Admin, cause: &str) -> ChangeContext {
    let actor = Actor { kind: ActorKind::Admin, id: admin.id.to_string(), name: admin.email.clone() };
    ChangeContext { actor, cause: cause.to_owned() }
}

/// `POST /console/sign-out`.
pub(crate) async fn leave(
    State(state): State<ConsoleState>,
    session: Session,
    _: Visit,
) -> Result<Response, PageError> {
    session.flush().await?;
    Ok(signed_out(&state, "/console/sign-in"))
}

/// Leads to sign-in, and takes the cookie away.
pub(crate) fn signed_out(state: &ConsoleState, target: &str) -> Response {
    let mut response = Redirect::to(target).into_response();
    if let Ok(removal) = HeaderValue::from_str(&session::removal(state.secure_cookies)) {
        response.headers_mut().append(header::SET_COOKIE, removal);
    }
    response
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
    match state.tokens.is_password_of(admin.as_ref(), password).await {
        Ok(right) => Ok(admin.filter(|_| right)),
        Err(PasswordError::Unfit(_)) => Ok(None),
        Err(PasswordError::Busy) => Err(PageError::BusySignIn),
        Err(error @ PasswordError::Broken) => Err(PageError::internal(error)),
    }
}

/// A page of this console, or its first one: never another site.
pub(crate) fn own_page(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.starts_with("/console/") && !next.starts_with("/console/sign-") { next } else { FIRST }
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
