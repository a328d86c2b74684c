//! The public keys as others read them (RFC 7517), to check tokens without asking us.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::keys::{KeyState, SigningKey};

/// A JSON Web Key Set and what it is compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKeys {
    /// JSON (RFC 7517 §5); each key an OKP one (RFC 8037 §2).
    pub body: String,
    /// Strong entity tag of it, quoted (RFC 9110 §8.8.3).
    pub etag: String,
}

impl PublishedKeys {
    /// The key that signs first, then the next one, so that nobody meets it unprepared, then those that have signed.
    pub(crate) fn of(keys: &[&SigningKey]) -> Self {
        let mut keys = keys.to_vec();
        keys.sort_by_key(|key| match key.state {
            KeyState::Active => (0, 0),
            KeyState::Next => (1, 0),
            KeyState::Retired => (2, -key.retired_at.unwrap_or_default()),
        });
        let keys: Vec<_> = keys.into_iter().map(jwk).collect();
        let body = json!({ "keys": keys }).to_string();
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&body));
        Self { etag: format!("\"{}\"", &digest[..22]), body }
    }
}

/// The algorithm is `EdDSA` as in the header of our tokens (RFC 8037 §3.1), which libraries compare.
fn jwk(key: &SigningKey) -> serde_json::Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": BASE64_URL_SAFE_NO_PAD.encode(&key.public_key),
        "kid": key.kid,
        "use": "sig",
        "alg": "EdDSA",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str, state: KeyState, retired_at: Option<i64>) -> SigningKey {
        SigningKey {
            kid: kid.into(),
            public_key: vec![0xfb; 32],
            sealed: vec![1; 48],
            state,
            created_at: 0,
            active_at: None,
            retired_at,
            covers_until: 0,
        }
    }

    #[test]
    fn a_set_has_what_a_library_needs_and_nothing_secret() {
        let keys = [
            key("older", KeyState::Retired, Some(1)),
            key("old", KeyState::Retired, Some(2)),
            key("next", KeyState::Next, None),
            key("active", KeyState::Active, None),
        ];
        let set = PublishedKeys::of(&keys.iter().collect::<Vec<_>>());
        let body: serde_json::Value = serde_json::from_str(&set.body).expect("JSON");
        let kids: Vec<_> = body["keys"].as_array().expect("keys").iter().map(|key| &key["kid"]).collect();
        assert_eq!(kids, ["active", "next", "old", "older"]);
        let x = "-_v7".repeat(10) + "-_s";
        let expected =
            json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "active", "use": "sig", "alg": "EdDSA"});
        assert_eq!(body["keys"][0], expected);
        assert!(set.etag.starts_with('"') && set.etag.ends_with('"') && set.etag.len() == 24);
        assert_eq!(set, PublishedKeys::of(&keys.iter().collect::<Vec<_>>()));
        assert_ne!(set.etag, PublishedKeys::of(&keys[..1].iter().collect::<Vec<_>>()).etag);
    }
}
