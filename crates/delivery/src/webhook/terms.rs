//! What is kept of a webhook, and what of it fits.

use std::collections::BTreeMap;

use egress::Client;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::Unfit;

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

/// A webhook to be made.
#[derive(Clone, Debug, Default)]
pub struct NewWebhook {
    /// Where to.
    pub url: String,
    /// Headers beside the usual ones, by name.
    pub headers: BTreeMap<String, String>,
    /// `whsec_…`; `None`: one is made.
    pub secret: Option<String>,
}

/// What changes of a webhook; `None`: it stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// Where to.
    pub url: Option<String>,
    /// Headers by name; `None` as a value takes one away, those not named stay, but where the URL leads to another server:
    /// there are no others then.
    pub headers: Option<BTreeMap<String, Option<String>>>,
}

/// What may be shown of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookSettings)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Where to.
    pub url: String,
    /// Names of the headers that each call carries beside the usual ones.
    #[serde(default)]
    #[schema(required = true)]
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

/// A new secret, with the prefix that says what it is.
pub(crate) fn generate_secret() -> String {
    use base64::Engine as _;
    let bytes: [u8; SECRET] = rand::random();
    format!("{PREFIX}{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}

impl NewWebhook {
    /// What is kept of it. Gives its secret, too.
    pub(crate) fn check(self, egress: &Client) -> Result<(Settings, Secrets, String), Unfit> {
        let url = check_url(&self.url, egress)?.into();
        check_headers(&self.headers)?;
        let secret = secret_of(self.secret)?;
        let headers = self.headers.keys().cloned().collect();
        Ok((Settings { url, headers }, Secrets::new(secret.clone(), self.headers), secret))
    }
}

impl WebhookChange {
    /// Changes what is kept. The secrets are opened only where they change; they are given then.
    pub(crate) fn apply<E: From<Unfit>>(
        self,
        settings: &mut Settings,
        egress: &Client,
        open: impl FnOnce() -> Result<Secrets, E>,
    ) -> Result<Option<Secrets>, E> {
        let mut is_elsewhere = false;
        if let Some(url) = &self.url {
            let url = check_url(url, egress)?;
            is_elsewhere = Url::parse(&settings.url).map_or(true, |before| before.origin() != url.origin());
            settings.url = url.into();
        }
        // What they hold is as good as a password, and was given for the server that it went to.
        let stay = is_elsewhere && !settings.headers.is_empty();
        let given = match self.headers {
            None if stay => {
                let detail = "they were given for another server, and do not go along to this one; give them anew, or {} for none";
                return Err(Unfit::new("headers", detail).into());
            }
            Some(given) if stay || !given.is_empty() => given,
            _ => return Ok(None),
        };
        let mut secrets = open()?;
        if is_elsewhere {
            secrets.headers.clear();
        }
        for (name, value) in given {
            // Names of headers know no case.
            secrets.headers.retain(|old, _| !old.eq_ignore_ascii_case(&name));
            secrets.headers.extend(value.map(|value| (name, value)));
        }
        check_headers(&secrets.headers)?;
        settings.headers = secrets.headers.keys().cloned().collect();
        Ok(Some(secrets))
    }
}

impl Secrets {
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
pub(crate) fn check_url(text: &str, egress: &Client) -> Result<Url, Unfit> {
    if text.len() > URL {
        return Err(Unfit::new("url", format!("it is longer than {URL} bytes")));
    }
    let url =
        Url::parse(text).map_err(|error| Unfit::new("url", format!("{error}; write https://HOST/PATH")))?;
    egress.check(&url).map_err(|error| Unfit::new("url", error.to_string()))?;
    Ok(url)
}

/// Headers of somebody's own, if they can be sent.
pub(crate) fn check_headers(headers: &BTreeMap<String, String>) -> Result<(), Unfit> {
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
pub(crate) fn check_secret(secret: &str) -> Result<(), Unfit> {
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

/// The secret that was given, if it can sign, or a new one.
pub(crate) fn secret_of(given: Option<String>) -> Result<String, Unfit> {
    let Some(secret) = given else { return Ok(generate_secret()) };
    check_secret(&secret)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET_OF_THE_SPECIFICATION: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn secrets_are_of_the_specified_form() {
        assert_eq!(check_secret(&generate_secret()), Ok(()));
        assert_eq!(check_secret(SECRET_OF_THE_SPECIFICATION), Ok(()));
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
}
