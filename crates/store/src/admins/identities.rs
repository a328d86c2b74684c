//! Who somebody is at the OpenID provider: issuer and subject, which never change, unlike an e-mail address.

use sea_orm::{EntityTrait, Set};
use serde_json::json;

use super::{Admin, event, insert, touched};
use crate::{AdminId, ChangeContext, Platform, StoreError, entity::admin_identities, tx::PlatformTx};

impl Platform {
    /// Who has this subject of this issuer.
    pub async fn admin_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Admin>, StoreError> {
        let key = (issuer.to_owned(), subject.to_owned());
        match admin_identities::Entity::find_by_id(key).one(&self.inner.db).await? {
            Some(row) => self.admin_by_id(AdminId(row.admin_id)).await,
            None => Ok(None),
        }
    }

    /// Binds a subject of an issuer to somebody who has none of it. [`StoreError::Conflict`] on `identity` when they have
    /// another one, or somebody else has this one. Event `admin.identity-bound`.
    pub async fn bind_identity(
        &self,
        id: AdminId,
        issuer: &str,
        subject: &str,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let Some((admin, version)) = touched(&tx, id).await? else { return Ok(()) };
        put(&tx, &admin, version, issuer, subject, context).await?;
        tx.commit().await
    }

    /// Keeps somebody new who is known to the issuer. [`StoreError::Conflict`] on `email` or `identity`. Events
    /// `admin.created` and `admin.identity-bound`.
    pub async fn create_admin_of_issuer(
        &self,
        admin: &Admin,
        issuer: &str,
        subject: &str,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        insert(&tx, admin, context).await?;
        put(&tx, admin, 1, issuer, subject, context).await?;
        tx.commit().await
    }
}

async fn put(
    tx: &PlatformTx,
    admin: &Admin,
    version: i64,
    issuer: &str,
    subject: &str,
    context: &ChangeContext,
) -> Result<(), StoreError> {
    let row = admin_identities::ActiveModel {
        issuer: Set(issuer.to_owned()),
        subject: Set(subject.to_owned()),
        admin_id: Set(admin.id.0),
        created_at: Set(tx.now),
    };
    admin_identities::Entity::insert(row).exec_without_returning(&tx.db).await?;
    let facts = json!({ "issuer": issuer, "subject": subject });
    tx.record(event("admin.identity-bound", admin, version, facts), context).await
}
