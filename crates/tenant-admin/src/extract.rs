//! What pages take from a request; what cannot be read becomes an error page.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, FromRequestParts, Multipart, Request, rejection},
    http::request::Parts,
};
use store::{Actor, ActorKind, ChangeContext, admins::Admin};
use token_service::Sender;

use crate::{chrome::Chrome, error::PageError, session::Sitting};

/// What to do about a form that is none.
const UNREADABLE: &str = "The form could not be read. Go back, load the page again and repeat what you did.";

/// Parameters in the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(PageError))]
pub(crate) struct Segments<T>(pub(crate) T);

/// Query parameters.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(PageError))]
pub(crate) struct Parameters<T>(pub(crate) T);

/// Fields of a form.
#[derive(FromRequest)]
#[from_request(via(axum::extract::Form), rejection(PageError))]
pub(crate) struct Fields<T>(pub(crate) T);

/// Fields of a form with files.
pub(crate) struct Upload(pub(crate) Multipart);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        Multipart::from_request(request, state).await.map(Self).map_err(|_| PageError::BadRequest(UNREADABLE))
    }
}

impl From<rejection::PathRejection> for PageError {
    fn from(_: rejection::PathRejection) -> Self {
        Self::NotFound
    }
}

impl From<rejection::QueryRejection> for PageError {
    fn from(_: rejection::QueryRejection) -> Self {
        Self::BadRequest("The address holds something that this page cannot read.")
    }
}

impl From<rejection::FormRejection> for PageError {
    fn from(_: rejection::FormRejection) -> Self {
        Self::BadRequest(UNREADABLE)
    }
}

/// Id of the request, as the logs have it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self(String::new())))
    }
}

/// Where a request comes from.
pub(crate) struct Origin(pub(crate) Sender);

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Ok(Self(parts.extensions.get::<Sender>().cloned().unwrap_or_default()))
    }
}

/// The person who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// As kept.
    pub(crate) admin: Arc<Admin>,
    /// Their session; none where a page is only shown.
    pub(crate) sitting: Option<Arc<Sitting>>,
}

/// A request of a signed-in person; only behind the guard, which puts both parts there.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// Who.
    pub(crate) admin: Arc<Admin>,
    /// In which session.
    pub(crate) sitting: Option<Arc<Sitting>>,
    request_id: String,
}

impl Visit {
    /// Who and why, for a change.
    pub(crate) fn context(&self) -> ChangeContext {
        ChangeContext {
            actor: Actor {
                kind: ActorKind::Admin,
                id: self.admin.id.to_string(),
                name: self.admin.email.clone(),
            },
            cause: self.request_id.clone(),
        }
    }

    /// Digest of the session.
    pub(crate) fn session(&self) -> Option<&[u8]> {
        self.sitting.as_ref().map(|sitting| sitting.id_hash.as_slice())
    }

    /// The frame of a page.
    pub(crate) fn chrome(&self, title: impl Into<String>) -> Chrome {
        Chrome::of(title, Some(&self.admin))
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        let Person { admin, sitting } =
            parts.extensions.get::<Person>().cloned().ok_or(PageError::SignedOut)?;
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        Ok(Self { admin, sitting, request_id })
    }
}
