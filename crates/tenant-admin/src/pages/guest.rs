//! The set-up page for somebody without an account: the door that a link leads to, and the page behind it.

mod issue;

pub(crate) use issue::{GuestIssued, create_login, create_token};

use std::time::{Duration, Instant};

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, header};
use scim_core::profile::CredentialKind;
use token_service::{
    attempts::{Attempts, Limit},
    setup_links::SESSION_LIFETIME,
};

use super::setup::{
    connection::{self, ChoiceForm, Connection},
    token_form,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    error::PageError,
    extract::{Fields, RequestId, Segments},
    form::Errors,
    guest::{self, GuestVisit},
    when::Moment,
};

/// Address of the page.
const HOME: &str = "/setup";
/// Wrong links that are answered at once; those beyond are answered late. Right ones never wait.
pub(crate) const FREE: Limit = Limit { free: 20, window: Duration::from_secs(15 * 60) };

/// Wrong links, whoever tried them.
#[derive(Clone)]
pub(crate) struct LinkAttempts(pub(crate) Attempts);

#[derive(Template)]
#[template(path = "setup_door.html")]
pub(crate) struct DoorPage {
    pub(crate) chrome: Chrome,
    /// Name of the tenant.
    pub(crate) name: String,
    pub(crate) product: String,
    /// Who made the link.
    pub(crate) issuer: String,
    pub(crate) until: Moment,
}

#[derive(Template)]
#[template(path = "guest.html")]
pub(crate) struct GuestPage {
    pub(crate) chrome: Chrome,
    pub(crate) name: String,
    pub(crate) product: String,
    pub(crate) connection: Connection,
    /// What of the tenant can be made here.
    pub(crate) makes: Option<Makes>,
    /// When the link has made its credential.
    pub(crate) used: Option<Moment>,
    pub(crate) issued: Option<GuestIssued>,
    /// When a token may expire: value and label, and the one that is chosen.
    pub(crate) choices: Vec<(&'static str, String)>,
    pub(crate) expires: String,
    /// The user name that was typed.
    pub(crate) username: String,
    /// Is the token pasted with `Bearer` in front?
    pub(crate) with_bearer: bool,
    pub(crate) until: Moment,
    pub(crate) errors: Errors,
}

/// The kind of credential that a link makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Makes {
    Token,
    Login,
}

impl Makes {
    /// What the identity provider signs in with, of what the tenant takes.
    fn of(visit: &GuestVisit, provider: &str) -> Option<Self> {
        let takes = |kind| visit.tenant.profile.credentials.contains(&kind);
        let signs_in = crate::connect::providers::by_word(provider).map_or(&[][..], |one| one.signs_in);
        let made = |kind: &CredentialKind| match kind {
            CredentialKind::Bearer => Some(Self::Token),
            CredentialKind::Basic => Some(Self::Login),
            // Its two parts are for an operator to hand on.
            CredentialKind::Oauth => None,
        };
        signs_in.iter().filter(|kind| takes(**kind)).find_map(made)
    }
}

/// `GET /setup/{secret}`: shows a button, and changes nothing, because mail scanners follow links.
pub(crate) async fn door(
    State(state): State<ConsoleState>,
    Extension(attempts): Extension<LinkAttempts>,
    Segments(secret): Segments<String>,
) -> Result<Response, PageError> {
    let Some(guest) = state.tokens.setup_link(&secret).await? else { return wrong(&attempts).await };
    let Some(tenant) = guest::tenant_of(&state, &guest).await? else { return wrong(&attempts).await };
    let shown = DoorPage {
        chrome: Chrome::of(format!("Set up {}", tenant.profile.title), None),
        name: tenant.row.name.clone(),
        product: tenant.profile.title.clone(),
        issuer: guest.link.issuer_name.clone(),
        until: Moment::new(guest.link.expires_at, state.store.now()),
    };
    page(StatusCode::OK, &shown)
}

/// `POST /setup/{secret}`: exchanges the link for a session, so that its secret is in no address from then on.
pub(crate) async fn enter(
    State(state): State<ConsoleState>,
    Extension(attempts): Extension<LinkAttempts>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Segments(secret): Segments<String>,
) -> Result<Response, PageError> {
    let Some(session) = state.tokens.enter_setup(&secret, &request_id).await? else {
        return wrong(&attempts).await;
    };
    let lives = SESSION_LIFETIME.min(session.guest.link.expires_at - state.store.now());
    let cookie =
        guest::cookie(state.secure_cookies, secrecy::ExposeSecret::expose_secret(&session.secret), lives)?;
    let mut response = Redirect::to(HOME).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// The same for all that open nothing, and later for those who try many.
async fn wrong(attempts: &LinkAttempts) -> Result<Response, PageError> {
    tokio::time::sleep(attempts.0.failed("setup link", Instant::now()).await.delay).await;
    Err(PageError::NoSetup)
}

/// `GET /setup`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: GuestVisit,
) -> Result<Response, PageError> {
    page(StatusCode::OK, &guest_page(&state, &visit).await?)
}

/// `POST /setup/provider`.
pub(crate) async fn choose(
    State(state): State<ConsoleState>,
    visit: GuestVisit,
    Fields(form): Fields<ChoiceForm>,
) -> Result<Response, PageError> {
    connection::remember(&state, &visit.tenant, &form).await?;
    Ok(Redirect::to("/setup#connection").into_response())
}

/// `POST /setup/leave`.
pub(crate) async fn leave(
    State(state): State<ConsoleState>,
    visit: GuestVisit,
) -> Result<Response, PageError> {
    state.tokens.leave_setup(&visit.session).await?;
    let shown = LeftPage { chrome: Chrome::of("Signed out", None) };
    let mut response = page(StatusCode::OK, &shown)?;
    response.headers_mut().append(header::SET_COOKIE, guest::cookie(state.secure_cookies, "", 0)?);
    Ok(response)
}

#[derive(Template)]
#[template(path = "setup_left.html")]
pub(crate) struct LeftPage {
    pub(crate) chrome: Chrome,
}

/// The page with nothing made and nothing typed.
pub(crate) async fn guest_page(state: &ConsoleState, visit: &GuestVisit) -> Result<GuestPage, PageError> {
    let tenant = &visit.tenant;
    let connection = Connection::of(state, tenant, None, HOME).await?;
    let longest = state.tokens.longest(tenant.row.credential_days);
    let now = state.store.now();
    Ok(GuestPage {
        chrome: Chrome::of(format!("Set up {}", tenant.profile.title), None),
        name: tenant.row.name.clone(),
        product: tenant.profile.title.clone(),
        makes: Makes::of(visit, connection.connect.word()),
        used: visit.guest.link.used_at.map(|at| Moment::new(at, now)),
        issued: None,
        choices: token_form::choices(longest),
        expires: token_form::usual(longest).to_owned(),
        username: String::new(),
        with_bearer: connection.connect.with_bearer,
        until: Moment::new(visit.guest.link.expires_at, now),
        errors: Errors::default(),
        connection,
    })
}
