//! A new token in the place of one that lives: the old one goes on for a while, so that nobody is shut out meanwhile.

use scim_core::profile::CredentialKind;
use store::{ChangeContext, CredentialId, TenantId, credentials::Credential};

use crate::{
    NewToken, TokenService,
    service::{IssueError, Issued},
};

/// A token that took the place of another one.
pub struct Rotated {
    /// The new one: same name, scope, user and lifetime.
    pub issued: Issued,
    /// The old one as it is now, with its end.
    pub old: Credential,
}

impl TokenService {
    /// Makes a token of the same name, scope, networks and lifetime (less where less is allowed by now), bound to the same user. The old one ends after `grace`
    /// (milliseconds; 0: at once), or when it would have ended anyway.
    pub async fn rotate(
        &self,
        tenant: TenantId,
        id: CredentialId,
        grace: i64,
        context: &ChangeContext,
    ) -> Result<Rotated, IssueError> {
        let scope = self.inner.store.tenant(tenant);
        let unfit = |text: String| IssueError::Unfit(text);
        let old = scope.credential(id).await?.filter(|old| old.kind == CredentialKind::Bearer);
        let old = old.ok_or_else(|| unfit("token: this tenant has no such token".into()))?;
        let now = self.inner.store.now();
        can_rotate(&old, now).map_err(unfit)?;

        let longest = self.longest_of(tenant).await?.lifetime.millis();
        let lifetime = old.expires_at.unwrap_or(now).saturating_sub(old.created_at).min(longest);
        let new = NewToken {
            name: old.name.clone(),
            scope: old.scope.clone(),
            expires_at: now.saturating_add(lifetime),
            user: old.user,
            allowed_from: old.allowed_from.clone(),
        };
        let (token, mut credential) = self.prepare(tenant, &new, now, context).await?;
        let ends_at = now.saturating_add(grace.max(0));
        match scope.rotate_credential(id, ends_at, &credential, context).await? {
            Some(old) => {
                credential.allowed_from.clone_from(&old.allowed_from);
                Ok(Rotated { issued: Issued { token, credential }, old })
            }
            None => Err(unfit(format!(
                "token: somebody else has changed {:?} meanwhile; look at the list and try again",
                old.name
            ))),
        }
    }
}

fn can_rotate(old: &Credential, now: i64) -> Result<(), String> {
    let name = &old.name;
    if old.revoked_at.is_some() {
        return Err(format!("token: {name:?} was revoked; make a new one"));
    }
    if old.expires_at.is_some_and(|at| at <= now) {
        return Err(format!("token: {name:?} has expired; make a new one"));
    }
    if old.is_federated() {
        return Err(format!(
            "token: {name:?} stands for the identity provider's own tokens, which it renews itself"
        ));
    }
    if old.replaced {
        return Err(format!("token: {name:?} was rotated already; rotate the one that took its place"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
