//! Keys of the installation: those that sign tokens, and the data keys under which secrets are sealed.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Statement,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Backend, ChangeContext, Platform, StoreError,
    entity::{data_keys, epochs, signing_keys},
    error::unreadable,
    record::Event,
    signals::CONFIGURATION,
    tx::{PlatformTx, limit_statements},
    words::{self, word},
};

/// The word of [`KeyState::Active`].
const ACTIVE: &str = "active";

/// What a signing key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Is published, and signs after the next rotation.
    Next,
    /// Signs.
    Active,
    /// Has signed; verifies until the last of its tokens has ended.
    Retired,
}

/// A key that signs tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Key id, in the token's header.
    pub kid: String,
    /// Raw 32-byte Ed25519 public key.
    pub public_key: Vec<u8>,
    /// The PKCS #8 private key, sealed; of a retired key the public one, sealed.
    pub sealed: Vec<u8>,
    /// What it does; one key at most is active, and one next.
    pub state: KeyState,
    /// Milliseconds.
    pub created_at: i64,
    /// Since when it signs or has signed, in milliseconds.
    pub active_at: Option<i64>,
    /// Until when it signed, in milliseconds.
    pub retired_at: Option<i64>,
    /// No token that it signed ends later; milliseconds.
    pub covers_until: i64,
}

/// A key under which secrets are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKey {
    /// Named by what is sealed under it.
    pub id: Uuid,
    /// The key, encrypted under the master key.
    pub wrapped: Vec<u8>,
    /// Milliseconds.
    pub created_at: i64,
}

/// A data key wrapped anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrapping {
    /// Which.
    pub id: Uuid,
    /// As it was.
    pub before: Vec<u8>,
    /// As it is to be.
    pub after: Vec<u8>,
}

/// One step of all signing keys: next to active, active to retired, and a new next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The key that signs until now.
    pub active: String,
    /// What is kept sealed of it: the private half goes.
    pub active_sealed: Vec<u8>,
    /// The key that signs from now on.
    pub next: String,
    /// The one after that.
    pub new_next: SigningKey,
}

impl Platform {
    /// All signing keys, oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let query = signing_keys::Entity::find()
            .order_by_asc(signing_keys::Column::CreatedAt)
            .order_by_asc(signing_keys::Column::Kid);
        query.all(&self.inner.db).await?.into_iter().map(SigningKey::try_from).collect()
    }

    /// Keeps a new key, active or next, if there is none in its state yet (two nodes may start at once), and moves the
    /// epoch then; gives the one that is there.
    pub async fn ensure_signing_key(&self, key: &SigningKey) -> Result<SigningKey, StoreError> {
        let tx = self.inner.begin_write().await?;
        // The index on the state decides; who comes second waits for the first and then inserts nothing.
        let inserted = signing_keys::Entity::insert(row_of(key)?.into_active_model().reset_all())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .try_insert()
            .exec_without_returning(&tx.db)
            .await?;
        let state = word("state", key.state)?;
        let there = signing_keys::Entity::find()
            .filter(signing_keys::COLUMN.state.eq(state))
            .one(&tx.db)
            .await?
            .ok_or_else(|| {
                unreadable("signing_keys", "no key in this state, and the new key's id is taken")
            })?;
        if matches!(inserted, sea_orm::TryInsertResult::Inserted(rows) if rows > 0) {
            tx.commit_configuration().await?;
        } else {
            tx.commit().await?;
        }
        there.try_into()
    }

    /// Carries out a rotation and moves the epoch. `false`, and nothing has changed, when its keys are not the active
    /// and the next one any more. Event `signing-key.rotated` of the key that signs now.
    pub async fn rotate_signing_keys(
        &self,
        rotation: &Rotation,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let retired = signing_keys::Entity::update_many()
            .col_expr(signing_keys::Column::State, Expr::value(word("state", KeyState::Retired)?))
            .col_expr(signing_keys::Column::Sealed, Expr::value(rotation.active_sealed.clone()))
            .col_expr(signing_keys::Column::RetiredAt, Expr::value(tx.now))
            .filter(signing_keys::COLUMN.kid.eq(rotation.active.as_str()))
            .filter(signing_keys::COLUMN.state.eq(ACTIVE))
            .exec(&tx.db)
            .await?;
        if retired.rows_affected == 0 {
            return Ok(false);
        }
        let promoted = signing_keys::Entity::update_many()
            .col_expr(signing_keys::Column::State, Expr::value(ACTIVE))
            .col_expr(signing_keys::Column::ActiveAt, Expr::value(tx.now))
            .filter(signing_keys::COLUMN.kid.eq(rotation.next.as_str()))
            .filter(signing_keys::COLUMN.state.eq(word("state", KeyState::Next)?))
            .exec(&tx.db)
            .await?;
        if promoted.rows_affected == 0 {
            return Ok(false);
        }
        insert(&tx, &rotation.new_next).await?;
        let facts = json!({ "retired": rotation.active, "next": rotation.new_next.kid });
        tx.record(event("signing-key.rotated", "SigningKey", rotation.next.clone(), facts), context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }

    /// Seals a key anew, unless it has changed meanwhile. Nothing that is cached depends on it, so the epoch stays.
    pub async fn reseal_signing_key(
        &self,
        kid: &str,
        before: &[u8],
        after: &[u8],
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let changed = signing_keys::Entity::update_many()
            .col_expr(signing_keys::Column::Sealed, Expr::value(after.to_vec()))
            .filter(signing_keys::COLUMN.kid.eq(kid))
            .filter(signing_keys::Column::Sealed.eq(before.to_vec()))
            .exec(&tx.db)
            .await?;
        tx.commit().await?;
        Ok(changed.rows_affected > 0)
    }

    /// Notes that the active key signs a token that ends then (milliseconds), before it does. `false` when this key is
    /// not the active one any more.
    pub async fn cover_signing_key(&self, kid: &str, until: i64) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let active = || {
            signing_keys::Entity::update_many()
                .filter(signing_keys::COLUMN.kid.eq(kid))
                .filter(signing_keys::COLUMN.state.eq(ACTIVE))
        };
        let raised = active()
            .col_expr(signing_keys::Column::CoversUntil, Expr::value(until))
            .filter(signing_keys::Column::CoversUntil.lt(until))
            .exec(&tx.db)
            .await?;
        if raised.rows_affected > 0 {
            tx.commit().await?;
            return Ok(true);
        }
        // It reaches as far already, or is not active: a write again, so that no rotation passes unseen.
        let there = active()
            .col_expr(signing_keys::Column::CoversUntil, Expr::col(signing_keys::Column::CoversUntil))
            .exec(&tx.db)
            .await?;
        tx.commit().await?;
        Ok(there.rows_affected > 0)
    }

    /// Removes retired keys whose last token has ended, and moves the epoch if there were any; gives their ids.
    pub async fn remove_ended_signing_keys(&self) -> Result<Vec<String>, StoreError> {
        let tx = self.inner.begin_write().await?;
        let ended = signing_keys::Entity::find()
            .filter(signing_keys::COLUMN.state.eq(word("state", KeyState::Retired)?))
            .filter(signing_keys::Column::CoversUntil.lte(tx.now))
            .all(&tx.db)
            .await?;
        let kids: Vec<String> = ended.into_iter().map(|row| row.kid).collect();
        if kids.is_empty() {
            return Ok(kids);
        }
        let kid = signing_keys::Column::Kid.is_in(kids.iter().map(String::as_str));
        signing_keys::Entity::delete_many().filter(kid).exec(&tx.db).await?;
        tx.commit_configuration().await?;
        Ok(kids)
    }

    /// How many tokens hang on each key that are neither revoked nor expired, by key id; of keys with none nothing.
    pub async fn live_tokens_by_key(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let tx = self.inner.begin_read().await?;
        let sql = match self.inner.backend {
            Backend::Postgres => {
                "SELECT key_id, CAST(SUM(tokens) AS bigint) AS tokens FROM live_tokens_by_key($1) GROUP BY key_id"
            }
            // One database, no row-level security: each tenant's rows are counted, none are shown.
            Backend::Sqlite => {
                "SELECT credentials.kid AS key_id, COUNT(*) AS tokens \
                 FROM tenants JOIN credentials ON credentials.tenant_id = tenants.id \
                 WHERE credentials.kid IS NOT NULL AND credentials.revoked_at IS NULL AND credentials.expires_at > ?1 \
                 GROUP BY credentials.kid"
            }
        };
        limit_statements(&tx.db, self.inner.backend).await?;
        let backend = tx.db.get_database_backend();
        let rows = tx.db.query_all_raw(Statement::from_sql_and_values(backend, sql, [tx.now.into()])).await?;
        let mut counts = BTreeMap::new();
        for row in rows {
            let tokens: i64 = row.try_get("", "tokens")?;
            counts.insert(row.try_get("", "key_id")?, u64::try_from(tokens).unwrap_or_default());
        }
        tx.commit().await?;
        Ok(counts)
    }

    /// All data keys, oldest first.
    pub async fn data_keys(&self) -> Result<Vec<DataKey>, StoreError> {
        Ok(data_keys_of(&self.inner.db).await?)
    }

    /// Keeps the first data key, if there is none yet; gives the oldest that is there.
    pub async fn ensure_data_key(&self, key: &DataKey) -> Result<DataKey, StoreError> {
        let tx = self.inner.begin_write().await?;
        lock_keys(&tx).await?;
        if let Some(first) = data_keys_of(&tx.db).await?.into_iter().next() {
            return Ok(first);
        }
        insert_data_key(&tx, key).await?;
        tx.commit().await?;
        Ok(key.clone())
    }

    /// Puts data keys that were wrapped anew in place: all, or none and `false` when one is not as it was, or there is
    /// one more. Whoever has them open keeps them, so the epoch stays. Event `data-key.rewrapped` of each that is wrapped
    /// otherwise now.
    pub async fn rewrap_data_keys(
        &self,
        all: &[Rewrapping],
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        lock_keys(&tx).await?;
        if data_keys_of(&tx.db).await?.len() != all.len() {
            return Ok(false);
        }
        for one in all {
            let changed = data_keys::Entity::update_many()
                .col_expr(data_keys::Column::Wrapped, Expr::value(one.after.clone()))
                .filter(data_keys::COLUMN.id.eq(one.id))
                .filter(data_keys::Column::Wrapped.eq(one.before.clone()))
                .exec(&tx.db)
                .await?;
            if changed.rows_affected == 0 {
                return Ok(false);
            }
            if one.after != one.before {
                let rewrapped = event("data-key.rewrapped", "DataKey", one.id.to_string(), json!({}));
                tx.record(rewrapped, context).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Removes all keys, puts these in their place and moves the epoch: no token that was ever issued verifies then,
    /// and nothing that was sealed opens. Event `keys.replaced` of the new data key.
    pub async fn replace_all_keys(
        &self,
        data_key: &DataKey,
        signing: &[SigningKey],
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        lock_keys(&tx).await?;
        signing_keys::Entity::delete_many().exec(&tx.db).await?;
        data_keys::Entity::delete_many().exec(&tx.db).await?;
        insert_data_key(&tx, data_key).await?;
        for key in signing {
            insert(&tx, key).await?;
        }
        let kids: Vec<&str> = signing.iter().map(|key| key.kid.as_str()).collect();
        let facts = json!({ "signingKeys": kids });
        tx.record(event("keys.replaced", "DataKey", data_key.id.to_string(), facts), context).await?;
        tx.commit_configuration().await
    }
}

/// What is told of keys is what was done, and to which: never a key. They have no versions.
fn event(event: &'static str, object_type: &'static str, id: String, payload: serde_json::Value) -> Event {
    Event { event, object_type, object_id: id, object_version: 1, live_delta: None, payload: payload.into() }
}

/// Whoever makes or changes data keys waits here for others who do. SQLite has one writer anyway.
async fn lock_keys(tx: &PlatformTx) -> Result<(), StoreError> {
    epochs::Entity::find_by_id(CONFIGURATION.to_owned()).lock_exclusive().one(&tx.db).await?;
    Ok(())
}

async fn data_keys_of<C: ConnectionTrait>(db: &C) -> Result<Vec<DataKey>, sea_orm::DbErr> {
    let query = data_keys::Entity::find()
        .order_by_asc(data_keys::Column::CreatedAt)
        .order_by_asc(data_keys::Column::Id);
    let rows = query.all(db).await?.into_iter();
    Ok(rows.map(|data_keys::Model { id, wrapped, created_at }| DataKey { id, wrapped, created_at }).collect())
}

async fn insert_data_key(tx: &PlatformTx, key: &DataKey) -> Result<(), StoreError> {
    let DataKey { id, wrapped, created_at } = key.clone();
    let row = data_keys::Model { id, wrapped, created_at };
    data_keys::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(&tx.db).await?;
    Ok(())
}

async fn insert(tx: &PlatformTx, key: &SigningKey) -> Result<(), StoreError> {
    let row = row_of(key)?.into_active_model().reset_all();
    signing_keys::Entity::insert(row).exec_without_returning(&tx.db).await?;
    Ok(())
}

fn row_of(key: &SigningKey) -> Result<signing_keys::Model, StoreError> {
    Ok(signing_keys::Model {
        kid: key.kid.clone(),
        public_key: key.public_key.clone(),
        sealed: key.sealed.clone(),
        state: word("state", key.state)?,
        created_at: key.created_at,
        active_at: key.active_at,
        retired_at: key.retired_at,
        covers_until: key.covers_until,
    })
}

impl TryFrom<signing_keys::Model> for SigningKey {
    type Error = StoreError;

    fn try_from(row: signing_keys::Model) -> Result<Self, StoreError> {
        Ok(Self {
            kid: row.kid,
            public_key: row.public_key,
            sealed: row.sealed,
            state: words::value("state", row.state)?,
            created_at: row.created_at,
            active_at: row.active_at,
            retired_at: row.retired_at,
            covers_until: row.covers_until,
        })
    }
}
