//! One's own second factor: set up, confirmed, other recovery codes, off.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use qrcode::{Color, EcLevel, QrCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use token_service::people::{Enrolment, PeopleError};

use super::{Done, sign_in_code::sentence};
use crate::{
    ConsoleState, SecondFactor,
    chrome::{Chrome, page},
    door::{Door, Place},
    error::PageError,
    extract::{Fields, Origin, Parameters, Visit},
    form::Errors,
    session::How,
};

/// Where it is.
pub(crate) const PATH: &str = "/console/account/second-factor";

#[derive(Template)]
#[template(path = "second_factor.html")]
pub(crate) struct SecondFactorPage {
    pub(crate) chrome: Chrome,
    pub(crate) notice: Option<&'static str>,
    pub(crate) step: Step,
    /// Is nothing else shown before it is set up?
    pub(crate) required: bool,
    pub(crate) errors: Errors,
}

/// How far somebody is.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// They sign in at the provider.
    Elsewhere,
    /// There is none.
    None,
    /// It is shown, and not yet confirmed.
    Shown(Shown),
    /// It is on; so many recovery codes are left.
    On(u64),
    /// It was just confirmed, or other codes were made.
    Codes(Vec<String>),
}

/// What the app is set up with.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// In groups of four letters.
    pub(crate) secret: String,
    pub(crate) qr: Qr,
}

/// A QR code as one path: squares of one unit.
#[derive(Clone, Debug)]
pub(crate) struct Qr {
    /// Width and height with the quiet zone.
    pub(crate) size: usize,
    pub(crate) path: String,
}

impl Qr {
    /// Of a text; `None` when it is too long for one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        /// Units around it that have to be empty (ISO/IEC 18004).
        const QUIET: usize = 4;
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (row, line) in code.to_colors().chunks(width).enumerate() {
            let mut at = 0;
            while at < width {
                let dark = line.iter().skip(at).take_while(|color| **color == Color::Dark).count();
                if dark > 0 {
                    path.push_str(&format!("M{} {}h{dark}v1h-{dark}z", at + QUIET, row + QUIET));
                }
                at += dark.max(1);
            }
        }
        Some(Self { size: width + 2 * QUIET, path })
    }
}

impl Shown {
    fn of(enrolment: &Enrolment) -> Result<Self, PageError> {
        let qr = Qr::of(enrolment.uri.expose_secret()).ok_or_else(|| PageError::internal("no QR code"))?;
        let letters: Vec<char> = enrolment.secret.expose_secret().chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        Ok(Self { secret: groups.join(" "), qr })
    }
}

/// A code.
#[derive(Deserialize)]
pub(crate) struct Confirmation {
    #[serde(default)]
    code: String,
}

/// Both factors.
#[derive(Deserialize)]
pub(crate) struct Both {
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

/// `GET /console/account/second-factor`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let mut shown = SecondFactorPage::new(&state, &visit, step(&state, &visit).await?);
    shown.notice = match query.done.as_str() {
        "recovery" => Some(
            "You signed in with a recovery code, which is used up now. If the phone is gone, turn the second factor off with \
             another recovery code, then set it up anew.",
        ),
        _ => None,
    };
    page(StatusCode::OK, &shown)
}

/// `POST /console/account/second-factor`.
pub(crate) async fn begin(State(state): State<ConsoleState>, visit: Visit) -> Result<Response, PageError> {
    match state.tokens.begin_second_factor(&visit.admin, session(&visit)).await {
        // There is one already: the page shows that.
        Ok(()) | Err(PeopleError::Factor(_)) => Ok(Redirect::to(PATH).into_response()),
        Err(error) => Err(error.into()),
    }
}

/// `POST /console/account/second-factor/confirm`: the answer is the only place where the recovery codes ever stand.
pub(crate) async fn confirm(
    State(state): State<ConsoleState>,
    visit: Visit,
    Fields(typed): Fields<Confirmation>,
) -> Result<Response, PageError> {
    let by = visit.context();
    match state.tokens.confirm_second_factor(&visit.admin, &typed.code, session(&visit), &by).await {
        Ok(codes) => made(&state, &visit, &codes),
        Err(error) => wrong(&state, &visit, error, "code").await,
    }
}

/// `POST /console/account/second-factor/codes`.
pub(crate) async fn renew(
    State(state): State<ConsoleState>,
    Extension(door): Extension<Door>,
    visit: Visit,
    Origin(sender): Origin,
    Fields(typed): Fields<Both>,
) -> Result<Response, PageError> {
    let place = door.enter(sender.address).ok_or(PageError::BusySignIn)?;
    let (password, by) = (SecretString::from(typed.password), visit.context());
    match state.tokens.renew_recovery_codes(&visit.admin, password, &typed.code, &by).await {
        Ok(codes) => made(&state, &visit, &codes),
        Err(error) => {
            slow_down(&place, &visit, &error).await;
            wrong(&state, &visit, error, "renew").await
        }
    }
}

/// `POST /console/account/second-factor/off`.
pub(crate) async fn off(
    State(state): State<ConsoleState>,
    Extension(door): Extension<Door>,
    visit: Visit,
    Origin(sender): Origin,
    Fields(typed): Fields<Both>,
) -> Result<Response, PageError> {
    let place = door.enter(sender.address).ok_or(PageError::BusySignIn)?;
    let (password, by) = (SecretString::from(typed.password), visit.context());
    match state.tokens.disable_second_factor(&visit.admin, password, &typed.code, &by).await {
        Ok(()) => Ok(Redirect::to("/console/account?done=off").into_response()),
        Err(error) => {
            slow_down(&place, &visit, &error).await;
            wrong(&state, &visit, error, "off").await
        }
    }
}

/// Digest of the session, in which a second factor is begun and confirmed.
fn session(visit: &Visit) -> &[u8] {
    visit.session().unwrap_or_default()
}

/// Whoever sits at somebody's session guesses no faster than at the door.
async fn slow_down(place: &Place, visit: &Visit, error: &PeopleError) {
    if matches!(error, PeopleError::WrongPassword | PeopleError::WrongCode | PeopleError::Locked(_)) {
        place.wrong(&visit.admin.email).await;
    }
}

fn made(state: &ConsoleState, visit: &Visit, codes: &[SecretString]) -> Result<Response, PageError> {
    let codes = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
    page(StatusCode::CREATED, &SecondFactorPage::new(state, visit, Step::Codes(codes)))
}

/// The page with what was wrong, beside the form of this name.
async fn wrong(
    state: &ConsoleState,
    visit: &Visit,
    error: PeopleError,
    form: &'static str,
) -> Result<Response, PageError> {
    let mut errors = Errors::default();
    match (&error, form) {
        (PeopleError::WrongPassword, "renew") => errors.add("renew-password", sentence(&error)),
        (PeopleError::WrongPassword, _) => errors.add("off-password", sentence(&error)),
        (PeopleError::WrongCode | PeopleError::Locked(_), "renew") => {
            errors.add("renew-code", sentence(&error))
        }
        (PeopleError::WrongCode | PeopleError::Locked(_), "off") => errors.add("off-code", sentence(&error)),
        (PeopleError::WrongCode, _) => errors.add("code", sentence(&error)),
        (PeopleError::Factor(text), _) => errors.add("", *text),
        _ => return Err(error.into()),
    }
    let mut shown = SecondFactorPage::new(state, visit, step(state, visit).await?);
    shown.errors = errors;
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
}

impl SecondFactorPage {
    fn new(state: &ConsoleState, visit: &Visit, step: Step) -> Self {
        Self {
            chrome: visit.chrome("Second factor"),
            notice: None,
            required: state.second_factor == SecondFactor::Required,
            step,
            errors: Errors::default(),
        }
    }
}

async fn step(state: &ConsoleState, visit: &Visit) -> Result<Step, PageError> {
    if visit.admin.password_hash.is_empty()
        || visit.sitting.as_ref().is_some_and(|sitting| sitting.how == How::Provider)
    {
        return Ok(Step::Elsewhere);
    }
    if state.tokens.has_second_factor(&visit.admin).await? {
        let left = state.store.platform().recovery_codes_left(visit.admin.id).await?;
        return Ok(Step::On(left));
    }
    let host = state.public_url.host_str().unwrap_or("localhost");
    match state.tokens.enrolment(&visit.admin, session(visit), &format!("Rollcall {host}")).await? {
        Some(enrolment) => Ok(Step::Shown(Shown::of(&enrolment)?)),
        None => Ok(Step::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_is_squares() {
        let qr = Qr::of("otpauth://totp/Rollcall:ada@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Rollcall")
            .expect("a code");
        // The finder pattern in the corner is seven units wide.
        assert!(qr.path.starts_with("M4 4h7v1h-7z") && qr.size > 21 + 8, "{qr:?}");
        assert!(Qr::of(&"x".repeat(5000)).is_none());
    }
}
