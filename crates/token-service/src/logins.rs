//! From a user name or a client id to its credential, before the tenant is known.

use scim_core::profile::CredentialKind;
use store::{CredentialId, StoreError, TenantId, credentials::Credential, logins::Login};

use crate::{TokenService, basic::USERNAME_LENGTH};

impl TokenService {
    /// The credential of a login, where it is of this kind and has a secret. What nobody has costs the same reads, so
    /// that time does not tell it either.
    pub(crate) async fn by_login(
        &self,
        login: &str,
        kind: CredentialKind,
    ) -> Result<Option<(TenantId, Credential)>, StoreError> {
        let store = &self.inner.store;
        // Nobody has a name with control characters in it, and PostgreSQL takes no NUL.
        let fits = login.chars().count() <= USERNAME_LENGTH && !login.contains(char::is_control);
        let found = store.platform().login(if fits { login } else { "" }).await?;
        let nobody = Login { tenant: TenantId::generate(), credential: CredentialId::generate() };
        let Login { tenant, credential } = found.unwrap_or(nobody);
        let credential = store.tenant(tenant).credential(credential).await?;
        let usable =
            credential.filter(|credential| credential.kind == kind && credential.secret_hash.is_some());
        Ok(usable.map(|credential| (tenant, credential)))
    }
}
