//! When the master key is lost: what that means, and the way out.

use scim_core::profile::CredentialKind;
use store::{ChangeContext, Store, StoreError, TenantId};

use crate::{
    MasterKey,
    keys::{self, KeyRing},
    master_key::MasterKeyError,
    vault::{self, Vault},
};

/// Tenants read at a time.
const PAGE: u64 = 500;

/// The one text for it: `serve` refuses with it, `doctor` shows it.
pub(crate) fn explained(what: &str) -> MasterKeyError {
    MasterKeyError(format!(
        "The master key is not the one that this database's secrets were encrypted under: {what} does not open. Without \
         it the keys that sign tokens cannot be read, so no token can be made or checked, and neither can any other \
         sealed secret. User names with passwords and the data of tenants do not depend on it. What to do: restore the \
         former ROLLCALL_MASTER_KEY, or the former file master.key in the data folder, from a backup. If it was changed \
         on purpose, set ROLLCALL_FORMER_MASTER_KEY to the former one and run `rollcall key rewrap`. If it is lost for \
         good, `rollcall key replace --lost-master-key` makes new keys: every token that was ever issued ends with that."
    ))
}

/// What was done about a lost master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Tokens of tenants that were live and are revoked now.
    pub tokens: u64,
    /// Tenants that had some.
    pub tenants: u64,
}

/// Why keys were not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The master key opens everything.
    #[error(
        "the master key opens the keys of this database: nothing is lost, and nothing was changed. To sign with a new \
         key run `rollcall key rotate`"
    )]
    NothingLost,
    /// New keys cannot be made.
    #[error(transparent)]
    Keys(#[from] MasterKeyError),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes new keys under this master key in the place of those that it does not open. All tokens that were ever issued
/// end: those of tenants are revoked first, so that lists tell the truth. Broken off, it can be called again.
pub async fn replace_keys(
    store: &Store,
    master: &MasterKey,
    context: &ChangeContext,
) -> Result<Replaced, ReplaceError> {
    let platform = store.platform();
    let (data_keys, signing_keys) = (platform.data_keys().await?, platform.signing_keys().await?);
    let opens = Vault::of(&data_keys, master)
        .is_ok_and(|vault| signing_keys.iter().all(|row| keys::open(row, &vault).is_ok()));
    if opens {
        return Err(ReplaceError::NothingLost);
    }
    let replaced = revoke_all(store, context).await?;
    let now = store.now();
    let data_key = vault::generate(master, now)?;
    let vault = Vault::of(std::slice::from_ref(&data_key), master)?;
    let signing = KeyRing::first_keys(&vault, now)?;
    platform.replace_all_keys(&data_key, &signing, context).await?;
    tracing::warn!(
        tokens = replaced.tokens,
        actor = context.actor.name,
        "the keys of a lost master key were replaced; all tokens have ended"
    );
    Ok(replaced)
}

async fn revoke_all(store: &Store, context: &ChangeContext) -> Result<Replaced, StoreError> {
    let mut replaced = Replaced { tokens: 0, tenants: 0 };
    let mut offset = 0;
    loop {
        let page = store.platform().tenants("", offset, PAGE).await?;
        for tenant in &page.items {
            let tokens = revoke_of(store, tenant.id, context).await?;
            replaced.tokens += tokens;
            replaced.tenants += u64::from(tokens > 0);
        }
        offset += PAGE;
        if !page.more {
            return Ok(replaced);
        }
    }
}

async fn revoke_of(store: &Store, tenant: TenantId, context: &ChangeContext) -> Result<u64, StoreError> {
    let (scope, now, mut revoked) = (store.tenant(tenant), store.now(), 0);
    for credential in scope.credentials().await? {
        let live = credential.revoked_at.is_none() && credential.expires_at.is_none_or(|at| at > now);
        if credential.kind == CredentialKind::Bearer && live {
            revoked += u64::from(scope.revoke_credential(credential.id, context).await?);
        }
    }
    Ok(revoked)
}
