//! The body of a request to OAuth's endpoints (RFC 6749 appendix B).

use std::{collections::BTreeMap, time::Duration};

use axum::body::{Body, to_bytes};
use http::{HeaderMap, StatusCode, header};

use crate::error::OauthError;

/// Largest body, in bytes.
const LIMIT: usize = 16 * 1024;
/// Longest time for a body to arrive.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The one media type that is read.
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Parameters by name. It may hold a secret, so it is not to be shown.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a body. No parameter may be in it twice (RFC 6749 §3.2).
    pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, OauthError> {
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
            return Err(OauthError::request(format!(
                "Send the parameters as a form in the body, with Content-Type: {MEDIA_TYPE}."
            )));
        }
        let bytes = tokio::time::timeout(TIME_LIMIT, to_bytes(body, LIMIT)).await.map_err(|_| {
            OauthError::request("The body did not arrive in time.").with(StatusCode::REQUEST_TIMEOUT)
        })?;
        let bytes = bytes.map_err(|_| {
            OauthError::request(format!("The body is longer than {LIMIT} bytes, or was not sent to its end."))
                .with(StatusCode::PAYLOAD_TOO_LARGE)
        })?;
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(&bytes) {
            if parameters.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                let name: String = name.chars().take(40).collect();
                return Err(OauthError::request(format!(
                    "The parameter {name} is there twice; send it once."
                )));
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter; one without a value counts as left out (RFC 6749 §3.2).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
