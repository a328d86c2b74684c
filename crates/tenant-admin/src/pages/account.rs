//! One's own account: password, second factor, sessions.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use store::admins::sessions::SessionRow;
use token_service::{passwords, people::PeopleError};

use super::{Done, sign_in};
use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    door::Door,
    error::PageError,
    extract::{Fields, Origin, Parameters, Segments, Visit},
    form::Errors,
    when::Moment,
};

#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    pub(crate) chrome: Chrome,
    pub(crate) notice: Option<&'static str>,
    pub(crate) email: String,
    /// What their role lets them do.
    pub(crate) role: &'static str,
    /// Have they a password here?
    pub(crate) has_password: bool,
    pub(crate) second_factor: bool,
    /// How many recovery codes are left.
    pub(crate) codes_left: u64,
    pub(crate) sessions: Vec<SessionLine>,
    pub(crate) errors: Errors,
    pub(crate) shortest: usize,
}

/// A session as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct SessionLine {
    /// Digest in hexadecimal digits.
    pub(crate) id: String,
    /// Is it the one that looks?
    pub(crate) this: bool,
    /// What the browser says of itself, in short.
    pub(crate) browser: String,
    /// All of what it says.
    pub(crate) agent: String,
    pub(crate) address: String,
    pub(crate) since: Moment,
    pub(crate) seen: Moment,
}

impl SessionLine {
    /// Of a row.
    pub(crate) fn of(row: SessionRow, this: Option<&[u8]>, now: i64) -> Option<Self> {
        let seat = row.seat?;
        Some(Self {
            this: this == Some(row.id_hash.as_slice()),
            id: hex(&row.id_hash),
            browser: browser(&seat.agent),
            agent: seat.agent,
            address: if seat.address.is_empty() { "unknown".into() } else { seat.address },
            since: Moment::new(seat.created_at, now),
            seen: Moment::new(seat.last_seen_at, now),
        })
    }
}

/// What was typed to change the password.
#[derive(Deserialize)]
pub(crate) struct Passwords {
    #[serde(default)]
    old: String,
    #[serde(default)]
    password: String,
}

/// Which sessions are to end.
#[derive(Deserialize)]
pub(crate) struct Which {
    /// `all`, or the others.
    #[serde(default)]
    which: String,
}

/// `GET /console/account`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let mut shown = account(&state, &visit).await?;
    shown.notice = match query.done.as_str() {
        "password" => Some("The password is changed. All your other sessions have ended."),
        "ended" => Some("The session has ended."),
        "others" => Some("You are signed out everywhere else."),
        "off" => Some("The second factor is off. All that is asked for now is your password."),
        _ => None,
    };
    page(StatusCode::OK, &shown)
}

/// `POST /console/account/password`: whoever sits at somebody's session guesses no faster than at the door.
pub(crate) async fn password(
    State(state): State<ConsoleState>,
    Extension(door): Extension<Door>,
    visit: Visit,
    Origin(sender): Origin,
    Fields(typed): Fields<Passwords>,
) -> Result<Response, PageError> {
    let place = door.enter(sender.address).ok_or(PageError::BusySignIn)?;
    let (old, new) = (SecretString::from(typed.old), SecretString::from(typed.password));
    let changed =
        state.tokens.change_password(&visit.admin, old, new, visit.session(), &visit.context()).await;
    let mut errors = Errors::default();
    match changed {
        Ok(()) => return Ok(Redirect::to("/console/account?done=password").into_response()),
        Err(PeopleError::WrongPassword) => {
            place.wrong(&visit.admin.email).await;
            errors.add("old", "That is not your password.");
        }
        Err(PeopleError::Unfit(text)) => errors.add_told(&["password"], &text),
        Err(error) => return Err(error.into()),
    }
    let mut shown = account(&state, &visit).await?;
    shown.errors = errors;
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
}

/// `POST /console/account/sessions/{id}/end`.
pub(crate) async fn end_session(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let id_hash = unhex(&id).ok_or(PageError::NotFound)?;
    let ended = state.store.platform().end_session(visit.admin.id, &id_hash, &visit.context()).await?;
    if !ended {
        return Err(PageError::NotFound);
    }
    if visit.session() == Some(id_hash.as_slice()) {
        return Ok(sign_in::signed_out(&state, "/console/sign-in"));
    }
    Ok(Redirect::to("/console/account?done=ended#sessions").into_response())
}

/// `POST /console/account/sessions`.
pub(crate) async fn end_sessions(
    State(state): State<ConsoleState>,
    visit: Visit,
    Fields(typed): Fields<Which>,
) -> Result<Response, PageError> {
    let platform = state.store.platform();
    if typed.which == "all" {
        platform.end_sessions(visit.admin.id, None, &visit.context()).await?;
        return Ok(sign_in::signed_out(&state, "/console/sign-in?done=everywhere"));
    }
    platform.end_sessions(visit.admin.id, visit.session(), &visit.context()).await?;
    Ok(Redirect::to("/console/account?done=others#sessions").into_response())
}

async fn account(state: &ConsoleState, visit: &Visit) -> Result<AccountPage, PageError> {
    let (platform, now) = (state.store.platform(), state.store.now());
    let second_factor = state.tokens.has_second_factor(&visit.admin).await?;
    let sessions = platform.sessions_of(visit.admin.id).await?;
    let line = |row| SessionLine::of(row, visit.session(), now);
    Ok(AccountPage {
        chrome: visit.chrome("Your account"),
        notice: None,
        email: visit.admin.email.clone(),
        role: crate::rights::described(visit.admin.role),
        has_password: !visit.admin.password_hash.is_empty(),
        second_factor,
        codes_left: if second_factor { platform.recovery_codes_left(visit.admin.id).await? } else { 0 },
        sessions: sessions.into_iter().filter_map(line).collect(),
        errors: Errors::default(),
        shortest: passwords::MIN_LENGTH,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The 32 bytes of a digest.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..64).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// "Firefox on Linux", as far as a User-Agent tells; names that others pretend to be come last.
pub(crate) fn browser(agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if agent.is_empty() => "Unknown browser".to_owned(),
        _ => agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_go_there_and_back() {
        let bytes: Vec<u8> = (0..32).map(|byte| byte * 8).collect();
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        for wrong in ["", "00", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn browsers_are_told_in_short() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 \
                    Safari/537.36 Edg/141.0";
        assert_eq!(browser(edge), "Edge on Windows");
        assert_eq!(
            browser("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"),
            "Firefox on Linux"
        );
        assert_eq!(browser("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(browser(""), "Unknown browser");
    }
}
