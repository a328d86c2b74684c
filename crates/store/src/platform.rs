//! What belongs to the installation: its identity.

use std::sync::Arc;

use sea_orm::EntityTrait;

use crate::{StoreError, entity::installations, error::unreadable, store::Inner};

/// The door to the installation's rows; see also [`crate::tenants`], [`crate::admins`] and [`crate::keys`].
#[derive(Clone)]
pub struct Platform {
    pub(crate) inner: Arc<Inner>,
}

impl Platform {
    /// The installation's id, made by the first migration; `iss` of its tokens.
    pub async fn installation_id(&self) -> Result<uuid::Uuid, StoreError> {
        let row = installations::Entity::find().one(&self.inner.db).await?;
        Ok(row.ok_or_else(|| unreadable("installation", "the row is missing"))?.id)
    }
}
