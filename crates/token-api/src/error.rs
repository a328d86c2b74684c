//! Errors of OAuth's endpoints (RFC 6749 §5.2): a code for the program, a sentence for the person who set it up.

use std::any::Any;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// The challenge of every 401 (RFC 9110 §11.6.1, RFC 7617 §2).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"OAuth\", charset=\"UTF-8\"");
/// Seconds after which a client may try again when the server was busy.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// An error as it is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OauthError {
    pub(crate) status: StatusCode,
    /// `invalid_client`, …
    code: &'static str,
    description: String,
}

impl OauthError {
    /// 400 with this code.
    pub(crate) fn new(code: &'static str, description: impl AsRef<str>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, description: allowed(description.as_ref()) }
    }

    /// 400: the request has not the form that it must have.
    pub(crate) fn request(description: impl AsRef<str>) -> Self {
        Self::new("invalid_request", description)
    }

    /// 401: nobody knows who calls.
    pub(crate) fn client(description: impl AsRef<str>) -> Self {
        Self::new("invalid_client", description).with(StatusCode::UNAUTHORIZED)
    }

    /// 503: what was asked for cannot be done now.
    pub(crate) fn busy() -> Self {
        let description =
            "The server is busy or its database cannot be reached. Try again after the time in Retry-After.";
        Self::new("temporarily_unavailable", description).with(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// 429: too many wrong secrets have come.
    pub(crate) fn too_many() -> Self {
        let description = "Too many wrong secrets have come from this address, or for this client, and this one is wrong, \
                           too. Correct it, then try again: a valid one is let in at once.";
        Self::new("temporarily_unavailable", description).with(StatusCode::TOO_MANY_REQUESTS)
    }

    /// The same with another status.
    pub(crate) fn with(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

/// The characters that a description may hold (RFC 6749 §5.2); others are replaced.
fn allowed(text: &str) -> String {
    let replace = |ch| match ch {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => ch,
        _ => '?',
    };
    text.chars().map(replace).collect()
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.code, "error_description": self.description });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            _ => {}
        }
        response
    }
}

/// For methods that an address does not take; which it does stands in `Allow`.
pub(crate) async fn method_not_allowed() -> OauthError {
    let description = "This address does not take that method. Send one of those in the header Allow.";
    OauthError::request(description).with(StatusCode::METHOD_NOT_ALLOWED)
}

/// A panic as an answer. What it says stays out of answer and log: it could quote a secret.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("an endpoint panicked");
    let description = "The server could not carry out the request. Nothing is wrong with the request itself.";
    OauthError::new("server_error", description).with(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_allowed_characters() {
        let error = OauthError::request("scope \"a\\b\" é\n");
        assert_eq!(error.description, "scope 'a/b' ??");
    }

    #[test]
    fn a_401_says_how_to_sign_in_and_a_503_when_to_come_back() {
        let response = OauthError::client("x").into_response();
        assert_eq!(response.status(), 401);
        assert!(response.headers()["www-authenticate"].to_str().is_ok_and(|text| text.starts_with("Basic ")));
        let response = OauthError::busy().into_response();
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &RETRY_AFTER));
        assert!(!response.headers().contains_key("www-authenticate"));
        assert_eq!(panicked(Box::new("secret")).status(), 500);
    }
}
