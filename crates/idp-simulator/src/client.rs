//! One SCIM server as the simulator sees it: sends a provider's requests and reads the answers.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{
    ACCEPT, ACCEPT_CHARSET, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE,
};
use serde_json::Value;

use crate::paste::Paste;
use crate::report::Recorder;
use crate::waits::{ATTEMPTS, Waits};

/// Okta closes the connection after this; Entra tells no limit of its own.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Answers beyond this are no answers of a SCIM server.
const LARGEST_ANSWER: usize = 256 * 1024 * 1024;

/// Anything shorter is no secret and may well be a word of the answer.
const SHORTEST_SECRET: usize = 8;

/// What the providers leave as it is in the value of a query parameter.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Whose requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Okta.
    Okta,
    /// Microsoft Entra ID.
    Entra,
}

impl Provider {
    /// What the provider calls itself.
    fn user_agent(self) -> &'static str {
        match self {
            Self::Okta => "Okta SCIM Client 1.0.0",
            Self::Entra => "Microsoft Azure AD SCIM provisioning 1.0.0",
        }
    }

    /// The headers of every request, beside the credential and a body's type.
    fn headers(self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([
            (USER_AGENT, HeaderValue::from_static(self.user_agent())),
            (ACCEPT, HeaderValue::from_static("application/scim+json")),
        ]);
        if self == Self::Okta {
            headers.insert(ACCEPT_CHARSET, HeaderValue::from_static("utf-8"));
        }
        headers
    }
}

/// Where to send requests, and as whom.
#[derive(Clone)]
pub struct Target {
    /// Base URL, as pasted into the identity provider.
    pub base_url: String,
    /// The whole `Authorization` header.
    pub authorization: String,
}

// The credential must not reach a log by way of `{:?}`.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Why there is no answer to judge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// No answer within the time limit, or none at all.
    #[error("no answer: {0}")]
    Transport(String),
    /// The server answered 429 each time.
    #[error("429 at each of {ATTEMPTS} attempts")]
    TooManyRequests,
}

/// The target cannot be used: what is wrong with its base URL or credential.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(String);

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    /// Something else, such as a proxy's HTML.
    Other(String),
}

/// One answer, as far as an identity provider reads it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// `POST /Users`.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) location: Option<String>,
    /// `WWW-Authenticate`.
    pub(crate) challenge: Option<String>,
    pub(crate) body: Body,
}

impl Answer {
    /// The JSON body; `null` when there is none.
    pub(crate) fn json(&self) -> &Value {
        match &self.body {
            Body::Json(value) => value,
            Body::Empty | Body::Other(_) => &Value::Null,
        }
    }
}

/// A connection pool towards one server, with one credential.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    authorization: HeaderValue,
    /// What the administrator added to the base URL as its query.
    flag: Option<&'static str>,
    pub(crate) recorder: Arc<Recorder>,
}

impl Client {
    pub(crate) fn new(
        target: &Target,
        provider: Provider,
        recorder: Arc<Recorder>,
    ) -> Result<Self, TargetError> {
        let base = base(&target.base_url)?;
        let mut authorization = HeaderValue::from_str(&target.authorization)
            .map_err(|_| TargetError("the Authorization value cannot stand in a header".into()))?;
        authorization.set_sensitive(true);
        let mut builder = reqwest::Client::builder()
            .default_headers(provider.headers())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIME_LIMIT);
        if base.starts_with("http://") {
            // Plain HTTP needs no certificates, and a minimal machine has none to load.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| TargetError(chain(&error)))?;
        Ok(Self { http, base, authorization, flag: None, recorder })
    }

    /// The same server with a query on its base URL, which then stands first in every request's query.
    pub(crate) fn with_flag(&self, flag: Option<&'static str>) -> Self {
        Self { flag, ..self.clone() }
    }

    /// The same server with a credential that it cannot know.
    pub(crate) fn with_wrong_credential(&self) -> Self {
        // The pair is `okta:not-the-password`.
        let wrong = match self.authorization.as_bytes().get(..6) {
            Some(scheme) if scheme.eq_ignore_ascii_case(b"Basic ") => "Basic b2t0YTpub3QtdGhlLXBhc3N3b3Jk",
            _ => "Bearer not-a-token",
        };
        Self { authorization: HeaderValue::from_static(wrong), ..self.clone() }
    }

    /// The same server with the credential as people paste it; unchanged when it cannot stand in a header so.
    pub(crate) fn with_pasted(&self, paste: Paste) -> Self {
        let token = self.authorization.to_str().unwrap_or_default().rsplit(' ').next().unwrap_or_default();
        let mut authorization =
            HeaderValue::from_str(&paste.header(token)).unwrap_or_else(|_| self.authorization.clone());
        authorization.set_sensitive(true);
        Self { authorization, ..self.clone() }
    }

    /// The base URL, without a trailing slash.
    pub(crate) fn base_url(&self) -> &str {
        &self.base
    }

    /// Sends one request as the provider does, waiting out 429. `path` begins with `/` and is sent
    /// as it is, but for the flag.
    pub(crate) async fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Answer, Waits), SendError> {
        let mut waits = Waits::default();
        let path = &self.flagged(path);
        loop {
            self.recorder.request();
            let response = self.once(method, path, body).await.map_err(transport)?;
            if response.status().as_u16() != 429 {
                let answer = self.read(format!("{method} {path}"), response).await.map_err(transport)?;
                return Ok((answer, waits));
            }
            self.recorder.rate_limited();
            let wait = waits.next(header(response.headers(), &RETRY_AFTER).as_deref());
            if waits.count >= ATTEMPTS {
                return Err(SendError::TooManyRequests);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends one request once, as the provider does: a 429 is an answer like any other.
    pub(crate) async fn send_once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, SendError> {
        let path = self.flagged(path);
        let response = self.once(method, &path, body).await.map_err(transport)?;
        self.read(format!("{method} {path}"), response).await.map_err(transport)
    }

    /// A path with the flag of the base URL.
    pub(crate) fn flagged(&self, path: &str) -> String {
        match (self.flag, path.split_once('?')) {
            (None, _) => path.to_owned(),
            (Some(flag), None) => format!("{path}?{flag}"),
            (Some(flag), Some((path, query))) => format!("{path}?{flag}&{query}"),
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("{}{path}", self.base);
        let mut request =
            self.http.request(method.clone(), url).header(AUTHORIZATION, self.authorization.clone());
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/scim+json; charset=utf-8"))
                .body(body.to_string());
        }
        request.send().await
    }

    async fn read(&self, request: String, mut response: reqwest::Response) -> Result<Answer, reqwest::Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST_ANSWER {
                break;
            }
        }
        let headers = response.headers();
        Ok(Answer {
            request,
            status: response.status().as_u16(),
            content_type: header(headers, &CONTENT_TYPE),
            location: header(headers, &LOCATION),
            challenge: header(headers, &WWW_AUTHENTICATE),
            body: body(&self.without_credential(bytes)),
        })
    }

    /// A server that shows its callers their own credential (a debug page) must not bring it into a report.
    fn without_credential(&self, bytes: Vec<u8>) -> Vec<u8> {
        let header = self.authorization.to_str().unwrap_or_default();
        let secret = header.rsplit(' ').next().unwrap_or_default();
        if secret.len() < SHORTEST_SECRET
            || !bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
        {
            return bytes;
        }
        String::from_utf8_lossy(&bytes).replace(secret, "(credential)").into_bytes()
    }
}

/// Without the URL: the request's name says it already.
fn transport(error: reqwest::Error) -> SendError {
    SendError::Transport(chain(&error.without_url()))
}

/// The path of a look-up: `attribute eq "value"` with the blanks and quotes as Okta encodes them.
pub(crate) fn look_up_path(resources: &str, attribute: &str, value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    let value = query_value(&escaped);
    format!("{resources}?filter={attribute}%20eq%20%22{value}%22&startIndex=1&count=100")
}

/// A text as the value of a query parameter, blanks as `%20`.
pub(crate) fn query_value(text: &str) -> String {
    utf8_percent_encode(text, QUERY_VALUE).to_string()
}

fn base(given: &str) -> Result<String, TargetError> {
    let url = url::Url::parse(given.trim()).map_err(|error| {
        TargetError(format!("the base URL cannot be read ({error}); give https://host/path"))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TargetError("the base URL must begin with https:// or http://".into()));
    }
    let text = url.as_str();
    let end = text.find(['?', '#']).unwrap_or(text.len());
    Ok(text[..end].trim_end_matches('/').to_owned())
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn body(bytes: &[u8]) -> Body {
    if bytes.is_empty() {
        return Body::Empty;
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Body::Json(value),
        Err(_) => Body::Other(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_keeps_blanks_and_quotes_as_okta_encodes_them() {
        for (value, expected) in [
            ("u@d.com", "/Users?filter=userName%20eq%20%22u%40d.com%22&startIndex=1&count=100"),
            ("", "/Users?filter=userName%20eq%20%22%22&startIndex=1&count=100"),
            (
                "a\"b\\+é",
                "/Users?filter=userName%20eq%20%22a%5C%22b%5C%5C%2B%C3%A9%22&startIndex=1&count=100",
            ),
        ] {
            assert_eq!(look_up_path("/Users", "userName", value), expected);
        }
    }

    #[test]
    fn the_base_url_loses_its_slash_and_query() {
        for (given, expected) in [
            ("https://h.example/scim/v2", "https://h.example/scim/v2"),
            ("https://h.example/scim/v2/", "https://h.example/scim/v2"),
            (" http://h.example:8080/x/?aadOptscim062020 ", "http://h.example:8080/x"),
        ] {
            assert_eq!(base(given).unwrap(), expected);
        }
        for wrong in ["", "h.example/scim", "ftp://h.example"] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_flag_stands_first_in_every_query() {
        let target = Target { base_url: "http://h/scim/?aadOptscim062020".into(), authorization: "t".into() };
        let client = Client::new(&target, Provider::Entra, Arc::default()).unwrap();
        assert_eq!(client.base_url(), "http://h/scim");
        assert_eq!(client.flagged("/Users?count=1"), "/Users?count=1");
        let client = client.with_flag(Some("aadOptscim062020"));
        assert_eq!(client.flagged("/Users/7"), "/Users/7?aadOptscim062020");
        assert_eq!(client.flagged("/Users?count=1"), "/Users?aadOptscim062020&count=1");
    }

    #[test]
    fn a_wrong_credential_is_of_the_same_kind() {
        let wrong = |authorization: &str| {
            let target = Target { base_url: "http://h/scim".into(), authorization: authorization.into() };
            Client::new(&target, Provider::Okta, Arc::default())
                .unwrap()
                .with_wrong_credential()
                .authorization
        };
        assert!(wrong("Bearer sesame-4711").to_str().unwrap().starts_with("Bearer "));
        assert!(wrong("Basic dTpw").to_str().unwrap().starts_with("Basic "));
    }

    #[test]
    fn a_target_in_a_log_shows_no_credential() {
        let target = Target { base_url: "https://h".into(), authorization: "Bearer sesame".into() };
        assert!(!format!("{target:?}").contains("sesame"));
    }

    #[test]
    fn bodies_are_json_or_not() {
        assert_eq!(body(b""), Body::Empty);
        assert_eq!(body(b"{}"), Body::Json(serde_json::json!({})));
        assert_eq!(body(b"<html>"), Body::Other("<html>".into()));
    }
}
