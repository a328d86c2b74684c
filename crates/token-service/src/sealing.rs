//! AES-256-GCM as it is used here: a random nonce in front, the context authenticated.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::zeroize::Zeroizing;

/// Length of a key in bytes.
pub(crate) const KEY_LEN: usize = 32;
/// Length of the authentication tag in bytes.
const TAG_LEN: usize = 16;

/// A key that seals and opens; never shown.
#[derive(Clone)]
pub(crate) struct Sealer {
    key: Arc<RandomizedNonceKey>,
}

impl Sealer {
    /// From [`KEY_LEN`] bytes; `None` for any other number.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes).ok().map(|key| Self { key: Arc::new(key) })
    }

    /// `head`, nonce, ciphertext and tag. `None` when the system gives no random numbers.
    pub(crate) fn seal(&self, head: &[u8], plain: &[u8], context: &str) -> Option<Vec<u8>> {
        // Room for the tag, so that growing leaves no copy of the plain text behind.
        let mut text = Vec::with_capacity(plain.len() + TAG_LEN);
        text.extend_from_slice(plain);
        let nonce = self.key.seal_in_place_append_tag(Aad::from(context), &mut text).ok()?;
        Some([head, nonce.as_ref(), &text].concat())
    }

    /// What was sealed, without its head. `None` for another key, another context, or a changed text.
    pub(crate) fn open(&self, sealed: &[u8], context: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self.key.open_in_place(nonce, Aad::from(context), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

/// Random bytes for a key; `None` when the system gives none.
pub(crate) fn random_key() -> Option<Zeroizing<[u8; KEY_LEN]>> {
    let mut bytes = Zeroizing::new([0_u8; KEY_LEN]);
    aws_lc_rs::rand::fill(&mut bytes[..]).ok()?;
    Some(bytes)
}
