//! Seals what has to be kept secret and read again (private keys, bind passwords, webhook secrets): under a data key,
//! which is itself wrapped by the master key. Whoever changes the master key wraps a few bytes anew, not every secret.
//!
//! A sealed text is the version (2), the data key's id, a nonce, the ciphertext and its tag. Version 1 was encrypted by the
//! master key itself, before there were data keys; it is still read.

use std::{collections::HashMap, sync::Arc};

use secrecy::zeroize::Zeroizing;
use store::{Platform, Store, keys::DataKey};
use uuid::Uuid;

use crate::{
    MasterKey, lost,
    master_key::{self, MasterKeyError},
    sealing::{self, Sealer},
    statements::StatementKeys,
};

/// First byte of what is sealed under a data key.
const VERSION: u8 = 2;
/// Length of a data key's id in bytes.
const ID_LEN: usize = 16;

/// Seals and opens secrets; cheap to clone. What it needs stays in memory, so it works whether the database does or not.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    master: MasterKey,
    keys: HashMap<Uuid, Sealer>,
    /// The one that seals; `None` in a database without any yet.
    current: Option<(Uuid, Sealer)>,
    /// How many data keys are still wrapped by a former master key.
    outdated: usize,
    statements: StatementKeys,
}

/// Why something cannot be sealed or opened; the text is for the log and names the context, never the content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VaultError(pub String);

impl Vault {
    /// Unwraps the data keys, making the first one; fails when the master key is not the one they were wrapped by (the
    /// text says what to do).
    pub async fn unlock(store: &Store, master: &MasterKey) -> Result<Self, MasterKeyError> {
        let vault = Self::unlock_quietly(store, master).await?;
        if vault.inner.outdated > 0 {
            tracing::warn!(
                "data keys are still wrapped by a former master key: run `rollcall key rewrap`, then take \
                 ROLLCALL_FORMER_MASTER_KEY away"
            );
        }
        Ok(vault)
    }

    /// As [`Vault::unlock`], without a word about a former master key.
    pub(crate) async fn unlock_quietly(store: &Store, master: &MasterKey) -> Result<Self, MasterKeyError> {
        let platform = store.platform();
        let mut rows = platform.data_keys().await.map_err(unreadable)?;
        if rows.is_empty() {
            prove(&platform, master).await?;
            let first = generate(master, store.now())?;
            rows.push(platform.ensure_data_key(&first).await.map_err(unreadable)?);
        }
        Self::of(&rows, master)
    }

    /// Of these data keys, oldest first.
    pub(crate) fn of(rows: &[DataKey], master: &MasterKey) -> Result<Self, MasterKeyError> {
        let (mut keys, mut current, mut outdated) = (HashMap::new(), None, 0);
        let mut statements = StatementKeys::default();
        for row in rows {
            let context = context(row.id);
            let bytes = master.decrypt(&row.wrapped, &context);
            let bytes = bytes.map_err(|_| lost::explained(&format!("the data key {}", row.id)))?;
            let sealer = Sealer::new(&bytes).ok_or_else(|| {
                MasterKeyError(format!("The data key {} is not usable for AES-256-GCM.", row.id))
            })?;
            outdated += usize::from(!master.is_current(&row.wrapped, &context));
            statements.add(&bytes);
            keys.insert(row.id, sealer.clone());
            current = Some((row.id, sealer));
        }
        Ok(Self { inner: Arc::new(Inner { master: master.clone(), keys, current, outdated, statements }) })
    }

    /// Seals; `context` (what, where) is authenticated with it, so that it opens nowhere else.
    pub fn seal(&self, plain: &[u8], context: &str) -> Result<Vec<u8>, VaultError> {
        let failed = || VaultError(format!("{context} cannot be sealed"));
        let (id, sealer) = self.inner.current.as_ref().ok_or_else(failed)?;
        let mut head = vec![VERSION];
        head.extend_from_slice(id.as_bytes());
        sealer.seal(&head, plain, context).ok_or_else(failed)
    }

    /// Opens; fails for another context, a changed text, or a data key that is gone.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let changed =
            || VaultError(format!("{context} cannot be opened: it was changed, or belongs elsewhere"));
        match sealed.split_first() {
            Some((&master_key::VERSION, _)) => {
                self.inner.master.decrypt(sealed, context).map_err(|error| VaultError(error.0))
            }
            Some((&VERSION, rest)) => {
                let (id, text) = rest.split_at_checked(ID_LEN).ok_or_else(changed)?;
                let id = Uuid::from_slice(id).map_err(|_| changed())?;
                let sealer = self.inner.keys.get(&id).ok_or_else(|| {
                    VaultError(format!(
                        "{context} was sealed under the data key {id}, which this installation does not have: enter \
                         the secret anew"
                    ))
                })?;
                sealer.open(text, context).ok_or_else(changed)
            }
            _ => Err(changed()),
        }
    }

    /// Was it sealed before there were data keys, and is to be sealed anew?
    #[must_use]
    pub fn is_outdated(sealed: &[u8]) -> bool {
        sealed.first() == Some(&master_key::VERSION)
    }

    /// Was it sealed under a data key that is here?
    pub(crate) fn knows(&self, sealed: &[u8]) -> bool {
        let id = sealed.strip_prefix(&[VERSION]).and_then(|rest| Uuid::from_slice(rest.get(..ID_LEN)?).ok());
        id.is_some_and(|id| self.inner.keys.contains_key(&id))
    }

    /// What signs statements, and reads those that were signed.
    pub(crate) fn statement_keys(&self) -> &StatementKeys {
        &self.inner.statements
    }

    /// Number of data keys, and how many of them are still wrapped by a former master key.
    #[must_use]
    pub fn data_keys(&self) -> (usize, usize) {
        (self.inner.keys.len(), self.inner.outdated)
    }
}

/// A new data key.
pub(crate) fn generate(master: &MasterKey, now: i64) -> Result<DataKey, MasterKeyError> {
    let bytes =
        sealing::random_key().ok_or_else(|| MasterKeyError("The system gives no random numbers.".into()))?;
    let id = Uuid::now_v7();
    Ok(DataKey { id, wrapped: master.encrypt(&bytes[..], &context(id))?, created_at: now })
}

/// What the wrapping of a data key is bound to.
pub(crate) fn context(id: Uuid) -> String {
    format!("data-key:{id}")
}

/// In a database from before data keys: opens this master key what is there? Otherwise the first data key would be
/// wrapped by the wrong one, and the right one could not open it later.
async fn prove(platform: &Platform, master: &MasterKey) -> Result<(), MasterKeyError> {
    let vault = Vault::of(&[], master)?;
    for row in platform.signing_keys().await.map_err(unreadable)? {
        crate::keys::open(&row, &vault)?;
    }
    Ok(())
}

pub(crate) fn unreadable(error: store::StoreError) -> MasterKeyError {
    MasterKeyError(format!("The keys cannot be read from the database: {error}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    pub(crate) fn master(byte: u8) -> MasterKey {
        MasterKey::from_base64(&BASE64_STANDARD.encode([byte; sealing::KEY_LEN])).expect("a master key")
    }

    /// A vault with one data key under the master key of this byte.
    pub(crate) fn vault(byte: u8) -> Vault {
        Vault::of(&[generate(&master(byte), 0).expect("a data key")], &master(byte)).expect("a vault")
    }

    #[test]
    fn only_the_same_vault_and_context_open_it() {
        let mine = vault(1);
        let sealed = mine.seal(b"secret", "webhook:1").expect("sealed");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(**mine.open(&sealed, "webhook:1").expect("opened"), *b"secret");
        assert!(mine.open(&sealed, "webhook:2").is_err_and(|error| error.0.contains("webhook:2")));
        let elsewhere = vault(1).open(&sealed, "webhook:1").map(|_| ());
        assert!(elsewhere.is_err_and(|error| error.0.contains("enter the secret anew")));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(mine.open(&changed, "webhook:1").is_err(), "byte {at}");
            assert!(mine.open(&sealed[..at], "webhook:1").is_err(), "cut at {at}");
        }
        assert_ne!(sealed, mine.seal(b"secret", "webhook:1").expect("sealed"), "no nonce twice");
        assert_eq!(**mine.open(&mine.seal(b"", "c").expect("sealed"), "c").expect("opened"), *b"");
    }

    #[test]
    fn a_data_key_outlives_its_master_key() {
        let row = generate(&master(1), 0).expect("a data key");
        let before = Vault::of(std::slice::from_ref(&row), &master(1)).expect("a vault");
        let sealed = before.seal(b"secret", "c").expect("sealed");
        let refused = Vault::of(std::slice::from_ref(&row), &master(2)).map(|_| ());
        let text = refused.expect_err("another master key").0;
        assert!(text.contains("ROLLCALL_MASTER_KEY") && text.contains(&row.id.to_string()), "{text}");

        let both = master(2).with_former(master(1));
        let changing = Vault::of(std::slice::from_ref(&row), &both).expect("a vault");
        assert_eq!((before.data_keys(), changing.data_keys()), ((1, 0), (1, 1)));
        let bytes = both.decrypt(&row.wrapped, &context(row.id)).expect("unwrapped");
        let row = DataKey { wrapped: both.encrypt(&bytes, &context(row.id)).expect("wrapped"), ..row };
        let after = Vault::of(&[row], &master(2)).expect("a vault");
        assert_eq!(**after.open(&sealed, "c").expect("opened"), *b"secret");
    }

    #[test]
    fn the_newest_data_key_seals_and_all_open() {
        let rows =
            [generate(&master(1), 0).expect("a data key"), generate(&master(1), 1).expect("a data key")];
        let old = Vault::of(&rows[..1], &master(1)).expect("a vault");
        let both = Vault::of(&rows, &master(1)).expect("a vault");
        let (first, second) = (old.seal(b"x", "c").expect("sealed"), both.seal(b"y", "c").expect("sealed"));
        assert_eq!(**both.open(&first, "c").expect("opened"), *b"x");
        assert!(old.open(&second, "c").is_err());
    }

    #[test]
    fn what_the_master_key_itself_encrypted_is_read() {
        let first = master(1).encrypt(b"secret", "c").expect("encrypted");
        assert_eq!(**vault(1).open(&first, "c").expect("opened"), *b"secret");
        assert!(vault(2).open(&first, "c").is_err());
        assert!(Vault::is_outdated(&first));
        assert!(!Vault::is_outdated(&vault(1).seal(b"secret", "c").expect("sealed")));
    }
}
