//! What a stranger sent as a credential: the likely mistake in it, and a fingerprint that is no secret.

use aws_lc_rs::hmac;
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{CredentialId, TenantId};
use uuid::Uuid;

use super::mistake::Mistake;
use crate::{
    Presented,
    authorization::{self, MAX_LENGTH},
    claims::{Claims, PREFIX},
};

/// Longest user name that is kept, in characters.
const LOGIN_LENGTH: usize = 100;
/// Characters of a signature with Ed25519: 64 bytes in base64url.
const SIGNATURE: usize = 86;
/// Schemes that may be named: any other first word could be part of a secret.
const SCHEMES: [&str; 10] =
    ["Bearer", "Basic", "Digest", "Negotiate", "SSWS", "Token", "OAuth", "ApiKey", "Api-Key", "Key"];
/// Where tokens of Microsoft Entra ID come from.
const ENTRA: [&str; 3] =
    ["https://sts.windows.net/", "https://login.microsoftonline.com/", "https://login.microsoftonline.us/"];

/// What was sent, as far as it may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fingerprint {
    /// `Bearer`, `Basic`, …; `None`: no scheme, or one that is not known.
    pub scheme: Option<String>,
    /// Characters of the token; `None` of passwords, and where many different ones came.
    pub length: Option<usize>,
    /// Its beginning, where that is no secret: `rcl_`, `eyJ`.
    pub head: String,
    /// Its last four characters, where it carries our signature.
    pub tail: Option<String>,
    /// Two tries with the same have the same digest, in every node; empty where many different ones came.
    pub digest: String,
    /// Many different ones came, too many to tell them apart: they were answered late, with 429.
    pub many: bool,
}

impl Fingerprint {
    /// In one line: `Bearer rcl_…, 512 characters, ending in 4f0a, #1c29f3d0`.
    #[must_use]
    pub fn line(&self) -> String {
        let mut parts = Vec::new();
        let head = if self.head.is_empty() { String::new() } else { format!("{}…", self.head) };
        let first = [self.scheme.clone().unwrap_or_default(), head].join(" ").trim().to_owned();
        if !first.is_empty() {
            parts.push(first);
        }
        if let Some(length) = self.length {
            parts.push(format!("{length} character{}", if length == 1 { "" } else { "s" }));
        }
        if let Some(tail) = &self.tail {
            parts.push(format!("ending in {tail}"));
        }
        if self.many {
            parts.push("many different ones".to_owned());
        }
        if !self.digest.is_empty() {
            parts.push(format!("#{}", self.digest));
        }
        parts.join(", ")
    }
}

/// What was sent with one request.
#[derive(Clone, Debug)]
pub struct Sent {
    pub(super) mistake: Mistake,
    pub(super) print: Fingerprint,
    /// User name, as sent. It is shown only to the tenant that has it.
    pub(super) login: Option<String>,
    /// Whom a token names: to be believed only when its signature is known to be good.
    pub(super) names: Option<(TenantId, CredentialId)>,
    /// When an access token of a client ends, in milliseconds; to be believed likewise.
    pub(super) access_until: Option<i64>,
    /// Last characters of a token: to be shown only when its signature is known to be good.
    pub(super) ending: Option<String>,
}

/// Reads what people send.
pub(super) struct Reader<'a> {
    pub(super) key: &'a hmac::Key,
    pub(super) installation: Uuid,
}

impl Reader<'_> {
    /// Of the headers of a request.
    pub(super) fn headers(&self, headers: &HeaderMap) -> Sent {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return self.sent(Mistake::NoHeader, None, "") };
        if let Some(second) = values.next() {
            return self.sent(Mistake::TwoHeaders, None, &format!("{value:?}{second:?}"));
        }
        let bytes = value.as_bytes();
        if bytes.len() > MAX_LENGTH {
            let begin = String::from_utf8_lossy(&bytes[..MAX_LENGTH]);
            let sent = self.sent(Mistake::TooLong, None, &begin);
            return Sent { print: Fingerprint { length: Some(bytes.len()), ..sent.print }, ..sent };
        }
        self.value(String::from_utf8_lossy(bytes).trim())
    }

    /// Of a user name (a client id) and its password.
    pub(super) fn login(&self, name: &str, password: &SecretString) -> Sent {
        let secret = format!("{}:{name}:{}", name.len(), password.expose_secret());
        let sent = self.sent(Mistake::WrongPassword, Some("Basic"), &secret);
        // What nobody can have is not looked for.
        let fits = name.chars().count() <= LOGIN_LENGTH && !name.contains(char::is_control);
        let login = fits.then(|| name.to_owned());
        Sent { login, print: Fingerprint { length: None, head: String::new(), ..sent.print }, ..sent }
    }

    /// Of an OAuth client's id and secret.
    pub(super) fn client(&self, id: &str, secret: &SecretString) -> Sent {
        let sent = self.login(id, secret);
        let print = Fingerprint { scheme: Some("OAuth client".to_owned()), ..sent.print };
        Sent { mistake: Mistake::WrongSecret, print, ..sent }
    }

    /// Of the value of the header, without blanks around it.
    fn value(&self, value: &str) -> Sent {
        if value.is_empty() {
            return self.sent(Mistake::EmptyHeader, None, "");
        }
        let (word, rest) = split(value);
        if word.trim_end_matches(':').eq_ignore_ascii_case("authorization") {
            return self.sent(Mistake::HeaderName, None, value);
        }
        if word.eq_ignore_ascii_case("basic") {
            return self.basic(value, rest);
        }
        let mut token = value;
        let mut scheme = None;
        while let (word, rest) = split(token)
            && word.eq_ignore_ascii_case("bearer")
        {
            (token, scheme) = (rest, Some("Bearer"));
        }
        if token.is_empty() {
            return self.sent(Mistake::NoToken, scheme, "");
        }
        let (word, rest) = split(token);
        if scheme.is_none()
            && let Some(other) = SCHEMES.iter().find(|known| known.eq_ignore_ascii_case(word))
        {
            return self.sent(Mistake::OtherScheme, Some(other), rest);
        }
        let sent = self.sent(self.token_mistake(token), scheme, token);
        let claims = token.strip_prefix(PREFIX).and_then(claims);
        Sent {
            access_until: claims
                .as_ref()
                .filter(|claims| claims.is_access_token())
                .map(|claims| claims.exp.saturating_mul(1000)),
            names: claims.and_then(|claims| Some((TenantId(claims.tenant?), CredentialId(claims.sub)))),
            ending: token.is_ascii().then(|| token[token.len().saturating_sub(4)..].to_owned()),
            ..sent
        }
    }

    fn basic(&self, value: &str, rest: &str) -> Sent {
        if rest.is_empty() {
            return self.sent(Mistake::NoToken, Some("Basic"), "");
        }
        match authorization::parse(value) {
            Some(Presented::Basic { username, password }) => self.login(&username, &password),
            _ => self.sent(Mistake::UnreadableBasic, Some("Basic"), rest),
        }
    }

    fn sent(&self, mistake: Mistake, scheme: Option<&str>, secret: &str) -> Sent {
        let head = [PREFIX, "eyJ"].into_iter().find(|head| secret.starts_with(head)).unwrap_or_default();
        let length = secret.chars().count();
        let digest = hmac::sign(self.key, secret.as_bytes());
        let digest = if length == 0 { String::new() } else { hex(&digest.as_ref()[..4]) };
        let length = (length > 0).then_some(length);
        let print = Fingerprint {
            scheme: scheme.map(str::to_owned),
            length,
            head: head.to_owned(),
            tail: None,
            digest,
            many: false,
        };
        Sent { mistake, print, login: None, names: None, access_until: None, ending: None }
    }

    /// What is wrong with what should be a token, and is refused.
    fn token_mistake(&self, token: &str) -> Mistake {
        const QUOTES: &[char] = &['"', '\'', '`', '“', '”', '„', '‘', '’', '«', '»'];
        const BRACKETS: &[char] = &['<', '>', '{', '}', '[', ']'];
        let lower = token.to_ascii_lowercase();
        if lower.starts_with("http://") || lower.starts_with("https://") {
            Mistake::Url
        } else if token.contains(QUOTES) {
            Mistake::Quoted
        } else if token.contains(BRACKETS) || lower.contains("your") && lower.contains("token") {
            Mistake::Placeholder
        } else if token.contains('…') || token.contains("..") {
            Mistake::Shortened
        } else if lower.starts_with("bearer") {
            Mistake::Glued
        } else if token.contains(char::is_whitespace) {
            if lower.starts_with(PREFIX) { Mistake::BrokenUp } else { Mistake::OtherScheme }
        } else if lower.starts_with(PREFIX) {
            self.like_ours(&token[PREFIX.len()..])
        } else if let Some(claims) = payload(token) {
            self.jwt(&claims)
        } else if is_okta_api_token(token) {
            Mistake::OktaApiToken
        } else if is_login(token) {
            Mistake::LoginAsToken
        } else {
            Mistake::NotOurs
        }
    }

    /// What follows `rcl_`.
    fn like_ours(&self, token: &str) -> Mistake {
        let parts: Vec<&str> = token.split('.').collect();
        match (parts.as_slice(), payload(token)) {
            ([_, _, signature], _) if signature.len() < SIGNATURE => Mistake::CutShort,
            ([_, _, _], Some(claims)) if self.is_here(&claims) => Mistake::Damaged,
            ([_, _, _], Some(_)) => Mistake::OtherInstallation,
            ([] | [_] | [_, _], _) => Mistake::CutShort,
            _ => Mistake::Damaged,
        }
    }

    /// A JWT without our prefix.
    fn jwt(&self, claims: &Value) -> Mistake {
        let issuer = claims["iss"].as_str().unwrap_or_default();
        if self.is_here(claims) {
            Mistake::PrefixMissing
        } else if ENTRA.iter().any(|entra| issuer.starts_with(entra)) {
            Mistake::EntraToken
        } else {
            Mistake::ForeignJwt
        }
    }

    fn is_here(&self, claims: &Value) -> bool {
        claims["iss"].as_str() == Some(&self.installation.to_string())
    }
}

/// The first word, and what follows the blanks after it.
fn split(text: &str) -> (&str, &str) {
    text.split_once([' ', '\t']).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// The claims of a JWT, unproven: for people to read, and for nothing else.
fn payload(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (header, payload) = (parts.next()?, parts.next()?);
    parts.next()?;
    if parts.next().is_some() || !header.starts_with("eyJ") {
        return None;
    }
    let value: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    value.is_object().then_some(value)
}

/// Our own, unproven.
fn claims(token: &str) -> Option<Claims> {
    serde_json::from_value(payload(token)?).ok()
}

/// `00` and 40 letters, digits, `-` or `_`.
fn is_okta_api_token(token: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    token.len() == 42 && token.starts_with("00") && token.bytes().all(fits)
}

/// Base64 of printable text with a colon in it?
fn is_login(token: &str) -> bool {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = match token.contains(['-', '_']) {
        true => GeneralPurpose::new(&URL_SAFE, config).decode(token),
        false => BASE64_STANDARD.decode(token),
    };
    let text = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.is_some_and(|text| {
        let is_text = !text.chars().any(char::is_control);
        is_text && text.split_once(':').is_some_and(|(name, _)| name.chars().count() > 1)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "sent_tests.rs"]
mod tests;
