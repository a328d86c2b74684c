//! Requests with a token.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{Error, Problem, Tenant};

/// Longest wait for an answer; a request that waits for events gets as long on top of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is told of an answer that is none of ours, in characters.
const SHOWN: usize = 200;

/// An installation and a token for it; cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    /// `https://host/api/v1`
    base: Url,
    authorization: HeaderValue,
}

impl Client {
    /// Of an installation by its public address (`https://scim.example.com`), with a token that holds `directory:read`.
    pub fn new(origin: &str, token: &str) -> Result<Self, Error> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self::with_http(origin, token, http.build().map_err(Error::Unreached)?)
    }

    /// The same through a client of your own: with a proxy, or certificates of a private authority.
    pub fn with_http(origin: &str, token: &str, http: reqwest::Client) -> Result<Self, Error> {
        let unusable =
            |reason: &dyn fmt::Display| Error::Unusable(format!("{origin:?} is no address: {reason}"));
        let mut base = Url::parse(origin).map_err(|error| unusable(&error))?;
        base.path_segments_mut()
            .map_err(|()| unusable(&"it has no path"))?
            .pop_if_empty()
            .extend(["api", "v1"]);
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| Error::Unusable("the token holds characters that no token has".to_owned()))?;
        authorization.set_sensitive(true);
        Ok(Self { inner: Arc::new(Inner { http, base, authorization }) })
    }

    /// The directory of a tenant.
    #[must_use]
    pub fn tenant(&self, slug: impl Into<String>) -> Tenant {
        Tenant::new(self.clone(), slug.into())
    }

    /// What is at an address below `/api/v1`.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        waits: Duration,
    ) -> Result<T, Error> {
        let request = self.inner.http.get(self.address(path, query));
        let request = request
            .header(header::AUTHORIZATION, &self.inner.authorization)
            .header(header::ACCEPT, "application/json")
            .timeout(PATIENCE + waits);
        let response = request.send().await.map_err(Error::Unreached)?;
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(seconds);
        let body = response.bytes().await.map_err(Error::Unreached)?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|error| unexpected(status, &error.to_string()));
        }
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) if problem.status == status.as_u16() => {
                Error::Refused(Box::new(Problem { retry_after, ..problem }))
            }
            _ => unexpected(status, &String::from_utf8_lossy(&body)),
        })
    }

    fn address(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.inner.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// Never the token.
impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").field("base", &self.inner.base.as_str()).finish_non_exhaustive()
    }
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn unexpected(status: StatusCode, detail: &str) -> Error {
    Error::Unexpected { status: status.as_u16(), detail: detail.chars().take(SHOWN).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_what_they_are_given() {
        for origin in ["https://scim.example.com", "https://scim.example.com/"] {
            let client = Client::new(origin, "rcl_x").expect("a client");
            let query = [("userName", "a+b&c@x".to_owned())];
            let url = client.address(&["tenants", "acme", "roles", "a/b ü", "users"], &query);
            let expected = "https://scim.example.com/api/v1/tenants/acme/roles/a%2Fb%20%C3%BC/users?userName=a%2Bb%26c%40x";
            assert_eq!(url.as_str(), expected);
        }
        let below = Client::new("https://example.com/rollcall/", "rcl_x").expect("a client");
        assert_eq!(below.address(&["events"], &[]).as_str(), "https://example.com/rollcall/api/v1/events");
        assert!(matches!(Client::new("nowhere", "rcl_x"), Err(Error::Unusable(_))));
        assert!(matches!(Client::new("mailto:a@b", "rcl_x"), Err(Error::Unusable(_))));
        assert!(matches!(Client::new("https://x", "a\nb"), Err(Error::Unusable(_))));
        assert!(!format!("{below:?}").contains("rcl_"));
    }
}
