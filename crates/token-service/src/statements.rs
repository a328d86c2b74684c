//! What Rollcall says and signs for others to keep, for many years: JWS in the compact form (RFC 7515), Ed25519.
//!
//! The keys that sign tokens go with their last token. These are computed from the data keys instead, so they are guarded by
//! the master key as everything sealed is, need no row, outlive every rotation and every change of the master key, come
//! along in backups, and end when the data keys do (`rollcall key replace --lost-master-key`). The header names the key by
//! its thumbprint (RFC 7638) and has the public half with it, so that any library can check one.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, KeyAlgorithm, OctetKeyPairParameters,
        OctetKeyPairType, PublicKeyUse,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Vault;

/// What the seed is computed for.
const PURPOSE: &[u8] = b"rollcall signed statements: Ed25519";

/// Why a statement is not taken; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It cannot be read.
    #[error("it is no signed statement of this kind")]
    Unreadable,
    /// Signed by nobody we know.
    #[error(
        "the key that signed it ({0}) is not one of this installation: it is another one's, or from before its keys were \
         replaced"
    )]
    UnknownKey(String),
    /// It was changed, or is another's.
    #[error("its signature does not fit: it was changed")]
    Forged,
    /// The key cannot be used.
    #[error("the key for statements cannot be used")]
    Unusable,
}

/// A key that signs statements.
#[derive(Clone)]
pub(crate) struct StatementKey {
    inner: Arc<Inner>,
}

struct Inner {
    kid: String,
    public: Vec<u8>,
    signing: EncodingKey,
}

impl StatementKey {
    /// Computed from the bytes of a data key.
    pub(crate) fn of(data_key: &[u8]) -> Option<Self> {
        let seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, data_key), PURPOSE);
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).ok()?;
        let public = pair.public_key().as_ref().to_vec();
        let signing = EncodingKey::from_ed_der(pair.to_pkcs8().ok()?.as_ref());
        Some(Self { inner: Arc::new(Inner { kid: thumbprint(&public), public, signing }) })
    }
}

/// RFC 7638, of an Ed25519 key (RFC 8037 §2).
fn thumbprint(public: &[u8]) -> String {
    let members =
        format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64_URL_SAFE_NO_PAD.encode(public));
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

fn jwk(key: &Inner) -> Jwk {
    Jwk {
        common: CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::EdDSA),
            key_id: Some(key.kid.clone()),
            ..CommonParameters::default()
        },
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: BASE64_URL_SAFE_NO_PAD.encode(&key.public),
        }),
    }
}

/// The keys of a vault.
#[derive(Clone, Default)]
pub(crate) struct StatementKeys {
    all: HashMap<String, StatementKey>,
    current: Option<StatementKey>,
}

impl StatementKeys {
    /// Adds the one of a data key that is newer than those before.
    pub(crate) fn add(&mut self, data_key: &[u8]) {
        let Some(key) = StatementKey::of(data_key) else { return };
        self.all.insert(key.inner.kid.clone(), key.clone());
        self.current = Some(key);
    }
}

impl Vault {
    /// Signs a statement of a kind (`typ` of its header).
    pub fn sign_statement(&self, kind: &str, statement: &impl Serialize) -> Result<String, StatementError> {
        let key = &self.statement_keys().current.as_ref().ok_or(StatementError::Unusable)?.inner;
        let header = Header {
            typ: Some(kind.to_owned()),
            kid: Some(key.kid.clone()),
            jwk: Some(jwk(key)),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, statement, &key.signing).map_err(|_| StatementError::Unusable)
    }

    /// Reads a statement of a kind that this installation `iss` has signed, however long ago. What stands beside the
    /// signature counts for nothing: the key is ours, never the one that came along.
    pub fn read_statement<T: DeserializeOwned>(
        &self,
        kind: &str,
        issuer: Uuid,
        text: &str,
    ) -> Result<T, StatementError> {
        let header = jsonwebtoken::decode_header(text).map_err(|_| StatementError::Unreadable)?;
        if header.typ.as_deref() != Some(kind) {
            return Err(StatementError::Unreadable);
        }
        let kid = header.kid.unwrap_or_default();
        let Some(key) = self.statement_keys().all.get(&kid) else {
            return Err(StatementError::UnknownKey(kid));
        };
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["iss"]);
        validation.validate_exp = false;
        validation.validate_aud = false;
        let key = DecodingKey::from_ed_der(&key.inner.public);
        let read = jsonwebtoken::decode::<T>(text, &key, &validation);
        Ok(read.map_err(|_| StatementError::Forged)?.claims)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::vault::{generate, tests::master};

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Said {
        iss: Uuid,
        what: String,
    }

    fn said() -> Said {
        Said { iss: Uuid::from_u128(1), what: "so it is".into() }
    }

    #[test]
    fn a_statement_is_read_by_those_who_have_the_data_key_and_by_nobody_else() {
        let key = generate(&master(1), 0).expect("a data key");
        let vault = Vault::of(std::slice::from_ref(&key), &master(1)).expect("a vault");
        let text = vault.sign_statement("test+jwt", &said()).expect("signed");
        let read = |vault: &Vault, kind, issuer, text: &str| {
            vault.read_statement::<Said>(kind, Uuid::from_u128(issuer), text)
        };
        assert_eq!(read(&vault, "test+jwt", 1, &text), Ok(said()));
        assert_eq!(read(&vault, "other+jwt", 1, &text), Err(StatementError::Unreadable));
        assert_eq!(read(&vault, "test+jwt", 2, &text), Err(StatementError::Forged));
        assert_eq!(read(&vault, "test+jwt", 1, "a.b.c"), Err(StatementError::Unreadable));

        // Another master key guards the data key now, and there is a newer one: what was signed before holds.
        let newer = generate(&master(2), 1).expect("a data key");
        let rewrapped = crate::adoption::adopt(&master(2).with_former(master(1)), &key).expect("rewrapped");
        let later = Vault::of(&[rewrapped, newer], &master(2)).expect("a vault");
        assert_eq!(read(&later, "test+jwt", 1, &text), Ok(said()));
        let again = later.sign_statement("test+jwt", &said()).expect("signed");
        assert!(matches!(read(&vault, "test+jwt", 1, &again), Err(StatementError::UnknownKey(_))));

        // Whoever brings a key along is not believed.
        let stranger =
            Vault::of(&[generate(&master(1), 0).expect("a data key")], &master(1)).expect("a vault");
        let forged = stranger.sign_statement("test+jwt", &said()).expect("signed");
        assert!(matches!(read(&vault, "test+jwt", 1, &forged), Err(StatementError::UnknownKey(_))));
        let parts: Vec<&str> = text.split('.').collect();
        let others: Vec<&str> = forged.split('.').collect();
        let mixed = format!("{}.{}.{}", parts[0], parts[1], others[2]);
        assert_eq!(read(&vault, "test+jwt", 1, &mixed), Err(StatementError::Forged));
        let changed = BASE64_URL_SAFE_NO_PAD
            .encode(serde_json::to_vec(&Said { what: "not so".into(), ..said() }).expect("JSON"));
        assert_eq!(
            read(&vault, "test+jwt", 1, &format!("{}.{changed}.{}", parts[0], parts[2])),
            Err(StatementError::Forged)
        );
    }

    /// Any library can check one by what its header has with it.
    #[test]
    fn the_header_has_the_key_under_its_thumbprint() {
        let vault = crate::vault::tests::vault(1);
        let text = vault.sign_statement("test+jwt", &said()).expect("signed");
        let header = jsonwebtoken::decode_header(&text).expect("a header");
        let jwk = header.jwk.expect("a key");
        assert_eq!(
            jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).expect("a thumbprint"),
            header.kid.expect("an id")
        );
        let key = DecodingKey::from_jwk(&jwk).expect("a public key");
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims::<&str>(&[]);
        validation.validate_exp = false;
        assert_eq!(jsonwebtoken::decode::<Said>(&text, &key, &validation).expect("verified").claims, said());
    }
}
