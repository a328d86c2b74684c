//! Ed25519 signing keys: made at first start, kept encrypted under the master key.

use std::collections::HashMap;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest, Sha256};
use store::{Store, platform::SigningKey};

use crate::{MasterKey, master_key::MasterKeyError};

/// State of the key that signs.
const ACTIVE: &str = "active";

/// The keys of an installation, decrypted: one signs, all verify.
pub(crate) struct KeyRing {
    /// Key id of the signing key, for the token's header.
    pub(crate) kid: String,
    /// Signs.
    pub(crate) signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
}

impl KeyRing {
    /// Loads all keys, making the first one.
    pub(crate) async fn load(store: &Store, master_key: &MasterKey) -> Result<Self, MasterKeyError> {
        let unreadable =
            |error| MasterKeyError(format!("The signing keys cannot be read from the database: {error}"));
        let platform = store.platform();
        let mut rows = platform.signing_keys().await.map_err(unreadable)?;
        if !rows.iter().any(|row| row.state == ACTIVE) {
            let row = generate(master_key, store.now())?;
            let active = platform.ensure_signing_key(&row).await.map_err(unreadable)?;
            rows.push(active);
        }
        Self::from_rows(&rows, master_key)
    }

    /// Decrypts the rows. The public halves are computed from the private ones, so that a row that somebody changed in
    /// the database cannot make us trust another's key.
    fn from_rows(rows: &[SigningKey], master_key: &MasterKey) -> Result<Self, MasterKeyError> {
        let mut verifying = HashMap::new();
        let mut active = None;
        for row in rows {
            let pkcs8 = open(row, master_key)?;
            let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| damaged(row))?;
            let public = pair.public_key().as_ref();
            if public != row.public_key {
                return Err(damaged(row));
            }
            verifying.insert(row.kid.clone(), DecodingKey::from_ed_der(public));
            if row.state == ACTIVE {
                active = Some((row.kid.clone(), EncodingKey::from_ed_der(&pkcs8)));
            }
        }
        let (kid, signing) =
            active.ok_or_else(|| MasterKeyError("The database has no active signing key.".into()))?;
        Ok(Self { kid, signing, verifying })
    }

    /// The public key of a key id.
    pub(crate) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid)
    }

    /// A ring with one fresh key.
    #[cfg(test)]
    pub(crate) fn fresh(master_key: &MasterKey) -> (Self, SigningKey) {
        let row = generate(master_key, 0).expect("a key");
        (Self::from_rows(std::slice::from_ref(&row), master_key).expect("a ring"), row)
    }
}

/// A new key pair; the key id is a digest of the public half.
fn generate(master_key: &MasterKey, now: i64) -> Result<SigningKey, MasterKeyError> {
    let failed = || MasterKeyError("A signing key cannot be made.".into());
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| failed())?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| failed())?;
    let public_key = pair.public_key().as_ref().to_vec();
    let kid: String = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&public_key)).chars().take(16).collect();
    let private_key_encrypted = master_key.encrypt(pkcs8.as_ref(), &context(&kid))?;
    Ok(SigningKey { kid, public_key, private_key_encrypted, state: ACTIVE.into(), created_at: now })
}

fn open(row: &SigningKey, master_key: &MasterKey) -> Result<Zeroizing<Vec<u8>>, MasterKeyError> {
    master_key.decrypt(&row.private_key_encrypted, &context(&row.kid)).map(Zeroizing::new).map_err(|_| {
        MasterKeyError(format!(
            "The master key is not the one that the signing key {} was encrypted under. Restore the former \
             ROLLCALL_MASTER_KEY, or the former file master.key in the data folder.",
            row.kid
        ))
    })
}

fn damaged(row: &SigningKey) -> MasterKeyError {
    MasterKeyError(format!(
        "The signing key {} in the database does not hold together. Restore the table of signing keys from a backup.",
        row.kid
    ))
}

fn context(kid: &str) -> String {
    format!("signing-key:{kid}")
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn master(byte: u8) -> MasterKey {
        MasterKey::from_base64(&BASE64_STANDARD.encode([byte; 32])).expect("a master key")
    }

    fn text(result: Result<KeyRing, MasterKeyError>) -> String {
        result.err().map(|error| error.0).unwrap_or_default()
    }

    #[test]
    fn a_key_is_read_back_under_its_master_key_only() {
        let row = generate(&master(1), 7).expect("a key");
        assert_eq!((row.public_key.len(), row.kid.len(), row.created_at), (32, 16, 7));
        let ring = KeyRing::from_rows(std::slice::from_ref(&row), &master(1)).expect("a ring");
        assert_eq!(ring.kid, row.kid);
        assert!(ring.verifying(&row.kid).is_some() && ring.verifying("other").is_none());
        let refused = text(KeyRing::from_rows(&[row], &master(2)));
        assert!(refused.contains("ROLLCALL_MASTER_KEY") && refused.contains("master.key"), "{refused}");
    }

    #[test]
    fn a_row_that_was_tampered_with_is_refused() {
        let (mine, theirs) =
            (generate(&master(1), 0).expect("a key"), generate(&master(1), 0).expect("a key"));
        let swapped = SigningKey { public_key: theirs.public_key, ..mine.clone() };
        assert!(text(KeyRing::from_rows(&[swapped], &master(1))).contains("does not hold together"));
        let renamed = SigningKey { kid: theirs.kid, ..mine };
        assert!(text(KeyRing::from_rows(&[renamed], &master(1))).contains("Restore"));
        assert!(text(KeyRing::from_rows(&[], &master(1))).contains("no active signing key"));
    }

    #[test]
    fn a_retired_key_verifies_and_does_not_sign() {
        let active = generate(&master(1), 1).expect("a key");
        let retired = SigningKey { state: "retired".into(), ..generate(&master(1), 0).expect("a key") };
        let ring = KeyRing::from_rows(&[retired.clone(), active.clone()], &master(1)).expect("a ring");
        assert_eq!(ring.kid, active.kid);
        assert!(ring.verifying(&retired.kid).is_some());
    }
}
