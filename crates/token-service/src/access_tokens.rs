//! Access tokens of OAuth clients (RFC 6749 §4.4): issued, revoked before their end, forgotten after it.
//!
//! They are verified the way of all tokens, but have no row of their own: one is good as long as its client is, unless it
//! stands among the revoked ones.

use std::{fmt, str::FromStr, time::Duration};

use secrecy::SecretString;
use store::{
    Actor, ActorKind, ChangeContext, StoreError,
    revoked_tokens::{Outcome, Token},
};
use uuid::Uuid;

use crate::{
    Client, TokenService,
    claims::{self, Claims},
    expiry, scopes,
};

/// Tenants that are looked at in one piece.
const TENANTS: u64 = 200;

/// How long access tokens live: five minutes to 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessLifetime(Duration);

impl AccessLifetime {
    const LEAST: Duration = Duration::from_secs(5 * 60);
    const MOST: Duration = Duration::from_secs(24 * 3600);
}

impl Default for AccessLifetime {
    /// One hour.
    fn default() -> Self {
        Self(Duration::from_secs(3600))
    }
}

impl FromStr for AccessLifetime {
    type Err = String;

    /// As people write it: `1h`, `15min`.
    fn from_str(text: &str) -> Result<Self, String> {
        let millis = expiry::duration(text).ok().and_then(|millis| u64::try_from(millis).ok());
        let lifetime = millis.map(Duration::from_millis);
        lifetime
            .filter(|lifetime| (Self::LEAST..=Self::MOST).contains(lifetime))
            .map(Self)
            .ok_or_else(|| "write a time from 5min to 24h, such as 1h or 30min".to_owned())
    }
}

impl fmt::Display for AccessLifetime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}s", self.0.as_secs())
    }
}

/// An access token that was just made: the only time that its text exists.
#[derive(Debug)]
pub struct AccessToken {
    /// `rcl_` + JWT.
    pub token: SecretString,
    /// Seconds that it lives.
    pub expires_in: i64,
    /// Blank-separated scopes.
    pub scope: String,
}

/// Why an access token cannot be issued.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The client asks for more than it may; the text is for the person who set it up.
    #[error("{0}")]
    Scope(String),
    /// The signing key cannot sign.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a token is not revoked (RFC 7009 §2.2.1).
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// A token that a person made: it is revoked where it was made.
    #[error("the token is a long-lived one")]
    LongLived,
    /// Another client's.
    #[error("the token was issued to another client")]
    OfAnother,
    /// The tenant has revoked too many in the last hours.
    #[error("too many tokens of the tenant are revoked already")]
    Full,
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenService {
    /// Issues an access token to a client. `scope` (blank-separated) is a part of the client's own, or `None`: all of it.
    /// Costs no write, but for the note of a signing key's last token about once an hour.
    pub async fn issue_access_token(
        &self,
        client: &Client,
        scope: Option<&str>,
        lifetime: AccessLifetime,
    ) -> Result<AccessToken, AccessError> {
        let scope = narrowed(scope, &client.principal.scope).map_err(AccessError::Scope)?;
        let now = self.inner.store.now();
        let lifetime = i64::try_from(lifetime.0.as_millis()).unwrap_or(i64::MAX);
        let exp = now.saturating_add(lifetime).min(client.expires_at).div_euclid(1000);
        let claims = Claims {
            iss: self.inner.installation,
            aud: self.inner.installation,
            sub: client.principal.credential.0,
            jti: Uuid::now_v7(),
            tenant: Some(client.principal.tenant.0),
            iat: now.div_euclid(1000),
            nbf: None,
            exp,
            scope: scope.clone(),
        };
        let signed = self.inner.keys.sign(&claims).await?;
        let expires_in = exp.saturating_sub(now.div_euclid(1000));
        Ok(AccessToken { token: signed.token.into(), expires_in, scope })
    }

    /// Revokes an access token of this client (RFC 7009): refused at once on this node, within 1 s on others. Of one that
    /// is unknown, malformed or has ended there is nothing to revoke, which is no error. `cause` is the request's id.
    pub async fn revoke_access_token(
        &self,
        client: &Client,
        token: &str,
        cause: &str,
    ) -> Result<(), RevokeError> {
        let inner = &*self.inner;
        let keys = inner.keys.fresh().await;
        let Ok(claims) = claims::check(token, &keys, inner.installation, inner.store.now()) else {
            return Ok(());
        };
        if !claims.is_access_token() {
            return Err(RevokeError::LongLived);
        }
        let principal = &client.principal;
        if claims.tenant != Some(principal.tenant.0) || claims.sub != principal.credential.0 {
            return Err(RevokeError::OfAnother);
        }
        let token = Token {
            id: claims.jti,
            client: principal.credential,
            expires_at: claims.exp.saturating_mul(1000),
        };
        let context = ChangeContext {
            actor: Actor {
                kind: ActorKind::Credential,
                id: principal.credential.to_string(),
                name: principal.name.clone(),
            },
            cause: cause.to_owned(),
        };
        match inner.store.tenant(principal.tenant).revoke_token(&token, &context).await? {
            Outcome::Revoked | Outcome::Already => Ok(()),
            Outcome::Full => Err(RevokeError::Full),
        }
    }

    /// Was the token revoked while its credential was not? Only of access tokens there is anything to ask.
    pub(crate) async fn is_revoked(&self, claims: &Claims) -> Result<bool, StoreError> {
        let Some(tenant) = claims.tenant.filter(|_| claims.is_access_token()) else { return Ok(false) };
        self.inner.store.tenant(store::TenantId(tenant)).is_token_revoked(claims.jti).await
    }

    /// Clears away what is kept of revoked access tokens that have ended since; gives their number. Several nodes may do
    /// so at once, and it may be broken off at any time.
    pub async fn forget_ended_tokens(&self) -> Result<u64, StoreError> {
        let store = &self.inner.store;
        let (mut offset, mut forgotten) = (0, 0);
        loop {
            let page = store.platform().tenants("", offset, TENANTS).await?;
            for tenant in &page.items {
                forgotten += store.tenant(tenant.id).forget_ended_tokens().await?;
            }
            if !page.more {
                return Ok(forgotten);
            }
            offset += TENANTS;
        }
    }
}

/// The scopes that were asked for, or all that are held.
fn narrowed(asked: Option<&str>, held: &str) -> Result<String, String> {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else { return Ok(held.to_owned()) };
    let fits = scopes::check(asked).ok().filter(|asked| scopes::common(asked, held) == *asked);
    fits.ok_or_else(|| {
        format!("This client may ask for {held} and for nothing else. Leave scope out to get all of it.")
    })
}

#[cfg(test)]
#[path = "access_tokens_tests.rs"]
mod tests;
