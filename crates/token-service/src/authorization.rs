//! Reads the `Authorization` header in each form that identity providers send.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::{SecretString, zeroize::Zeroizing};

/// Longest header value that is looked at, in bytes.
pub const MAX_LENGTH: usize = 8 * 1024;

/// What a caller presented.
#[derive(Debug)]
pub enum Presented {
    /// A bearer token (RFC 6750), also sent raw or with `Bearer` twice.
    Bearer(SecretString),
    /// User name and password (RFC 7617), split at the first colon.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: SecretString,
    },
}

/// Reads a header value: `Bearer t`, `bearer t`, `Bearer  t`, `t`, `Bearer Bearer t`, surrounding blanks, `Basic b64`.
/// `None` when nothing usable was sent.
#[must_use]
pub fn parse(header: &str) -> Option<Presented> {
    if header.len() > MAX_LENGTH {
        return None;
    }
    let header = trim(header);
    if let Some(encoded) = after_scheme(header, "Basic") {
        return basic(encoded);
    }
    let mut token = header;
    while let Some(rest) = after_scheme(token, "Bearer") {
        token = rest;
    }
    // What remains is one word of visible ASCII; a second word means a scheme that is not ours.
    let usable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    usable.then(|| Presented::Bearer(token.into()))
}

/// Blanks as HTTP knows them (RFC 9110 §5.6.3).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// What follows a scheme, trimmed; empty when the scheme stands alone. Schemes ignore case (RFC 9110 §11.1).
fn after_scheme<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (word, rest) = header.split_once([' ', '\t']).unwrap_or((header, ""));
    word.eq_ignore_ascii_case(scheme).then(|| trim(rest))
}

/// `user:password` in Base64, with or without padding, in either alphabet.
fn basic(encoded: &str) -> Option<Presented> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if encoded.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let bytes = Zeroizing::new(GeneralPurpose::new(alphabet, config).decode(encoded).ok()?);
    let text = std::str::from_utf8(&bytes).ok()?;
    let (username, password) = text.split_once(':')?;
    // RFC 7617 §2: neither part may hold control characters.
    if username.is_empty() || text.chars().any(char::is_control) {
        return None;
    }
    Some(Presented::Basic { username: username.to_owned(), password: password.into() })
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use secrecy::ExposeSecret;

    use super::*;

    fn bearer(header: &str) -> Option<String> {
        match parse(header)? {
            Presented::Bearer(token) => Some(token.expose_secret().to_owned()),
            Presented::Basic { .. } => None,
        }
    }

    fn user(header: &str) -> Option<(String, String)> {
        match parse(header)? {
            Presented::Basic { username, password } => Some((username, password.expose_secret().to_owned())),
            Presented::Bearer(_) => None,
        }
    }

    #[test]
    fn every_form_of_a_bearer_token_is_read() {
        for header in [
            "Bearer rcl_a.b-c_d",
            "bearer rcl_a.b-c_d",
            "BEARER rcl_a.b-c_d",
            "Bearer  rcl_a.b-c_d",
            "Bearer\trcl_a.b-c_d",
            "rcl_a.b-c_d",
            "Bearer Bearer rcl_a.b-c_d",
            "Bearer bearer  rcl_a.b-c_d",
            " Bearer rcl_a.b-c_d ",
            "\trcl_a.b-c_d ",
        ] {
            assert_eq!(bearer(header).as_deref(), Some("rcl_a.b-c_d"), "{header:?}");
        }
        // Not ours, but that is for the verification to say.
        assert_eq!(bearer("non-token").as_deref(), Some("non-token"));
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let long = format!("Bearer {}", "a".repeat(MAX_LENGTH));
        for header in [
            "",
            " ",
            "Bearer",
            "Bearer ",
            "Bearer Bearer",
            "Digest abc",
            "Bearer a b",
            "Bearer é",
            "Basic",
            &long,
        ] {
            assert!(parse(header).is_none(), "{header:?}");
        }
    }

    #[test]
    fn basic_is_split_at_the_first_colon() {
        let owned = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        for (plain, expected) in [
            ("okta@acme.com:s3:cr:et", owned("okta@acme.com", "s3:cr:et")),
            ("user:", owned("user", "")),
            ("jürgen:pässwörd", owned("jürgen", "pässwörd")),
            (":password", None),
            ("no colon", None),
            ("user:pass\nword", None),
        ] {
            for scheme in ["Basic", "basic", "BASIC"] {
                let header = format!("{scheme} {}", BASE64_STANDARD.encode(plain));
                assert_eq!(user(&header), expected, "{plain:?}");
                assert_eq!(user(header.trim_end_matches('=')), expected, "{plain:?} without padding");
            }
        }
        // `u:~~~?` has `+` or `/` in the one alphabet, `-` or `_` in the other.
        assert_eq!(user("Basic dTp+fn4/"), owned("u", "~~~?"));
        assert_eq!(user("Basic dTp-fn4_"), owned("u", "~~~?"));
        assert_eq!(user("Basic !!!"), None);
        // Latin-1: not UTF-8.
        assert_eq!(user(&format!("Basic {}", BASE64_STANDARD.encode(b"j\xfcrgen:x"))), None);
    }
}
