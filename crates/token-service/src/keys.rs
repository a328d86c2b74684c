//! Ed25519 signing keys, opened: one signs, one is next, and those that have signed verify.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest, Sha256};
use store::keys::{KeyState, SigningKey};

use crate::{
    jwks::PublishedKeys,
    lost,
    master_key::MasterKeyError,
    vault::{Vault, VaultError},
};

/// The keys of an installation at one moment.
pub(crate) struct KeyRing {
    /// The store's epoch, read before the rows were; raised when they turn out to be the same.
    pub(crate) epoch: AtomicU64,
    /// What it was made of.
    pub(crate) rows: Vec<SigningKey>,
    /// Signs; `None` only when somebody else has made a key that cannot be opened here.
    pub(crate) signing: Option<Signing>,
    /// All public keys for others.
    pub(crate) published: PublishedKeys,
    verifying: HashMap<String, DecodingKey>,
}

/// The key that signs.
pub(crate) struct Signing {
    /// Key id, for the token's header.
    pub(crate) kid: String,
    /// Private half.
    pub(crate) key: EncodingKey,
    /// As in [`SigningKey::covers_until`].
    pub(crate) covers_until: AtomicI64,
}

impl KeyRing {
    /// Opens the rows. What is trusted comes out of the vault: the public half of a key that signs or will sign is
    /// computed from its private one, that of a retired key was sealed when the private one was destroyed. So a row that
    /// somebody changed in the database cannot make us trust another's key.
    pub(crate) fn of(rows: Vec<SigningKey>, vault: &Vault, epoch: u64) -> Result<Self, MasterKeyError> {
        let ring = Self::assemble(rows, epoch, |row| Ok(Some(open(row, vault)?)))?;
        if ring.signing.is_none() {
            return Err(MasterKeyError("The database has no active signing key.".into()));
        }
        Ok(ring)
    }

    /// Of those rows that this ring has opened already. The others were made under another master key: their tokens are
    /// refused, since nothing tells that they are ours.
    pub(crate) fn what_remains(&self, rows: Vec<SigningKey>, epoch: u64) -> Result<Self, MasterKeyError> {
        Self::assemble(rows, epoch, |row| {
            let same = |known: &&SigningKey| known.kid == row.kid && known.public_key == row.public_key;
            let known = self.rows.iter().find(same).filter(|known| self.verifying.contains_key(&known.kid));
            let signs = self.signing.as_ref().filter(|signing| signing.kid == row.kid);
            Ok(known.map(|known| Opened {
                public: known.public_key.clone(),
                signing: signs.map(|signing| signing.key.clone()),
            }))
        })
    }

    fn assemble(
        rows: Vec<SigningKey>,
        epoch: u64,
        opened: impl Fn(&SigningKey) -> Result<Option<Opened>, MasterKeyError>,
    ) -> Result<Self, MasterKeyError> {
        let (mut verifying, mut trusted, mut signing) = (HashMap::new(), Vec::new(), None);
        for row in &rows {
            let Some(opened) = opened(row)? else { continue };
            verifying.insert(row.kid.clone(), DecodingKey::from_ed_der(&opened.public));
            trusted.push(row);
            if let (KeyState::Active, Some(key)) = (row.state, opened.signing) {
                let covers_until = AtomicI64::new(row.covers_until);
                signing = Some(Signing { kid: row.kid.clone(), key, covers_until });
            }
        }
        let published = PublishedKeys::of(&trusted);
        Ok(Self { epoch: AtomicU64::new(epoch), signing, published, verifying, rows })
    }

    /// The public key of a key id.
    pub(crate) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid)
    }

    /// The row in this state.
    pub(crate) fn row(&self, state: KeyState) -> Option<&SigningKey> {
        self.rows.iter().find(|row| row.state == state)
    }

    /// Is it as new as this epoch?
    pub(crate) fn is_of(&self, epoch: u64) -> bool {
        self.epoch.load(Ordering::SeqCst) >= epoch
    }

    /// An active key and the next one, for an installation without any.
    pub(crate) fn first_keys(vault: &Vault, now: i64) -> Result<[SigningKey; 2], MasterKeyError> {
        Ok([generate(KeyState::Active, vault, now)?, generate(KeyState::Next, vault, now)?])
    }

    /// A ring with one fresh key.
    #[cfg(test)]
    pub(crate) fn fresh(vault: &Vault) -> (Self, SigningKey) {
        let row = generate(KeyState::Active, vault, 0).expect("a key");
        (Self::of(vec![row.clone()], vault, 0).expect("a ring"), row)
    }
}

/// What the vault had of a key.
pub(crate) struct Opened {
    /// Raw public key.
    public: Vec<u8>,
    /// Of a key that signs or will sign.
    signing: Option<EncodingKey>,
}

/// A new key pair; the key id is a digest of the public half.
pub(crate) fn generate(state: KeyState, vault: &Vault, now: i64) -> Result<SigningKey, MasterKeyError> {
    let failed = || MasterKeyError("A signing key cannot be made.".into());
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| failed())?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| failed())?;
    let public_key = pair.public_key().as_ref().to_vec();
    let kid: String = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&public_key)).chars().take(16).collect();
    Ok(SigningKey {
        sealed: vault.seal(pkcs8.as_ref(), &private_context(&kid)).map_err(in_words)?,
        kid,
        public_key,
        state,
        created_at: now,
        active_at: (state == KeyState::Active).then_some(now),
        retired_at: None,
        covers_until: 0,
    })
}

/// Opens a row; the error says whether the master key is another one, or the row was changed.
pub(crate) fn open(row: &SigningKey, vault: &Vault) -> Result<Opened, MasterKeyError> {
    let opened = open_as_it_is(row, vault).map_err(|_| match vault.knows(&row.sealed) {
        true => damaged(row),
        false => lost::explained(&format!("the signing key {}", row.kid)),
    })?;
    if opened.public != row.public_key {
        return Err(damaged(row));
    }
    Ok(opened)
}

fn open_as_it_is(row: &SigningKey, vault: &Vault) -> Result<Opened, VaultError> {
    if row.state == KeyState::Retired {
        let public = vault.open(&row.sealed, &public_context(&row.kid))?;
        return Ok(Opened { public: public.to_vec(), signing: None });
    }
    let pkcs8 = private_half(row, vault)?;
    let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| VaultError("no PKCS #8".into()))?;
    let public = pair.public_key().as_ref().to_vec();
    Ok(Opened { public, signing: Some(EncodingKey::from_ed_der(&pkcs8)) })
}

fn private_half(row: &SigningKey, vault: &Vault) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    vault.open(&row.sealed, &private_context(&row.kid))
}

/// A row from before data keys, sealed under one; `None`: it is already.
pub(crate) fn resealed(row: &SigningKey, vault: &Vault) -> Result<Option<Vec<u8>>, MasterKeyError> {
    if !Vault::is_outdated(&row.sealed) {
        return Ok(None);
    }
    let context = private_context(&row.kid);
    let plain = vault.open(&row.sealed, &context).map_err(in_words)?;
    vault.seal(&plain, &context).map(Some).map_err(in_words)
}

/// What stays sealed of a key that signs no more: the public half alone.
pub(crate) fn retired_seal(row: &SigningKey, vault: &Vault) -> Result<Vec<u8>, MasterKeyError> {
    vault.seal(&row.public_key, &public_context(&row.kid)).map_err(in_words)
}

fn in_words(error: VaultError) -> MasterKeyError {
    MasterKeyError(error.0)
}

fn damaged(row: &SigningKey) -> MasterKeyError {
    MasterKeyError(format!(
        "The signing key {} in the database does not hold together. Restore the table of signing keys from a backup.",
        row.kid
    ))
}

fn private_context(kid: &str) -> String {
    format!("signing-key:{kid}")
}

fn public_context(kid: &str) -> String {
    format!("retired-signing-key:{kid}")
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
