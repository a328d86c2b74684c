//! The master key: it wraps the data keys, under which everything else is sealed (AES-256-GCM).

use aws_lc_rs::hmac;
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::zeroize::Zeroizing;

use crate::sealing::{KEY_LEN, Sealer};

/// What the key of fingerprints is derived for.
const FINGERPRINTS: &[u8] = b"rollcall fingerprints of what was refused";

/// First byte of what the master key itself encrypted (version, nonce, ciphertext, tag).
pub(crate) const VERSION: u8 = 1;

/// 32 bytes; never shown. While it is being changed, it opens what a former one encrypted as well.
#[derive(Clone)]
pub struct MasterKey {
    current: Sealer,
    former: Vec<Sealer>,
    fingerprints: hmac::Key,
}

/// Why a master key cannot be used; the text says how to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MasterKeyError(pub String);

impl MasterKey {
    /// From base64 of 32 bytes (standard or URL-safe, with or without padding).
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
        let bytes = GeneralPurpose::new(alphabet, config).decode(text.trim()).map(Zeroizing::new);
        match bytes {
            Ok(bytes) if bytes.len() == KEY_LEN => Self::from_bytes(&bytes),
            _ => Err(MasterKeyError(
                "The master key is not base64 of 32 bytes; make one with `openssl rand -base64 32`.".into(),
            )),
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, MasterKeyError> {
        let fingerprints = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), FINGERPRINTS);
        let fingerprints = hmac::Key::new(hmac::HMAC_SHA256, fingerprints.as_ref());
        Sealer::new(bytes)
            .map(|current| Self { current, former: Vec::new(), fingerprints })
            .ok_or_else(|| MasterKeyError("The master key is not usable for AES-256-GCM.".into()))
    }

    /// The same key; what `former` encrypted can be read too, and nothing is encrypted under that any more.
    #[must_use]
    pub fn with_former(mut self, former: Self) -> Self {
        self.former.push(former.current);
        self.former.extend(former.former);
        self
    }

    /// A key of its own, the same in every node, for digests of what strangers send.
    pub(crate) fn fingerprints(&self) -> hmac::Key {
        self.fingerprints.clone()
    }

    /// Encrypts; `context` (what, where) is authenticated with it.
    pub(crate) fn encrypt(&self, plain: &[u8], context: &str) -> Result<Vec<u8>, MasterKeyError> {
        let sealed = self.current.seal(&[VERSION], plain, context);
        sealed.ok_or_else(|| MasterKeyError(format!("{context} cannot be encrypted.")))
    }

    /// Decrypts; fails on another key, another context, or a changed text.
    pub(crate) fn decrypt(&self, sealed: &[u8], context: &str) -> Result<Zeroizing<Vec<u8>>, MasterKeyError> {
        let keys = std::iter::once(&self.current).chain(&self.former);
        open(keys, sealed, context).ok_or_else(|| {
            MasterKeyError(format!(
                "{context} cannot be decrypted: it was encrypted under another master key, or was changed."
            ))
        })
    }

    /// Was it encrypted under this key itself, and not a former one?
    pub(crate) fn is_current(&self, sealed: &[u8], context: &str) -> bool {
        open(std::iter::once(&self.current), sealed, context).is_some()
    }
}

fn open<'a>(
    mut keys: impl Iterator<Item = &'a Sealer>,
    sealed: &[u8],
    context: &str,
) -> Option<Zeroizing<Vec<u8>>> {
    let (&VERSION, text) = sealed.split_first()? else { return None };
    keys.find_map(|key| key.open(text, context))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::NONCE_LEN;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_base64(&BASE64_STANDARD.encode([byte; KEY_LEN])).expect("a key")
    }

    fn opened(key: &MasterKey, sealed: &[u8]) -> Vec<u8> {
        key.decrypt(sealed, "c").expect("decrypted").to_vec()
    }

    #[test]
    fn base64_in_all_its_forms() {
        // 0xff bytes have `/` in the one alphabet and `_` in the other.
        let standard = BASE64_STANDARD.encode([0xff_u8; KEY_LEN]);
        let url_safe = standard.replace('/', "_");
        let sealed = key(0xff).encrypt(b"x", "c").expect("encrypted");
        for text in [
            standard.as_str(),
            standard.trim_end_matches('='),
            url_safe.as_str(),
            url_safe.trim_end_matches('='),
            &format!(" {standard}\n"),
        ] {
            assert_eq!(opened(&MasterKey::from_base64(text).expect("a key"), &sealed), b"x");
        }
        for text in ["", "abc", "not base64!", &BASE64_STANDARD.encode([1_u8; 31])] {
            assert!(
                MasterKey::from_base64(text).is_err_and(|error| error.0.contains("openssl rand")),
                "{text:?}"
            );
        }
    }

    #[test]
    fn only_the_same_key_and_context_open_it() {
        let sealed = key(1).encrypt(b"secret", "c").expect("encrypted");
        assert_eq!(sealed.len(), 1 + NONCE_LEN + 6 + 16);
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(opened(&key(1), &sealed), b"secret");
        assert!(key(2).decrypt(&sealed, "c").is_err());
        assert!(key(1).decrypt(&sealed, "d").is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key(1).decrypt(&changed, "c").is_err(), "byte {at}");
            assert!(key(1).decrypt(&sealed[..at], "c").is_err(), "cut at {at}");
        }
    }

    #[test]
    fn two_texts_never_share_a_nonce() {
        let first = key(1).encrypt(b"same", "c").expect("encrypted");
        assert_ne!(first, key(1).encrypt(b"same", "c").expect("encrypted"));
    }

    #[test]
    fn a_former_key_opens_and_encrypts_nothing() {
        let old = key(1).encrypt(b"old", "c").expect("encrypted");
        let both = key(2).with_former(key(1));
        assert_eq!(opened(&both, &old), b"old");
        assert!(!both.is_current(&old, "c"));
        let new = both.encrypt(b"new", "c").expect("encrypted");
        assert!(both.is_current(&new, "c") && key(1).decrypt(&new, "c").is_err());
        assert_eq!(opened(&key(2), &new), b"new");
        // One change may meet another one that was broken off.
        assert_eq!(opened(&key(3).with_former(both), &old), b"old");
    }
}
