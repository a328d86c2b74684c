//! The second step of signing in: a code of the person's app, or a recovery code.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use serde::Deserialize;
use store::admins::{Admin, Proof};
use token_service::people::{Passed, PeopleError};
use tower_sessions::Session;

use super::sign_in::{Entry, Next, by_themselves, let_in, own_page};
use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    door::Door,
    error::PageError,
    extract::{Fields, Origin, Parameters, RequestId},
    session::{self, SignedIn},
};

#[derive(Template)]
#[template(path = "sign_in_code.html")]
pub(crate) struct SignInCodePage {
    pub(crate) chrome: Chrome,
    pub(crate) email: String,
    pub(crate) next: String,
    /// What was wrong with the code.
    pub(crate) problem: Option<String>,
}

/// What was typed.
#[derive(Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// `GET /console/sign-in/code`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    session: Session,
    Parameters(query): Parameters<Next>,
) -> Result<Response, PageError> {
    let Some((admin, _)) = awaited(&state, &session).await? else { return Ok(from_the_start()) };
    form(StatusCode::OK, admin, own_page(&query.next), None)
}

/// `POST /console/sign-in/code`.
pub(crate) async fn enter(
    State(state): State<ConsoleState>,
    Extension(door): Extension<Door>,
    session: Session,
    Origin(sender): Origin,
    RequestId(cause): RequestId,
    Fields(typed): Fields<Code>,
) -> Result<Response, PageError> {
    let place = door.enter(sender.address).ok_or(PageError::BusySignIn)?;
    let Some((admin, held)) = awaited(&state, &session).await? else { return Ok(from_the_start()) };
    let next = own_page(&typed.next);
    let by = by_themselves(&admin, &cause);
    let passed = match state.tokens.check_second_factor(&admin, &typed.code, &by).await {
        Ok(passed) => passed,
        Err(error @ (PeopleError::WrongCode | PeopleError::Locked(_))) => {
            place.wrong(&admin.email).await;
            return form(StatusCode::UNPROCESSABLE_ENTITY, admin, next, Some(sentence(&error)));
        }
        // It was turned off meanwhile.
        Err(PeopleError::Factor(_)) => return Ok(from_the_start()),
        Err(error) => return Err(error.into()),
    };
    let (how, target) = match passed {
        Passed::Code => ("password and code", next),
        Passed::Recovery(_) => ("password and recovery code", "/console/account/second-factor?done=recovery"),
    };
    let signed_in = SignedIn { at: state.store.now(), ..held };
    let proof = Proof::Password { hash: admin.password_hash.clone(), second_factor: true };
    let entry = Entry { admin: &admin, signed_in, proof, how, from: &sender, cause: &cause };
    if !let_in(&state, &session, entry).await? {
        return Ok(from_the_start());
    }
    place.right(&admin.email).await;
    Ok(Redirect::to(target).into_response())
}

/// Whose password was right a moment ago.
async fn awaited(state: &ConsoleState, session: &Session) -> Result<Option<(Admin, SignedIn)>, PageError> {
    let Some(held) = session::held(session, state.store.now()).await? else { return Ok(None) };
    let admin = state.store.platform().admin_by_id(held.admin).await?;
    Ok(admin.map(|admin| (admin, held)))
}

fn from_the_start() -> Response {
    Redirect::to("/console/sign-in").into_response()
}

/// What was wrong, without the name of the field.
pub(crate) fn sentence(error: &PeopleError) -> String {
    let text = error.to_string();
    let text = text.split_once(": ").map_or(text.as_str(), |(_, text)| text);
    let mut letters = text.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn form(
    status: StatusCode,
    admin: Admin,
    next: &str,
    problem: Option<String>,
) -> Result<Response, PageError> {
    let title = if problem.is_some() { "Error: Sign in" } else { "Sign in" };
    let shown = SignInCodePage {
        chrome: Chrome::of(title, None),
        email: admin.email,
        next: next.to_owned(),
        problem,
    };
    page(status, &shown)
}
