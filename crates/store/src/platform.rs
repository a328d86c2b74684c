//! What belongs to the installation: its identity and console sessions.

use std::sync::Arc;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::OnConflict};

use crate::{
    StoreError,
    entity::{admin_sessions, installations},
    error::unreadable,
    store::Inner,
};

/// The door to the installation's rows; see also [`crate::tenants`], [`crate::admins`] and [`crate::keys`].
#[derive(Clone)]
pub struct Platform {
    pub(crate) inner: Arc<Inner>,
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

impl From<admin_sessions::Model> for SessionRow {
    fn from(row: admin_sessions::Model) -> Self {
        Self { id_hash: row.id_hash, data: row.data, expires_at: row.expires_at }
    }
}
