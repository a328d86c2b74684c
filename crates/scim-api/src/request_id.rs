//! The id by which a person finds a request in the logs.

use http::{HeaderMap, HeaderName};

/// Header that carries the id in both directions.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a client, in characters.
const MAX_LENGTH: usize = 64;

/// The id of a request; an extension of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id that the request brings, if it is 1 to 64 characters of `[A-Za-z0-9._-]`; else a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(&HEADER).and_then(|value| value.to_str().ok());
        Self(match sent {
            Some(id) if is_fit(id) => id.to_owned(),
            _ => uuid::Uuid::new_v4().to_string(),
        })
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_fit(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn keeps_a_fit_id_and_replaces_any_other() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_str(value).expect("a header value"));
            RequestId::of(&headers).as_str().to_owned()
        };
        for fit in ["a", "A.b_c-9", &"x".repeat(64)] {
            assert_eq!(of(fit), fit);
        }
        for unfit in ["", "a b", "a\"b", "<b>", "a/b", &"x".repeat(65)] {
            assert_ne!(of(unfit), unfit);
            assert!(is_fit(&of(unfit)));
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }
}
