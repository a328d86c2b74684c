//! What can go wrong with a page. Handlers give a [`PageError`]; the guard around all routes logs it once and turns it
//! into a page in the console's look, with the request id.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use scim_core::ScimError;
use store::{StoreError, admins::AdminRole};

use crate::{chrome::Chrome, extract::Person};

/// Why there is no page.
#[derive(Clone, Debug)]
pub(crate) enum PageError {
    /// No such page, tenant, user, group or token.
    NotFound,
    /// Known path, other method.
    MethodNotAllowed,
    /// Cannot be read; says what to do.
    BadRequest(&'static str),
    /// A form sent from another site, or by a browser that hides where it comes from.
    CrossSite,
    /// A link to a set-up page, or a session of one, that opens nothing (any more).
    NoSetup,
    /// A form sent without a session.
    SignedOut,
    /// The person's role does not have that right.
    NotYours(AdminRole),
    /// Asked under a host name that is not the console's; holds the right address.
    WrongHost(String),
    /// Too many passwords are being checked.
    BusySignIn,
    /// The database does not answer.
    Busy,
    /// A fault of ours; the text is for the log.
    Internal(Arc<str>),
}

impl PageError {
    /// A fault of ours, described for the log.
    pub(crate) fn internal(reason: impl std::fmt::Display) -> Self {
        Self::Internal(reason.to_string().into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoSetup => StatusCode::GONE,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::CrossSite | Self::SignedOut | Self::NotYours(_) => StatusCode::FORBIDDEN,
            Self::WrongHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::BusySignIn => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Heading, and what to do.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::NotFound => (
                "Not found",
                "There is nothing at this address. It may have been deleted, or the address is mistyped.".into(),
            ),
            Self::MethodNotAllowed => (
                "This address does not take that",
                "Go back to the page before and use its buttons and links.".into(),
            ),
            Self::BadRequest(what) => ("That could not be read", (*what).into()),
            Self::CrossSite => (
                "Refused: sent from another site",
                "The request did not come from this console, so nothing was changed. Open the console in this \
                 browser and repeat what you wanted to do there."
                    .into(),
            ),
            Self::NoSetup => (
                "This setup link opens nothing any more",
                "A setup link works for seven days, and ends earlier when it is withdrawn. If you have one that is \
                 younger, open it again from where you got it, as a whole. Otherwise ask whoever sent it to you for a \
                 new link. Nothing was changed."
                    .into(),
            ),
            Self::SignedOut => (
                "Your session has ended",
                "Nothing was changed. Sign in again and repeat what you did.".into(),
            ),
            Self::NotYours(role) => ("Your role does not allow that", not_yours(*role)),
            Self::WrongHost(address) => {
                ("The console has another address", format!("Nothing is served under this host name. Open {address}"))
            }
            Self::BusySignIn => (
                "Too many sign-ins at once",
                "Your password was not checked. Wait a few seconds and sign in again.".into(),
            ),
            Self::Busy => (
                "The database is busy",
                "Nothing was changed. Wait a few seconds and load the page again.".into(),
            ),
            Self::Internal(_) => (
                "Something went wrong here",
                "The page could not be made. Load it again; if it still fails, look for the request id in the \
                 server's log."
                    .into(),
            ),
        }
    }

    fn template(&self, person: Option<&Person>, of_guest: bool, request_id: &str) -> ErrorPage {
        let (heading, advice) = self.words();
        ErrorPage {
            chrome: Chrome::of(heading, person.map(|person| &*person.admin)),
            heading,
            advice,
            status: self.status().as_u16(),
            request_id: request_id.to_owned(),
            sign_in: matches!(self, Self::SignedOut | Self::BusySignIn),
            of_guest,
        }
    }

    /// The page, for the guard.
    pub(crate) fn page(&self, person: Option<&Person>, of_guest: bool, request_id: &str) -> Response {
        if let Self::Internal(reason) = self {
            tracing::error!(request_id, %reason, "a console page failed");
        }
        let mut response = match self.template(person, of_guest, request_id).render() {
            Ok(html) => crate::chrome::html(self.status(), html),
            Err(_) => (self.status(), self.words().0).into_response(),
        };
        if matches!(self, Self::BusySignIn | Self::Busy) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    /// The page with a made-up request id.
    #[cfg(test)]
    pub(crate) fn sample(&self, person: Option<&Person>) -> String {
        self.template(person, matches!(self, Self::NoSetup), "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90")
            .render()
            .expect("an error page")
    }
}

/// What to do about a right that a role does not have.
fn not_yours(role: AdminRole) -> String {
    let who = match role {
        AdminRole::Operator => "an operator",
        AdminRole::Manager => "a manager, who looks after tenants that are there",
        AdminRole::Auditor => "an auditor, who reads and changes nothing, and sees no connection data",
    };
    format!("Nothing was changed. You are signed in as {who}. Ask an operator of this installation for it.")
}

/// Only carries the error to the guard, which knows the request.
impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Contended(_) | StoreError::Unavailable(_) | StoreError::Reconfigured => Self::Busy,
            other => Self::internal(other),
        }
    }
}

impl From<ScimError> for PageError {
    fn from(error: ScimError) -> Self {
        match error.status {
            404 => Self::NotFound,
            429 | 503 => Self::Busy,
            _ => Self::internal(error),
        }
    }
}

impl From<axum::extract::multipart::MultipartError> for PageError {
    fn from(_: axum::extract::multipart::MultipartError) -> Self {
        Self::BadRequest(
            "The file could not be read: it is too large, or it did not arrive as a whole. Nothing was changed.",
        )
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::internal(error)
    }
}

impl From<tower_sessions::session::Error> for PageError {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::internal(error)
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    chrome: Chrome,
    heading: &'static str,
    advice: String,
    status: u16,
    request_id: String,
    sign_in: bool,
    /// On a page of somebody who has no account.
    of_guest: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_ours_tell_the_reader_nothing_of_the_inside() {
        let response = PageError::internal("password=hunter2").page(None, false, "r-1");
        assert_eq!(response.status(), 500);
        let (heading, advice) = PageError::internal("password=hunter2").words();
        assert!(!heading.contains("hunter2") && !advice.contains("hunter2"));
    }
}
