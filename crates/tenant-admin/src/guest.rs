//! Whoever comes by a link to a set-up page: a session of its own, no account, one tenant, one page.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use provisioning::{Tenant, configuration::ConsolePage};
use store::{ChangeContext, setup_links::SetupGuest};
use tower_sessions::cookie::{Cookie, SameSite, time::Duration};

use crate::{ConsoleState, error::PageError, extract::RequestId};

/// Name of the cookie. `__Host-` makes browsers insist on Secure, Path=/ and no Domain.
pub(crate) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-rollcall-setup" } else { "rollcall-setup" }
}

/// `Set-Cookie` of a session that ends after so many milliseconds; of 0 it removes the cookie.
pub(crate) fn cookie(secure: bool, session: &str, lives: i64) -> Result<HeaderValue, PageError> {
    let cookie = Cookie::build((cookie_name(secure), session.to_owned()))
        .path("/")
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Lax)
        .max_age(Duration::milliseconds(lives));
    HeaderValue::from_str(&cookie.to_string()).map_err(PageError::internal)
}

/// The session that a request brings.
pub(crate) fn session_of(headers: &HeaderMap, secure: bool) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
    let cookie = cookies.find(|cookie| cookie.name() == cookie_name(secure))?;
    Some(cookie.value().to_owned())
}

/// A request of somebody who came by a link; only behind [`require`], which puts it there.
#[derive(Clone)]
pub(crate) struct GuestVisit {
    pub(crate) guest: SetupGuest,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) session: String,
    request_id: String,
}

impl GuestVisit {
    /// Who and why, for a change.
    pub(crate) fn context(&self) -> ChangeContext {
        ChangeContext { actor: self.guest.link.actor(), cause: self.request_id.clone() }
    }
}

impl<S: Sync> FromRequestParts<S> for GuestVisit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get::<Self>().cloned().ok_or(PageError::NoSetup)
    }
}

/// In front of the pages of [`crate::Right::Guest`]. Nothing is cached: what ends a link ends its sessions with the next
/// request.
pub(crate) async fn require(State(state): State<ConsoleState>, mut request: Request, next: Next) -> Response {
    let session = session_of(request.headers(), state.secure_cookies);
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let visit = match visit(&state, session, request_id).await {
        Ok(Some(visit)) => visit,
        Ok(None) => return PageError::NoSetup.into_response(),
        Err(error) => return error.into_response(),
    };
    request.extensions_mut().insert(visit);
    next.run(request).await
}

async fn visit(
    state: &ConsoleState,
    session: Option<String>,
    request_id: String,
) -> Result<Option<GuestVisit>, PageError> {
    let Some(session) = session else { return Ok(None) };
    let Some(guest) = state.tokens.setup_guest(&session).await? else { return Ok(None) };
    let tenant = tenant_of(state, &guest).await?;
    Ok(tenant.map(|tenant| GuestVisit { guest, tenant, session, request_id }))
}

/// The tenant of a link, if its set-up page is offered.
pub(crate) async fn tenant_of(
    state: &ConsoleState,
    guest: &SetupGuest,
) -> Result<Option<Arc<Tenant>>, PageError> {
    let tenant = state.tenants.by_id(guest.tenant).await?;
    Ok(tenant.filter(|tenant| tenant.console_page_open() == ConsolePage::Open))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_goes_there_and_back() {
        let set = cookie(true, "abc_-9", 60_000).expect("a header");
        let set = set.to_str().expect("text");
        for mark in
            ["__Host-rollcall-setup=abc_-9;", "HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=60"]
        {
            assert!(set.contains(mark), "{mark}: {set}");
        }
        assert!(!cookie(false, "x", 1000).expect("a header").to_str().expect("text").contains("Secure"));
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; __Host-rollcall-setup=abc_-9"));
        assert_eq!(session_of(&headers, true).as_deref(), Some("abc_-9"));
        assert_eq!(session_of(&headers, false), None);
        assert_eq!(session_of(&HeaderMap::new(), true), None);
    }
}
