//! Signing in at the OpenID provider: away, and back.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use store::admins::Proof;
use token_service::oidc::{OidcError, Returned};
use tower_sessions::Session;

use super::sign_in::{Entry, Next, SignInPage, let_in, own_page};
use crate::{
    ConsoleState,
    chrome::page,
    door::Door,
    error::PageError,
    extract::{Origin, Parameters, RequestId},
    session::{How, SignedIn},
};

/// Seconds that the browser keeps what belongs to a sign-in.
const KEPT: u32 = 600;

/// `GET /console/sign-in/with`.
pub(crate) async fn begin(
    State(state): State<ConsoleState>,
    Parameters(query): Parameters<Next>,
) -> Result<Response, PageError> {
    let provider = state.oidc.as_ref().ok_or(PageError::NotFound)?;
    let next = own_page(&query.next);
    match provider.begin(&state.tokens, next).await {
        Ok(begun) => {
            let mut response = Redirect::to(begun.location.as_str()).into_response();
            keep(&mut response, state.secure_cookies, &begun.kept, KEPT);
            Ok(response)
        }
        Err(error) => refused(&state, error, next),
    }
}

/// `GET /console/sign-in/callback`: whoever makes answers up makes this server ask the provider, so no faster than
/// passwords are tried.
pub(crate) async fn finish(
    State(state): State<ConsoleState>,
    Extension(door): Extension<Door>,
    session: Session,
    Origin(sender): Origin,
    RequestId(cause): RequestId,
    headers: HeaderMap,
    Parameters(returned): Parameters<Returned>,
) -> Result<Response, PageError> {
    let provider = state.oidc.as_ref().ok_or(PageError::NotFound)?;
    let place = door.enter(sender.address).ok_or(PageError::BusySignIn)?;
    let kept = cookie(&headers, name(state.secure_cookies)).unwrap_or_default();
    let mut response = match provider.finish(&state.tokens, kept, &returned, &cause).await {
        Ok((admin, next)) => {
            let signed_in = SignedIn::new(admin.id, How::Provider, &sender, state.store.now());
            let (proof, how) = (Proof::Provider, provider.name());
            let entry = Entry { admin: &admin, signed_in, proof, how: &how, from: &sender, cause: &cause };
            if let_in(&state, &session, entry).await? {
                Redirect::to(own_page(&next)).into_response()
            } else {
                refused(&state, OidcError::Refused("You were removed just now.".into()), "")?
            }
        }
        Err(error) => {
            place.strange().await;
            refused(&state, error, "")?
        }
    };
    keep(&mut response, state.secure_cookies, "", 0);
    Ok(response)
}

/// The sign-in page with the reason.
fn refused(state: &ConsoleState, error: OidcError, next: &str) -> Result<Response, PageError> {
    let mut shown = SignInPage::new(state, own_page(next));
    let status = match error {
        OidcError::Refused(text) => {
            shown.problem = Some(text);
            StatusCode::FORBIDDEN
        }
        OidcError::Failed(reason) => {
            tracing::warn!(reason, "nobody can sign in at the OpenID provider");
            let name = state.oidc.as_ref().map(|provider| provider.name()).unwrap_or_default();
            shown.problem = Some(format!(
                "{name} cannot be used now. Try again in a minute, or sign in with a password; whoever runs this \
                 installation finds the reason in its log."
            ));
            StatusCode::BAD_GATEWAY
        }
        OidcError::Store(error) => return Err(error.into()),
    };
    shown.chrome.title = "Error: Sign in".into();
    page(status, &shown)
}

fn name(secure: bool) -> &'static str {
    if secure { "__Host-rollcall-provider" } else { "rollcall-provider" }
}

/// Lax: it has to come along when the provider sends the browser back.
fn keep(response: &mut Response, secure: bool, value: &str, seconds: u32) {
    let mark = if secure { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{mark}", name(secure));
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}
