//! Webhooks: each event a POST, signed as Standard Webhooks 1.0.0 says.

use std::{collections::BTreeMap, time::Duration};

use egress::{Call, Client, Limits};
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use standardwebhooks::Webhook as Signer;
use store::DestinationId;
use token_service::Vault;
use url::Url;

use crate::carrier::{Carrier, Message, Refusal, TIME};

/// An answer is not read for what it says, only for its end.
const ANSWER: usize = 64 * 1024;

/// A receiver is believed for so long that it wants nothing.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// How long a secret that was replaced signs beside the new one, in milliseconds.
pub const OVERLAP: i64 = 24 * 3_600_000;

/// Bytes of a secret: from 24 to 64 (Standard Webhooks, "Signature scheme").
const SECRET: usize = 32;
const PREFIX: &str = "whsec_";

/// Secrets that sign at once: each makes a header longer.
const SIGNING: usize = 3;

/// Longest URL, in bytes.
const URL: usize = 2_048;

/// Most headers of somebody's own, and the longest value, in bytes.
const HEADERS: usize = 20;
const VALUE: usize = 4_096;

/// Headers that are ours, or that say how a request is framed and to whom it goes.
const OURS: [&str; 16] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// What may be shown of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Where to.
    pub url: String,
    /// Names of the headers that each call carries beside the usual ones.
    #[serde(default)]
    pub headers: Vec<String>,
}

/// What must not be shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secrets {
    /// Those that sign, the newest first.
    pub signing: Vec<SigningSecret>,
    /// Headers of somebody's own, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// A secret that signs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningSecret {
    /// `whsec_…`
    pub secret: String,
    /// Until when, in milliseconds, if it was replaced.
    pub ends_at: Option<i64>,
}

/// What is wrong with a webhook: the member of its settings, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {detail}")]
pub struct Unfit {
    /// `url`, `headers.NAME`, `secret`.
    pub member: String,
    /// For people.
    pub detail: String,
}

impl Unfit {
    pub(crate) fn new(member: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { member: member.into(), detail: detail.into() }
    }
}

/// A new secret, with the prefix that says what it is.
#[must_use]
pub fn generate_secret() -> String {
    use base64::Engine as _;
    let bytes: [u8; SECRET] = rand::random();
    format!("{PREFIX}{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}

impl Settings {
    /// As they are kept.
    pub fn of(kept: &Value) -> Result<Self, String> {
        serde_json::from_value(kept.clone()).map_err(|error| format!("its settings cannot be read: {error}"))
    }

    /// To be kept.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!(self)
    }
}

impl Secrets {
    /// Of a destination, as they are kept.
    pub fn open(vault: &Vault, id: DestinationId, sealed: &[u8]) -> Result<Self, String> {
        let plain = vault.open(sealed, &sealing_context(id)).map_err(|_| {
            "its secrets cannot be read with this installation's master key; set a new secret and new headers"
                .to_owned()
        })?;
        serde_json::from_slice(&plain).map_err(|_| "its secrets cannot be read".to_owned())
    }

    /// To be kept.
    pub fn seal(&self, vault: &Vault, id: DestinationId) -> Result<Vec<u8>, String> {
        let plain = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        vault.seal(&plain, &sealing_context(id)).map_err(|error| error.to_string())
    }

    /// With one secret, and these headers.
    #[must_use]
    pub fn new(secret: String, headers: BTreeMap<String, String>) -> Self {
        Self { signing: vec![SigningSecret { secret, ends_at: None }], headers }
    }

    /// Puts a new secret before those that there are, which sign for another [`OVERLAP`] from now (milliseconds) on.
    pub fn rotate(&mut self, secret: String, now: i64) {
        self.signing.retain(|old| old.ends_at.is_none_or(|end| end > now));
        for old in &mut self.signing {
            old.ends_at = Some(old.ends_at.unwrap_or(now + OVERLAP).min(now + OVERLAP));
        }
        self.signing.truncate(SIGNING - 1);
        self.signing.insert(0, SigningSecret { secret, ends_at: None });
    }
}

/// The URL, if it is one that could be called.
pub fn check_url(text: &str, egress: &Client) -> Result<Url, Unfit> {
    if text.len() > URL {
        return Err(Unfit::new("url", format!("it is longer than {URL} bytes")));
    }
    let url =
        Url::parse(text).map_err(|error| Unfit::new("url", format!("{error}; write https://HOST/PATH")))?;
    egress.check(&url).map_err(|error| Unfit::new("url", error.to_string()))?;
    Ok(url)
}

/// Headers of somebody's own, if they can be sent.
pub fn check_headers(headers: &BTreeMap<String, String>) -> Result<(), Unfit> {
    if headers.len() > HEADERS {
        return Err(Unfit::new("headers", format!("there are {}; send {HEADERS} at most", headers.len())));
    }
    for (name, value) in headers {
        let at = |detail: &str| Unfit::new(format!("headers.{name}"), detail);
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| at("this is no name of a header; use letters, digits and hyphens"))?;
        if OURS.contains(&parsed.as_str()) || parsed.as_str().starts_with("webhook-") {
            return Err(at("this header is set by Rollcall; choose another name"));
        }
        if value.len() > VALUE {
            return Err(at("the value is longer than 4096 bytes"));
        }
        HeaderValue::from_str(value)
            .map_err(|_| at("the value holds a line break or another control character"))?;
    }
    Ok(())
}

/// A secret, if it can sign.
pub fn check_secret(secret: &str) -> Result<(), Unfit> {
    use base64::Engine as _;
    let wanted =
        "a secret begins with whsec_, and 24 to 64 bytes in Base64 follow; leave it out to have one made";
    let bytes = secret
        .strip_prefix(PREFIX)
        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    match bytes {
        Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(()),
        _ => Err(Unfit::new("secret", wanted)),
    }
}

/// A webhook, ready to send.
pub struct Webhook {
    egress: Client,
    url: Url,
    headers: HeaderMap,
    signers: Vec<(Signer, Option<i64>)>,
}

impl Webhook {
    /// Of what is kept. The error names what cannot be used.
    pub fn new(egress: Client, settings: &Settings, secrets: &Secrets) -> Result<Self, Unfit> {
        check_headers(&secrets.headers)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &secrets.headers {
            let at = |_| Unfit::new(format!("headers.{name}"), "it cannot be sent");
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| at(()))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| at(()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let signers: Result<Vec<_>, Unfit> = secrets.signing.iter().map(signer).collect();
        let url = Url::parse(&settings.url).map_err(|error| Unfit::new("url", error.to_string()))?;
        Ok(Self { egress, url, headers, signers: signers? })
    }

    /// The headers of Standard Webhooks: id, time of the attempt in seconds, and a signature by each secret that is valid.
    fn signed(&self, message: &Message) -> Result<HeaderMap, Refusal> {
        let seconds = message.now.div_euclid(1_000);
        let valid = self.signers.iter().filter(|(_, end)| end.is_none_or(|end| end > message.now));
        let signatures: Result<Vec<String>, _> =
            valid.map(|(signer, _)| signer.sign(&message.id, seconds, &message.body)).collect();
        let cannot =
            |_| Refusal { problem: "the message could not be signed".to_owned(), ..Refusal::default() };
        let signatures = signatures.map_err(|error| cannot(error.to_string()))?.join(" ");
        let mut headers = self.headers.clone();
        for (name, value) in [
            (standardwebhooks::HEADER_WEBHOOK_ID, message.id.clone()),
            (standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, seconds.to_string()),
            (standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signatures),
        ] {
            let value = HeaderValue::from_str(&value).map_err(|error| cannot(error.to_string()))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }

    async fn post(&self, message: &Message) -> Result<Option<u16>, Refusal> {
        let call = Call {
            method: Method::POST,
            url: self.url.clone(),
            headers: self.signed(message)?,
            body: message.body.clone(),
            limits: Limits { total: TIME, answer: ANSWER },
        };
        match self.egress.status_of(call).await {
            Ok(answer) => judge(answer.status, &answer.headers),
            Err(error) => Err(Refusal { problem: error.to_string(), ..Refusal::default() }),
        }
    }
}

impl Carrier for Webhook {
    fn carry<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Option<u16>, Refusal>> {
        self.post(message).boxed()
    }
}

/// What is sealed opens for its destination alone.
pub(crate) fn sealing_context(id: DestinationId) -> String {
    format!("destination:{id}")
}

fn signer(secret: &SigningSecret) -> Result<(Signer, Option<i64>), Unfit> {
    check_secret(&secret.secret)?;
    let signer = Signer::new(&secret.secret).map_err(|error| Unfit::new("secret", error.to_string()))?;
    Ok((signer, secret.ends_at))
}

/// What a status means (Standard Webhooks, "Responses").
fn judge(status: StatusCode, headers: &HeaderMap) -> Result<Option<u16>, Refusal> {
    if status.is_success() {
        return Ok(Some(status.as_u16()));
    }
    let hint =
        if status.is_redirection() { "; redirects are not followed: set the final address" } else { "" };
    let asks = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Err(Refusal {
        problem: format!("it answered {}{hint}", status.as_u16()),
        status: Some(status.as_u16()),
        retry_after: seconds
            .filter(|_| asks)
            .map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER)),
        is_gone: status == StatusCode::GONE,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn message() -> Message {
        Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(),
            body: Bytes::from_static(br#"{"test": 2432232314}"#),
            now: 1_614_265_330_000,
        }
    }

    fn webhook(secrets: &Secrets) -> Webhook {
        let settings = Settings { url: "https://example.com/hook".into(), headers: Vec::new() };
        Webhook::new(Client::default(), &settings, secrets).expect("a webhook")
    }

    /// The example of the specification.
    #[test]
    fn the_signature_is_the_specified_one() {
        let headers =
            webhook(&Secrets::new(SECRET.into(), BTreeMap::new())).signed(&message()).expect("signed");
        assert_eq!(headers["webhook-id"], "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_replaced_secret_signs_for_a_day() {
        let mut secrets = Secrets::new(SECRET.into(), BTreeMap::new());
        let now = message().now;
        secrets.rotate(generate_secret(), now);
        let signatures = |now| {
            let headers = webhook(&secrets).signed(&Message { now, ..message() }).expect("signed");
            headers["webhook-signature"].to_str().expect("text").split(' ').count()
        };
        assert_eq!((signatures(now), signatures(now + OVERLAP - 1), signatures(now + OVERLAP)), (2, 2, 1));
        assert!(secrets.signing.len() <= SIGNING);
        for _ in 0..9 {
            secrets.rotate(generate_secret(), now + OVERLAP + 1);
        }
        assert!(secrets.signing.iter().skip(1).all(|old| old.ends_at == Some(now + 2 * OVERLAP + 1)));
    }

    #[test]
    fn secrets_are_of_the_specified_form() {
        assert_eq!(check_secret(&generate_secret()), Ok(()));
        assert_eq!(check_secret(SECRET), Ok(()));
        for unfit in ["", "whsec_", "whsec_!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_YWJj"] {
            assert_eq!(check_secret(unfit).map_err(|unfit| unfit.member), Err("secret".into()), "{unfit}");
        }
    }

    #[test]
    fn headers_neither_break_lines_nor_lead_elsewhere() {
        let check =
            |name: &str, value: &str| check_headers(&BTreeMap::from([(name.to_owned(), value.to_owned())]));
        assert_eq!(check("X-Api-Key", "secret"), Ok(()));
        for name in [
            "Host",
            "HOST",
            "content-length",
            "Transfer-Encoding",
            "Webhook-Id",
            "webhook-signature",
            "a b",
            "",
            "a:b",
            "a\r\nb",
        ] {
            assert!(check(name, "x").is_err(), "{name:?}");
        }
        for value in ["a\r\nHost: b", "a\nb", "a\0b", "\u{7f}"] {
            assert!(check("x-a", value).is_err(), "{value:?}");
        }
        assert!(check("x-a", &"a".repeat(VALUE + 1)).is_err());
        let many = (0..=HEADERS).map(|at| (format!("x-{at}"), String::new())).collect();
        assert_eq!(check_headers(&many).map_err(|unfit| unfit.member), Err("headers".into()));
    }

    #[test]
    fn addresses_that_are_not_public_are_refused_when_they_are_typed() {
        for url in [
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://[::1]/",
            "https://[fe80::1]/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "http://example.com.:99999/",
            "ftp://example.com/",
            "example.com",
            "https://a:b@example.com/",
            "https://169.254.169.254/latest",
            "https://[::ffff:10.0.0.1]/",
        ] {
            assert_eq!(
                check_url(url, &Client::default()).map_err(|unfit| unfit.member),
                Err("url".into()),
                "{url}"
            );
        }
        assert!(check_url("https://example.com/hook?a=b", &Client::default()).is_ok());
    }

    #[test]
    fn statuses_say_what_to_do() {
        let none = HeaderMap::new();
        assert_eq!(judge(StatusCode::ACCEPTED, &none), Ok(Some(202)));
        let moved = judge(StatusCode::FOUND, &none).expect_err("refused");
        assert!(moved.problem.contains("302") && moved.problem.contains("redirects"), "{moved:?}");
        assert!(judge(StatusCode::GONE, &none).expect_err("refused").is_gone);
        let mut headers = HeaderMap::new();
        for (text, seconds) in
            [("120", Some(120)), ("999999", Some(3_600)), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
        {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(text));
            let refusal = judge(StatusCode::SERVICE_UNAVAILABLE, &headers).expect_err("refused");
            assert_eq!(refusal.retry_after, seconds.map(Duration::from_secs), "{text}");
        }
    }
}
