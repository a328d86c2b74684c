//! What belongs to the installation: its identity, admins, console sessions, signing keys.

use std::sync::Arc;

use scim_core::fold;
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set, sea_query::OnConflict,
};

use crate::{
    AdminId, StoreError,
    entity::{admin_sessions, admins, installations, signing_keys},
    error::unreadable,
    store::Inner,
};

/// State of the key that signs.
const ACTIVE: &str = "active";

/// The door to the installation's rows; see also [`crate::tenants`].
#[derive(Clone)]
pub struct Platform {
    pub(crate) inner: Arc<Inner>,
}

/// A person who signs in to the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Id.
    pub id: AdminId,
    /// As written; unique folded.
    pub email: String,
    /// argon2id PHC string.
    pub password_hash: String,
    /// `operator` (later also `manager`, `auditor`).
    pub role: String,
    /// Milliseconds.
    pub created_at: i64,
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

    /// Keeps a new admin. [`StoreError::Conflict`] on `email`.
    pub async fn create_admin(&self, admin: &Admin) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let row = admins::ActiveModel {
            id: Set(admin.id.0),
            email: Set(admin.email.clone()),
            email_key: Set(fold(&admin.email)),
            password_hash: Set(admin.password_hash.clone()),
            role: Set(admin.role.clone()),
            created_at: Set(admin.created_at),
        };
        admins::Entity::insert(row).exec_without_returning(&tx.db).await?;
        tx.commit().await
    }

    /// By e-mail, compared folded.
    pub async fn admin_by_email(&self, email: &str) -> Result<Option<Admin>, StoreError> {
        let query = admins::Entity::find().filter(admins::COLUMN.email_key.eq(fold(email)));
        Ok(query.one(&self.inner.db).await?.map(Admin::from))
    }

    /// By id.
    pub async fn admin_by_id(&self, id: AdminId) -> Result<Option<Admin>, StoreError> {
        Ok(admins::Entity::find_by_id(id.0).one(&self.inner.db).await?.map(Admin::from))
    }

    /// Number of admins.
    pub async fn admin_count(&self) -> Result<u64, StoreError> {
        Ok(admins::Entity::find().count(&self.inner.db).await?)
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

impl From<admins::Model> for Admin {
    fn from(row: admins::Model) -> Self {
        Self {
            id: AdminId(row.id),
            email: row.email,
            password_hash: row.password_hash,
            role: row.role,
            created_at: row.created_at,
        }
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
