//! What people do with the keys: look at them, rotate those that sign, wrap data keys anew.

use store::{
    ChangeContext, Store, StoreError,
    keys::{KeyState, Rewrapping, Rotation, SigningKey},
};
use uuid::Uuid;

use crate::{
    MasterKey, TokenService,
    jwks::PublishedKeys,
    keys, lost,
    master_key::MasterKeyError,
    signing::Keys,
    vault::{self, Vault, unreadable},
};

/// How long others may keep the published keys, in seconds; what `Cache-Control` says of them.
pub const PUBLISHED_FOR: i64 = 300;
/// How often the data keys may change while they are wrapped anew.
const ATTEMPTS: usize = 5;

/// A signing key, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Key id.
    pub kid: String,
    /// What it does.
    pub state: KeyState,
    /// Milliseconds.
    pub created_at: i64,
    /// Since when it signs or has signed, in milliseconds.
    pub active_at: Option<i64>,
    /// Until when it signed, in milliseconds.
    pub retired_at: Option<i64>,
    /// Its last token ends within the hour before, in milliseconds: then it is removed if it is retired. 0: it has
    /// signed nothing.
    pub covers_until: i64,
    /// Tokens of tenants that it signed, and that are neither revoked nor expired.
    pub live_tokens: u64,
}

/// What a rotation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    /// The key that signs now.
    pub active: String,
    /// The key that signed before.
    pub retired: String,
    /// The key after that.
    pub next: String,
    /// The key that signs now was published less than [`PUBLISHED_FOR`] ago: who keeps the published keys for so long
    /// refuses its tokens until they are fetched again.
    pub hasty: bool,
}

/// Why the keys were not rotated.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Another key signs than the one that was asked for, or somebody else has rotated at the same time.
    #[error("the keys were rotated meanwhile, {0} signs now: look at the list before you rotate again")]
    Overtaken(String),
    /// A new key cannot be made.
    #[error(transparent)]
    Keys(#[from] MasterKeyError),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the data keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    /// How many there are.
    pub all: usize,
    /// How many were wrapped by a former master key.
    pub changed: usize,
}

impl TokenService {
    /// `iss` and `aud` of every token: the installation's id.
    #[must_use]
    pub fn issuer(&self) -> Uuid {
        self.inner.installation
    }

    /// Seals what has to be kept secret and read again.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        self.inner.keys.vault()
    }

    /// The public keys that verify tokens: of the key that signs, the next one, and those that have signed.
    pub async fn published_keys(&self) -> PublishedKeys {
        self.inner.keys.fresh().await.published.clone()
    }

    /// All signing keys: the one that signs, the next one, then those that have signed, the newest first.
    pub async fn signing_keys(&self) -> Result<Vec<KeyInfo>, StoreError> {
        let platform = self.inner.store.platform();
        let mut live = platform.live_tokens_by_key().await?;
        let rows = platform.signing_keys().await?.into_iter();
        let mut keys: Vec<KeyInfo> = rows.map(|row| info(row, &mut live)).collect();
        keys.sort_by_key(|key| {
            let place = match key.state {
                KeyState::Active => 0,
                KeyState::Next => 1,
                KeyState::Retired => 2,
            };
            (place, -key.retired_at.unwrap_or_default())
        });
        Ok(keys)
    }

    /// The next key signs from now on, the one that signed is retired and its private half destroyed, and there is a new
    /// next one. Tokens stay as they are. `expected`: only if this key signs. Of several at once one is carried out, and
    /// the others are [`KeyError::Overtaken`].
    pub async fn rotate_keys(
        &self,
        expected: Option<&str>,
        context: &ChangeContext,
    ) -> Result<KeyRotation, KeyError> {
        let store = &self.inner.store;
        let rows = store.platform().signing_keys().await?;
        let row = |state| rows.iter().find(|row| row.state == state);
        let (Some(active), Some(next)) = (row(KeyState::Active), row(KeyState::Next)) else {
            let text = "there is no active or no next signing key; start the server again, which makes what is missing";
            return Err(StoreError::Setup(text.into()).into());
        };
        if expected.is_some_and(|expected| expected != active.kid) {
            return Err(KeyError::Overtaken(active.kid.clone()));
        }
        let now = store.now();
        // Neither may become or stay what verifies if it is not ours.
        keys::open(active, self.vault())?;
        keys::open(next, self.vault())?;
        let rotation = Rotation {
            active: active.kid.clone(),
            active_sealed: keys::retired_seal(active, self.vault())?,
            next: next.kid.clone(),
            new_next: keys::generate(KeyState::Next, self.vault(), now)?,
        };
        if !store.platform().rotate_signing_keys(&rotation, context).await? {
            let now_active = self.inner.keys.fresh().await;
            let kid = now_active.row(KeyState::Active).map_or_else(String::new, |row| row.kid.clone());
            return Err(KeyError::Overtaken(kid));
        }
        let Rotation { active: retired, next: active, new_next, .. } = rotation;
        tracing::info!(kid = active, retired, actor = context.actor.name, "rotated the signing keys");
        let hasty = now.saturating_sub(next.created_at) < PUBLISHED_FOR * 1000;
        Ok(KeyRotation { active, retired, next: new_next.kid, hasty })
    }

    /// Removes retired keys whose last token has ended; gives their ids.
    pub async fn remove_ended_keys(&self) -> Result<Vec<String>, StoreError> {
        self.inner.store.platform().remove_ended_signing_keys().await
    }
}

fn info(row: SigningKey, live: &mut std::collections::BTreeMap<String, u64>) -> KeyInfo {
    KeyInfo {
        live_tokens: live.remove(&row.kid).unwrap_or_default(),
        kid: row.kid,
        state: row.state,
        created_at: row.created_at,
        active_at: row.active_at,
        retired_at: row.retired_at,
        covers_until: row.covers_until,
    }
}

/// Wraps all data keys by this master key, whose former one opens those that it does not itself: all or none. Called
/// again it finds nothing to do. What was sealed before there were data keys is sealed under one first.
pub async fn rewrap_keys(
    store: &Store,
    master: &MasterKey,
    context: &ChangeContext,
) -> Result<Rewrapped, MasterKeyError> {
    let vault = Vault::unlock_quietly(store, master).await?;
    Keys::load(store.clone(), vault).await?;
    let platform = store.platform();
    for _ in 0..ATTEMPTS {
        let rows = platform.data_keys().await.map_err(unreadable)?;
        let (mut all, mut changed) = (Vec::new(), 0);
        for row in rows {
            let bound_to = vault::context(row.id);
            let mut after = row.wrapped.clone();
            if !master.is_current(&row.wrapped, &bound_to) {
                let what = || lost::explained(&format!("the data key {}", row.id));
                after = master
                    .encrypt(&master.decrypt(&row.wrapped, &bound_to).map_err(|_| what())?, &bound_to)?;
                changed += 1;
            }
            all.push(Rewrapping { id: row.id, before: row.wrapped, after });
        }
        if changed == 0 || platform.rewrap_data_keys(&all, context).await.map_err(unreadable)? {
            return Ok(Rewrapped { all: all.len(), changed });
        }
    }
    Err(MasterKeyError(
        "Somebody else is changing the data keys at the same time. Nothing was changed; try again.".into(),
    ))
}

#[cfg(test)]
#[path = "custody_tests.rs"]
mod tests;
