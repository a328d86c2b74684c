//! What belongs to the installation: its identity, console sessions, signing keys.

use std::sync::Arc;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set, sea_query::OnConflict};

use crate::{
    StoreError,
    entity::{admin_sessions, installations, signing_keys},
    error::unreadable,
    store::Inner,
};

/// State of the key that signs.
const ACTIVE: &str = "active";

/// The door to the installation's rows; see also [`crate::tenants`] and [`crate::admins`].
#[derive(Clone)]
pub struct Platform {
    pub(crate) inner: Arc<Inner>,
}

/// A key that signs tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Key id, in the token's header.
    pub kid: String,
    /// Raw 32-byte Ed25519 public key.
    pub public_key: Vec<u8>,
    /// PKCS #8 private key, encrypted under the master key.
    pub private_key_encrypted: Vec<u8>,
    /// `active`, `next` or `retired`.
    pub state: String,
    /// Milliseconds.
    pub created_at: i64,
}

/// A console session as kept; `id_hash` is a digest of the cookie's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Digest of the session id.
    pub id_hash: Vec<u8>,
    /// JSON.
    pub data: String,
    /// Milliseconds.
    pub expires_at: i64,
}

impl Platform {
    /// The installation's id, made by the first migration; `iss` of its tokens.
    pub async fn installation_id(&self) -> Result<uuid::Uuid, StoreError> {
        let row = installations::Entity::find().one(&self.inner.db).await?;
        Ok(row.ok_or_else(|| unreadable("installation", "the row is missing"))?.id)
    }

    /// All signing keys, oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let query = signing_keys::Entity::find()
            .order_by_asc(signing_keys::Column::CreatedAt)
            .order_by_asc(signing_keys::Column::Kid);
        Ok(query.all(&self.inner.db).await?.into_iter().map(SigningKey::from).collect())
    }

    /// Keeps a new key if there is none in state `active` yet (two nodes may start at once); gives the active one.
    pub async fn ensure_signing_key(&self, key: &SigningKey) -> Result<SigningKey, StoreError> {
        let tx = self.inner.begin_write().await?;
        let row = signing_keys::ActiveModel {
            kid: Set(key.kid.clone()),
            public_key: Set(key.public_key.clone()),
            private_key_encrypted: Set(key.private_key_encrypted.clone()),
            state: Set(ACTIVE.to_owned()),
            created_at: Set(key.created_at),
        };
        // The index on the active key decides; who comes second waits for the first and then inserts nothing.
        signing_keys::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .try_insert()
            .exec_without_returning(&tx.db)
            .await?;
        let active = signing_keys::Entity::find()
            .filter(signing_keys::COLUMN.state.eq(ACTIVE))
            .one(&tx.db)
            .await?
            .ok_or_else(|| unreadable("signing_keys", "no active key, and the new key's id is taken"))?;
        tx.commit().await?;
        Ok(active.into())
    }

    /// Inserts or replaces a session.
    pub async fn save_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let row = admin_sessions::ActiveModel {
            id_hash: Set(session.id_hash.clone()),
            data: Set(session.data.clone()),
            expires_at: Set(session.expires_at),
        };
        let replace = OnConflict::column(admin_sessions::Column::IdHash)
            .update_columns([admin_sessions::Column::Data, admin_sessions::Column::ExpiresAt])
            .to_owned();
        admin_sessions::Entity::insert(row).on_conflict(replace).exec_without_returning(&tx.db).await?;
        tx.commit().await
    }

    /// A session that has not expired.
    pub async fn session(&self, id_hash: &[u8]) -> Result<Option<SessionRow>, StoreError> {
        let query = admin_sessions::Entity::find_by_id(id_hash.to_vec())
            .filter(admin_sessions::Column::ExpiresAt.gt((self.inner.clock)()));
        Ok(query.one(&self.inner.db).await?.map(SessionRow::from))
    }

    /// Ends a session.
    pub async fn delete_session(&self, id_hash: &[u8]) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        admin_sessions::Entity::delete_by_id(id_hash.to_vec()).exec(&tx.db).await?;
        tx.commit().await
    }

    /// Removes expired sessions; gives their number.
    pub async fn delete_expired_sessions(&self) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        let expired = admin_sessions::Column::ExpiresAt.lte(tx.now);
        let gone = admin_sessions::Entity::delete_many().filter(expired).exec(&tx.db).await?;
        tx.commit().await?;
        Ok(gone.rows_affected)
    }
}

impl From<signing_keys::Model> for SigningKey {
    fn from(row: signing_keys::Model) -> Self {
        Self {
            kid: row.kid,
            public_key: row.public_key,
            private_key_encrypted: row.private_key_encrypted,
            state: row.state,
            created_at: row.created_at,
        }
    }
}

impl From<admin_sessions::Model> for SessionRow {
    fn from(row: admin_sessions::Model) -> Self {
        Self { id_hash: row.id_hash, data: row.data, expires_at: row.expires_at }
    }
}
