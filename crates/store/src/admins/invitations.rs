//! Links by which somebody chooses a password; known here by the digest of their secret alone.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use serde_json::json;

use super::{Admin, changes, event, insert, touched};
use crate::{
    Actor, ActorKind, AdminId, ChangeContext, Platform, StoreError, entity::admin_invitations, tx::PlatformTx,
};

/// An invitation as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Whose password it lets one choose.
    pub admin: AdminId,
    /// Who made it: the actor's name.
    pub created_by: String,
    /// Milliseconds.
    pub expires_at: i64,
}

impl Platform {
    /// Keeps somebody new with an invitation. [`StoreError::Conflict`] on `email`. Events `admin.created` and
    /// `admin.invited`.
    pub async fn create_invited_admin(
        &self,
        admin: &Admin,
        secret_hash: &[u8],
        expires_at: i64,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        insert(&tx, admin, context).await?;
        put(&tx, admin, 1, secret_hash, expires_at, context).await?;
        tx.commit().await
    }

    /// Puts an invitation in the place of the one that somebody had, if any. `false`: there is no such person. Event
    /// `admin.invited`.
    pub async fn invite_admin(
        &self,
        id: AdminId,
        secret_hash: &[u8],
        expires_at: i64,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let Some((admin, version)) = touched(&tx, id).await? else { return Ok(false) };
        put(&tx, &admin, version, secret_hash, expires_at, context).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// An invitation that has not expired, by the digest of its secret.
    pub async fn invitation(&self, secret_hash: &[u8]) -> Result<Option<Invitation>, StoreError> {
        let query = admin_invitations::Entity::find()
            .filter(admin_invitations::Column::SecretHash.eq(secret_hash.to_vec()))
            .filter(admin_invitations::Column::ExpiresAt.gt((self.inner.clock)()));
        let row = query.one(&self.inner.db).await?;
        Ok(row.map(|row| Invitation {
            admin: AdminId(row.admin_id),
            created_by: row.created_by,
            expires_at: row.expires_at,
        }))
    }

    /// Takes an invitation, once: the password is kept, all sessions of the person end, and the epoch moves. `None`: it
    /// was taken, or has expired. Event `admin.password-changed` by the person.
    pub async fn accept_invitation(
        &self,
        secret_hash: &[u8],
        password_hash: &str,
        cause: &str,
    ) -> Result<Option<Admin>, StoreError> {
        let Some(invitation) = self.invitation(secret_hash).await? else { return Ok(None) };
        let tx = self.inner.begin_write().await?;
        let taken = admin_invitations::Entity::delete_many()
            .filter(admin_invitations::Column::SecretHash.eq(secret_hash.to_vec()))
            .filter(admin_invitations::Column::ExpiresAt.gt(tx.now))
            .exec(&tx.db)
            .await?;
        if taken.rows_affected == 0 {
            return Ok(None);
        }
        let Some((admin, version)) = touched(&tx, invitation.admin).await? else { return Ok(None) };
        changes::set_password(&tx, admin.id, password_hash, None).await?;
        let actor = Actor { kind: ActorKind::Admin, id: admin.id.to_string(), name: admin.email.clone() };
        let context = ChangeContext { actor, cause: cause.to_owned() };
        let facts = json!({ "invitedBy": invitation.created_by });
        tx.record(event("admin.password-changed", &admin, version, facts), &context).await?;
        tx.commit_configuration().await?;
        Ok(Some(Admin { password_hash: password_hash.to_owned(), ..admin }))
    }
}

async fn put(
    tx: &PlatformTx,
    admin: &Admin,
    version: i64,
    secret_hash: &[u8],
    expires_at: i64,
    context: &ChangeContext,
) -> Result<(), StoreError> {
    admin_invitations::Entity::delete_by_id(admin.id.0).exec(&tx.db).await?;
    let row = admin_invitations::ActiveModel {
        admin_id: Set(admin.id.0),
        secret_hash: Set(secret_hash.to_vec()),
        created_at: Set(tx.now),
        created_by: Set(context.actor.name.clone()),
        expires_at: Set(expires_at),
    };
    admin_invitations::Entity::insert(row).exec_without_returning(&tx.db).await?;
    tx.record(event("admin.invited", admin, version, json!({ "expiresAt": expires_at })), context).await
}
