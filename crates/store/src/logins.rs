//! User names of credentials: unique on the platform, and found before the tenant is known.

use scim_core::fold;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

use crate::{
    CredentialId, Platform, StoreError, TenantId, credentials::Credential, entity::logins, tx::TenantTx,
};

/// To whom a user name belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// Tenant.
    pub tenant: TenantId,
    /// Its credential; whether it still opens anything stands in its own row.
    pub credential: CredentialId,
}

impl Platform {
    /// The owner of a user name, compared folded. An expired credential has it until another one takes it.
    pub async fn login(&self, name: &str) -> Result<Option<Login>, StoreError> {
        let row = logins::Entity::find_by_id(fold(name)).one(&self.inner.db).await?;
        Ok(row.map(|row| Login { tenant: TenantId(row.tenant), credential: CredentialId(row.credential_id) }))
    }
}

impl TenantTx {
    /// Takes the login of a credential that was just made, if it has one, from nobody or from an expired credential of
    /// any tenant. [`StoreError::Conflict`] on `login`.
    pub(crate) async fn take_login(&self, credential: &Credential) -> Result<(), StoreError> {
        let Some(login) = &credential.login else { return Ok(()) };
        let key = fold(login);
        logins::Entity::delete_many()
            .filter(logins::COLUMN.login_key.eq(key.as_str()))
            .filter(logins::Column::ExpiresAt.lte(self.now))
            .exec(&self.db)
            .await?;
        let row = logins::ActiveModel {
            login_key: Set(key),
            tenant: Set(self.tenant),
            credential_id: Set(credential.id.0),
            expires_at: Set(credential.expires_at),
        };
        logins::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(())
    }

    /// Gives the login of a credential away, unless another one has it already.
    pub(crate) async fn give_login_away(&self, credential: &Credential) -> Result<(), StoreError> {
        let Some(login) = &credential.login else { return Ok(()) };
        logins::Entity::delete_many()
            .filter(logins::COLUMN.login_key.eq(fold(login)))
            .filter(logins::COLUMN.tenant.eq(self.tenant))
            .filter(logins::COLUMN.credential_id.eq(credential.id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
