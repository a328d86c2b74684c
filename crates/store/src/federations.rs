//! Credentials that are proven by the signature of a tenant's identity provider instead of ours.

use scim_core::profile::CredentialKind;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use uuid::Uuid;

use crate::{
    ChangeContext, CredentialId, Platform, StoreError, TenantScope,
    credentials::Credential,
    entity::{credentials, federations},
    logins::Login,
    record::Event,
    tx::TenantTx,
    words::word,
};

/// Whose tokens a credential takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federation {
    /// `iss` of its tokens, to the letter.
    pub issuer: String,
    /// `aud` of its tokens, to the letter.
    pub audience: String,
    /// Id of the customer's directory: `tid` of its tokens.
    pub directory: Uuid,
    /// Where the issuer's keys are (RFC 7517 §5); `None`: where its OpenID configuration says.
    pub keys_url: Option<String>,
}

impl Federation {
    /// The login of its credential: with a colon, so that it is nobody's user name (RFC 7617 §2).
    #[must_use]
    pub fn login(&self) -> String {
        login(self.directory)
    }
}

fn login(directory: Uuid) -> String {
    format!("directory:{directory}")
}

impl Credential {
    /// Is it proven by the signature of an identity provider? Such a token is none of ours: it can be neither rotated
    /// nor shown.
    #[must_use]
    pub fn is_federated(&self) -> bool {
        self.kind == CredentialKind::Bearer && self.login.is_some()
    }
}

impl Platform {
    /// The credential that takes the tokens of a directory; whether it still opens anything stands in its own row.
    pub async fn directory(&self, directory: Uuid) -> Result<Option<Login>, StoreError> {
        self.login(&login(directory)).await
    }
}

impl TenantScope {
    /// Keeps a credential whose login is [`Federation::login`], revokes those that the tenant had for its identity
    /// provider until now, and moves the epoch. [`StoreError::Conflict`] on `login` when the directory is another
    /// tenant's, or on `name`. Events `credential.created` and `credential.revoked`.
    pub async fn set_federation(
        &self,
        credential: &Credential,
        federation: &Federation,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.write().await?;
        let mut events = tx.revoke_federated().await?;
        events.push(tx.add_credential(credential).await?);
        let row = federations::ActiveModel {
            tenant_id: Set(tx.tenant),
            credential_id: Set(credential.id.0),
            issuer: Set(federation.issuer.clone()),
            audience: Set(federation.audience.clone()),
            directory: Set(federation.directory),
            keys_url: Set(federation.keys_url.clone()),
        };
        federations::Entity::insert(row).exec_without_returning(&tx.db).await?;
        tx.record(events, context).await?;
        tx.commit_configuration().await
    }

    /// Revokes what the tenant has for its identity provider's tokens, and moves the epoch. `false` when there is
    /// none. Event `credential.revoked`.
    pub async fn remove_federation(&self, context: &ChangeContext) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let events = tx.revoke_federated().await?;
        if events.is_empty() {
            return Ok(false);
        }
        tx.record(events, context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }

    /// A credential, in any state, with whose tokens it takes; `None` when there is none or it takes ours.
    pub async fn federation(&self, id: CredentialId) -> Result<Option<(Credential, Federation)>, StoreError> {
        let tx = self.read().await?;
        let row = federations::Entity::find_by_id((tx.tenant, id.0)).one(&tx.db).await?;
        let credential = credentials::Entity::find_by_id((tx.tenant, id.0)).one(&tx.db).await?;
        row.zip(credential).map(pair).transpose()
    }

    /// The one that is not revoked, be it expired; `None` when there is none.
    pub async fn current_federation(&self) -> Result<Option<(Credential, Federation)>, StoreError> {
        let tx = self.read().await?;
        let Some(credential) = tx.federated().await?.into_iter().next() else { return Ok(None) };
        let row = federations::Entity::find_by_id((tx.tenant, credential.id)).one(&tx.db).await?;
        row.map(|row| pair((row, credential))).transpose()
    }
}

fn pair(
    (row, credential): (federations::Model, credentials::Model),
) -> Result<(Credential, Federation), StoreError> {
    let federations::Model { issuer, audience, directory, keys_url, .. } = row;
    Ok((Credential::try_from(credential)?, Federation { issuer, audience, directory, keys_url }))
}

impl TenantTx {
    /// Federated credentials that are not revoked, newest first.
    async fn federated(&self) -> Result<Vec<credentials::Model>, StoreError> {
        let query = credentials::Entity::find()
            .filter(credentials::COLUMN.tenant_id.eq(self.tenant))
            .filter(credentials::COLUMN.kind.eq(word("kind", CredentialKind::Bearer)?))
            .filter(credentials::Column::Login.is_not_null())
            .filter(credentials::Column::RevokedAt.is_null())
            .order_by_desc(credentials::Column::CreatedAt)
            .order_by_desc(credentials::Column::Id);
        Ok(query.all(&self.db).await?)
    }

    async fn revoke_federated(&self) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        for row in self.federated().await? {
            events.extend(self.revoke(CredentialId(row.id)).await?);
        }
        Ok(events)
    }
}
