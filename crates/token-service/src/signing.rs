//! The signing keys of a running service: loaded at its start, and again when the store's epoch has moved.
//!
//! What is verified from memory never comes here. Whoever needs a key asks [`Keys::fresh`], which costs a comparison of
//! two numbers as long as the epoch stands, and one query when it has moved. So a token with an unknown key id costs at
//! most one query an epoch, however many of them come.

use std::{
    sync::{Arc, PoisonError, RwLock, atomic::Ordering},
    time::{Duration, Instant},
};

use store::{
    Store, StoreError,
    keys::{KeyState, SigningKey},
};

use crate::{
    claims::{self, Claims},
    keys::{self, KeyRing, Signing},
    master_key::MasterKeyError,
    vault::{Vault, unreadable},
};

/// Pause after keys could not be loaded.
const PAUSE: Duration = Duration::from_secs(1);
/// The end of tokens is noted of a key in steps of an hour, in milliseconds: short-lived tokens cost no write each.
const STEP: i64 = 3_600_000;
/// How often a key may turn out to be retired while something is signed.
const ATTEMPTS: usize = 3;

/// See the module.
pub(crate) struct Keys {
    store: Store,
    vault: Vault,
    ring: RwLock<Arc<KeyRing>>,
    /// One loads at a time; what was tried last, and when it failed.
    loading: tokio::sync::Mutex<Option<Instant>>,
}

/// A token that was just signed.
pub(crate) struct Signed {
    /// `rcl_` + JWT.
    pub(crate) token: String,
    /// Id of the key.
    pub(crate) kid: String,
}

impl Keys {
    /// Loads all keys, making those that are missing and sealing those anew that were sealed before there were data keys.
    pub(crate) async fn load(store: Store, vault: Vault) -> Result<Self, MasterKeyError> {
        let epoch = store.epoch();
        let rows = complete(&store, &vault).await?;
        let ring = KeyRing::of(rows, &vault, epoch)?;
        Ok(Self { store, vault, ring: RwLock::new(Arc::new(ring)), loading: tokio::sync::Mutex::default() })
    }

    /// As they were when they were last loaded.
    fn ring(&self) -> Arc<KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As they are, as far as this node knows. When the database does not answer: as they were.
    pub(crate) async fn fresh(&self) -> Arc<KeyRing> {
        let epoch = self.store.epoch();
        let ring = self.ring();
        if ring.is_of(epoch) {
            return ring;
        }
        let mut failed = self.loading.lock().await;
        let ring = self.ring();
        if ring.is_of(epoch) || failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return ring;
        }
        *failed = match self.reload().await {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(%error, "the signing keys cannot be loaded; those from before are used");
                Some(Instant::now())
            }
        };
        self.ring()
    }

    async fn reload(&self) -> Result<(), StoreError> {
        let epoch = self.store.epoch();
        let rows = self.store.platform().signing_keys().await?;
        let before = self.ring();
        if rows == before.rows {
            before.epoch.fetch_max(epoch, Ordering::SeqCst);
            return Ok(());
        }
        let ring = KeyRing::of(rows.clone(), &self.vault, epoch).or_else(|error| {
            tracing::error!(%error, "the signing keys have changed and do not open: start again with the right master key");
            before.what_remains(rows, epoch)
        });
        // What remains of keys that were opened once needs no vault, so it cannot fail.
        if let Ok(ring) = ring {
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        }
        Ok(())
    }

    /// Signs with the active key, which then covers the token's end: it verifies at least as long.
    pub(crate) async fn sign(&self, claims: &Claims) -> Result<Signed, StoreError> {
        let ends_at = claims.exp.saturating_mul(1000);
        let until = ends_at.saturating_add(STEP - 1).div_euclid(STEP).saturating_mul(STEP);
        for _ in 0..ATTEMPTS {
            let ring = self.fresh().await;
            let signing = ring.signing.as_ref().ok_or_else(cannot_sign)?;
            if self.covers(signing, until).await? {
                let token = claims::sign(claims, &signing.kid, &signing.key).ok_or_else(cannot_sign)?;
                return Ok(Signed { token, kid: signing.kid.clone() });
            }
            // Another key signs, and this node has not heard of it yet.
            self.reload().await?;
        }
        Err(StoreError::Setup("the signing keys are changing; try again".into()))
    }

    async fn covers(&self, signing: &Signing, until: i64) -> Result<bool, StoreError> {
        if signing.covers_until.load(Ordering::SeqCst) >= until {
            return Ok(true);
        }
        let covers = self.store.platform().cover_signing_key(&signing.kid, until).await?;
        if covers {
            signing.covers_until.fetch_max(until, Ordering::SeqCst);
        }
        Ok(covers)
    }

    /// Seals and opens.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }
}

fn cannot_sign() -> StoreError {
    StoreError::Setup("there is no signing key that this server can open; `rollcall doctor` says why".into())
}

/// The rows, with an active and a next key among them.
async fn complete(store: &Store, vault: &Vault) -> Result<Vec<SigningKey>, MasterKeyError> {
    let platform = store.platform();
    let mut rows = platform.signing_keys().await.map_err(unreadable)?;
    for state in [KeyState::Active, KeyState::Next] {
        if !rows.iter().any(|row| row.state == state) {
            // What is there must open first: a wrong master key shall add nothing.
            for row in &rows {
                keys::open(row, vault)?;
            }
            let key = keys::generate(state, vault, store.now())?;
            rows.push(platform.ensure_signing_key(&key).await.map_err(unreadable)?);
        }
    }
    for row in &mut rows {
        if let Some(sealed) = keys::resealed(row, vault)? {
            platform.reseal_signing_key(&row.kid, &row.sealed, &sealed).await.map_err(unreadable)?;
            row.sealed = sealed;
        }
    }
    Ok(rows)
}
