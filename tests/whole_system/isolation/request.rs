//! Requests, their answers, and what of an answer is the same each time.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use regex::Regex;

use super::prey::Prey;
use crate::harness::{PATIENCE, Server};

/// Somebody who sends requests: headers by which the server is to know them.
#[derive(Clone)]
pub(super) struct Actor {
    pub(super) name: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Actor {
    /// Nobody in particular.
    pub(super) fn nobody() -> Self {
        Self { name: "nobody", headers: Vec::new() }
    }

    /// By `Authorization`.
    pub(super) fn with(name: &'static str, authorization: impl Into<String>) -> Self {
        Self { name, headers: vec![("authorization", authorization.into())] }
    }

    /// By a cookie.
    pub(super) fn sitting(name: &'static str, cookie: impl Into<String>) -> Self {
        Self { name, headers: vec![("cookie", cookie.into())] }
    }
}

/// One request.
#[derive(Clone)]
pub(super) struct Request {
    /// Under which heading it is counted.
    pub(super) kind: &'static str,
    pub(super) actor: Actor,
    pub(super) method: String,
    /// With the query.
    pub(super) path: String,
    pub(super) host: Option<String>,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Media type and text.
    pub(super) body: Option<(&'static str, String)>,
    /// Must the answer be that to the same request about nobody?
    pub(super) compared: bool,
}

impl Request {
    pub(super) fn new(kind: &'static str, actor: &Actor, method: &str, path: impl Into<String>) -> Self {
        Self {
            kind,
            actor: actor.clone(),
            method: method.to_owned(),
            path: path.into(),
            host: None,
            headers: Vec::new(),
            body: None,
            compared: true,
        }
    }

    pub(super) fn at(self, host: impl Into<String>) -> Self {
        Self { host: Some(host.into()), ..self }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn scim(self, body: &serde_json::Value) -> Self {
        Self { body: Some(("application/scim+json", body.to_string())), ..self }
    }

    pub(super) fn json(self, body: &serde_json::Value) -> Self {
        Self { body: Some(("application/json", body.to_string())), ..self }
    }

    pub(super) fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { body: Some(("application/x-www-form-urlencoded", body)), ..self }
    }

    /// Only what the answer holds counts, not that it is another one.
    pub(super) fn alone(self) -> Self {
        Self { compared: false, ..self }
    }

    /// All that the sender said: an answer may say it again.
    pub(super) fn said(&self) -> String {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let decoded: String =
            url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| format!("{value} ")).collect();
        let headers: String = self.headers.iter().map(|(_, value)| format!("{value} ")).collect();
        let own: String = self.actor.headers.iter().map(|(_, value)| format!("{value} ")).collect();
        let body = self.body.as_ref().map_or("", |(_, body)| body);
        format!("{} {decoded} {} {headers} {own} {body}", self.path, self.host.as_deref().unwrap_or_default())
    }

    pub(super) fn title(&self) -> String {
        let host = self.host.as_ref().map(|host| format!(" at {host}")).unwrap_or_default();
        let headers: String = self.headers.iter().map(|(name, value)| format!(" {name}: {value}")).collect();
        let body = self.body.as_ref().map(|(_, body)| format!(" {body}")).unwrap_or_default();
        let body: String = body.chars().take(300).collect();
        format!("[{}] {}: {} {}{host}{headers}{body}", self.kind, self.actor.name, self.method, self.path)
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Those that tell something.
    pub(super) headers: String,
    pub(super) body: String,
}

/// Headers in which an answer may tell something.
const TELLING: [&str; 9] = [
    "location",
    "content-type",
    "content-disposition",
    "etag",
    "www-authenticate",
    "allow",
    "hx-redirect",
    "last-modified",
    "link",
];

/// Most of an answer that never ends.
const GLANCE: Duration = Duration::from_millis(400);

/// What is made anew for each answer out of letters that may be anything, short words among them.
static MADE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""access_token":"[^"]*"|rcl?_[A-Za-z0-9._-]+"#).unwrap());

/// What differs from answer to answer: ids that the server made, times, versions, places.
static PASSING: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let patterns = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)", "<time>"),
        (r#"W/\\?"[0-9]+\\?""#, "<version>"),
        (r#""(position|last|version|oldest|newest)":[0-9]+"#, "<place>"),
        (r#""(nextCursor|previousCursor)":"[^"]*""#, "<cursor>"),
        (r"after=[0-9]+", "after=<time>"),
        (r"thief[0-9]+", "<thief>"),
        (r"[0-9]+ (milli)?seconds?", "<while>"),
    ];
    patterns.into_iter().map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).collect()
});

impl Answer {
    /// All that it says; links to pages encode hyphens.
    pub(super) fn text(&self) -> String {
        format!("{}\n{}", self.headers, self.body).replace("%2D", "-")
    }

    /// The same for all answers that say the same: without the values of whom the request was about, and what passes.
    pub(super) fn masked(&self, about: &Prey) -> String {
        let text = format!("{} {}", self.status, self.text());
        let text = about.masked(&MADE.replace_all(&text, "<credential>"));
        PASSING.iter().fold(text, |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
    }
}

/// Sends requests, each from an address of its own, so that none is slowed down for the others.
pub(super) struct Wire {
    http: reqwest::Client,
    origin: String,
    sent: AtomicU32,
}

impl Wire {
    pub(super) fn new(server: &Server) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        Self { http: http.build().unwrap(), origin: server.origin.clone(), sent: AtomicU32::new(0) }
    }

    pub(super) async fn send(&self, request: &Request) -> Answer {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let address = std::net::Ipv4Addr::from(u32::from_be_bytes([10, 0, 0, 0]) + number);
        let url = format!("{}{}", self.origin, request.path);
        let mut sent = self
            .http
            .request(request.method.parse().unwrap(), url)
            .header("x-forwarded-for", address.to_string())
            .header("sec-fetch-site", "same-origin");
        if let Some(host) = &request.host {
            sent = sent.header("host", host);
        }
        for (name, value) in request.actor.headers.iter().chain(&request.headers) {
            sent = sent.header(*name, value);
        }
        if let Some((kind, body)) = &request.body {
            sent = sent.header("content-type", *kind).body(body.clone());
        }
        let mut answer = sent.send().await.unwrap_or_else(|error| panic!("{}: {error}", request.title()));
        let headers = TELLING.iter().filter_map(|name| {
            let value = answer.headers().get(*name)?.to_str().unwrap();
            Some(format!("{name}: {value}\n"))
        });
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        let mut body = Vec::new();
        let endless = answer.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let pause = if endless { GLANCE } else { PATIENCE };
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(pause, answer.chunk()).await {
            body.extend_from_slice(&chunk);
            if endless {
                break;
            }
        }
        Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }
}
