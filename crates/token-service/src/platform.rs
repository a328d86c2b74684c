//! Tokens of the installation, for the vendor's own application at `/api/v1`: issued, verified, rotated, revoked.
//!
//! They are no tenant's, so nothing that asks for a [`Principal`] can be handed one: [`TokenService::verify`] refuses
//! them, and only [`TokenService::identify`] tells the two kinds of callers apart.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use moka::future::Cache;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use store::{
    ChangeContext, PlatformTokenId, Store, StoreError,
    credentials::AllowedFrom,
    platform_tokens::{PlatformToken, PlatformTokenUse},
};

use crate::{
    Longest, Presented, Principal, Refusal, Sender, TokenService,
    claims::{self, Claims},
    places,
    proofs::Fingerprint,
    scopes,
    service::{HINT_LENGTH, Inner, IssueError, REMEMBERED, check_name},
    uses,
};

/// Verified tokens kept in memory; an installation has a handful.
const CACHED: u64 = 1_000;

/// A token of the installation to be made.
#[derive(Clone, Debug)]
pub struct NewPlatformToken {
    /// For people, 1 to 100 characters.
    pub name: String,
    /// Blank-separated scopes, each of [`crate::scopes::PLATFORM`].
    pub scope: String,
    /// Milliseconds; later than now, at most ten years (3653 days) ahead. Cut to a whole second.
    pub expires_at: i64,
    /// Where it may come from.
    pub allowed_from: AllowedFrom,
}

/// A token that was just made: the only time that its text exists.
pub struct IssuedPlatformToken {
    /// `rcl_` + JWT.
    pub token: SecretString,
    /// What is kept of it.
    pub kept: PlatformToken,
}

/// A token that took the place of another one.
pub struct RotatedPlatformToken {
    /// The new one: same name, scope and lifetime.
    pub issued: IssuedPlatformToken,
    /// The old one as it is now, with its end.
    pub old: PlatformToken,
}

/// The vendor's application, by its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformPrincipal {
    /// Token.
    pub token: PlatformTokenId,
    /// Its name.
    pub name: String,
    /// Blank-separated scopes.
    pub scope: String,
}

impl PlatformPrincipal {
    /// Holds the scope?
    #[must_use]
    pub fn may(&self, scope: &str) -> bool {
        scopes::holds(&self.scope, scope)
    }

    /// May it hand out these scopes, in a token that it makes or rotates? Nobody gives what they do not have; the error
    /// is for a person.
    pub fn may_give(&self, scope: &str) -> Result<(), String> {
        match scope.split_ascii_whitespace().find(|wanted| !self.may(wanted)) {
            None => Ok(()),
            Some(wanted) => {
                let shown: String = wanted.chars().take(40).collect();
                Err(format!(
                    "scope: {shown:?} is not held by your own token, so it cannot give it to another one"
                ))
            }
        }
    }
}

/// Who is calling where both kinds of callers are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A tenant's credential.
    Tenant(Principal),
    /// A token of the installation.
    Platform(PlatformPrincipal),
}

/// What is kept in memory of these tokens.
pub(crate) struct PlatformTokens {
    verified: Cache<Fingerprint, Verified>,
    uses: Mutex<HashMap<PlatformTokenId, PlatformTokenUse>>,
}

impl Default for PlatformTokens {
    fn default() -> Self {
        let verified = Cache::builder().max_capacity(CACHED).time_to_live(REMEMBERED).build();
        Self { verified, uses: Mutex::default() }
    }
}

/// A verification that may be repeated from memory.
#[derive(Clone)]
struct Verified {
    principal: PlatformPrincipal,
    allowed_from: AllowedFrom,
    /// The store's epoch, read before the row was.
    epoch: u64,
    /// Milliseconds.
    expires_at: i64,
}

impl TokenService {
    /// Makes a token of the installation.
    pub async fn issue_platform(
        &self,
        new: NewPlatformToken,
        context: &ChangeContext,
    ) -> Result<IssuedPlatformToken, IssueError> {
        let issued = self.prepare_platform(new, self.inner.store.now(), context).await?;
        match self.inner.store.platform().create_platform_token(&issued.kept, context).await {
            Ok(()) => Ok(issued),
            Err(StoreError::Conflict { .. }) => Err(IssueError::Taken(format!(
                "name: a platform token named {:?} exists; revoke it first, or choose another name",
                issued.kept.name
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// A token and the row that is still to be kept of it.
    async fn prepare_platform(
        &self,
        new: NewPlatformToken,
        now: i64,
        context: &ChangeContext,
    ) -> Result<IssuedPlatformToken, IssueError> {
        let mut kept = check_new(new, now, self.longest(None)).map_err(IssueError::Unfit)?;
        kept.created_by.clone_from(&context.actor.name);
        let Inner { installation, keys, .. } = &*self.inner;
        let claims = Claims {
            iss: *installation,
            aud: *installation,
            sub: kept.id.0,
            jti: kept.id.0,
            tenant: None,
            iat: now.div_euclid(1000),
            nbf: None,
            exp: kept.expires_at.div_euclid(1000),
            scope: kept.scope.clone(),
        };
        let token = keys.sign(&claims).await?.token;
        kept.hint = token.chars().skip(token.len().saturating_sub(HINT_LENGTH)).collect();
        Ok(IssuedPlatformToken { token: token.into(), kept })
    }

    /// Makes a token of the same name, scope and lifetime. The old one ends after `grace` (milliseconds; 0: at once), or
    /// when it would have ended anyway.
    pub async fn rotate_platform(
        &self,
        id: PlatformTokenId,
        grace: i64,
        context: &ChangeContext,
    ) -> Result<RotatedPlatformToken, IssueError> {
        let platform = self.inner.store.platform();
        let unfit = |text: String| IssueError::Unfit(text);
        let old = platform.platform_token(id).await?;
        let old = old.ok_or_else(|| unfit("token: there is no such platform token".into()))?;
        let now = self.inner.store.now();
        can_rotate(&old, now).map_err(unfit)?;
        let lifetime =
            old.expires_at.saturating_sub(old.created_at).min(self.longest(None).lifetime.millis());
        let new = NewPlatformToken {
            name: old.name.clone(),
            scope: old.scope.clone(),
            expires_at: now.saturating_add(lifetime),
            allowed_from: old.allowed_from.clone(),
        };
        let mut issued = self.prepare_platform(new, now, context).await?;
        let ends_at = now.saturating_add(grace.max(0));
        match platform.rotate_platform_token(id, ends_at, &issued.kept, context).await? {
            Some(old) => {
                issued.kept.allowed_from.clone_from(&old.allowed_from);
                Ok(RotatedPlatformToken { issued, old })
            }
            None => Err(unfit(format!(
                "token: somebody else has changed {:?} meanwhile; look at the list and try again",
                old.name
            ))),
        }
    }

    /// The installation's tokens, newest first.
    pub async fn platform_tokens(&self) -> Result<Vec<PlatformToken>, StoreError> {
        self.inner.store.platform().platform_tokens().await
    }

    /// Revokes; refused at once on this node, within 1 s on others. `false` when there is none or it is revoked.
    pub async fn revoke_platform(
        &self,
        id: PlatformTokenId,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        self.inner.store.platform().revoke_platform_token(id, context).await
    }

    /// Says anew where a token may come from, on this node at once, within 1 s on others. Gives it as it is now; the error
    /// is for a person.
    pub async fn allow_platform_from(
        &self,
        id: PlatformTokenId,
        allowed: &AllowedFrom,
        context: &ChangeContext,
    ) -> Result<PlatformToken, IssueError> {
        let allowed = places::check(allowed).map_err(IssueError::Unfit)?;
        let changed = self.inner.store.platform().allow_platform_token_from(id, &allowed, context).await?;
        changed.ok_or_else(|| {
            IssueError::Unfit("token: it was revoked, or there is no such one; look at the list".into())
        })
    }

    /// Finds out who calls where tokens of tenants and of the installation are let in.
    pub async fn identify(&self, presented: &Presented, sender: &Sender) -> Result<Caller, Refusal> {
        let Presented::Bearer(token) = presented else {
            return self.verify_from(presented, sender).await.map(Caller::Tenant);
        };
        let token = token.expose_secret();
        let fingerprint: Fingerprint = Sha256::digest(token.as_bytes()).into();
        // Read before the row: a change after this makes the entry worthless.
        let epoch = self.inner.store.epoch();
        let verified = match self.inner.remembered_platform(&fingerprint, epoch).await {
            Some(verified) => verified,
            None => match self.verify_from(presented, sender).await {
                Ok(principal) => return Ok(Caller::Tenant(principal)),
                Err(Refusal::OfPlatform) => {
                    let verified = self.inner.look_up_platform(token, epoch).await?;
                    self.inner.platform.verified.insert(fingerprint, verified.clone()).await;
                    verified
                }
                Err(refusal) => return Err(refusal),
            },
        };
        let place = self.inner.places.of(&verified.allowed_from, verified.principal.token.0, sender).await;
        place.ok_or(Refusal::PlatformElsewhere)?;
        Ok(Caller::Platform(verified.principal))
    }

    /// Notes a use for the list of tokens; written in batches every few seconds, newest wins.
    pub fn note_platform_use(&self, principal: &PlatformPrincipal, from: &str) {
        let id = principal.token;
        let used = PlatformTokenUse { id, at: self.inner.store.now(), from: uses::origin(from) };
        self.inner.platform.keep(used);
    }
}

impl Inner {
    async fn remembered_platform(&self, fingerprint: &Fingerprint, epoch: u64) -> Option<Verified> {
        let hit = self.platform.verified.get(fingerprint).await?;
        (hit.epoch == epoch && self.store.now() < hit.expires_at).then_some(hit)
    }

    /// Signature first, then the row.
    async fn look_up_platform(&self, token: &str, epoch: u64) -> Result<Verified, Refusal> {
        let now = self.store.now();
        let ring = self.keys.fresh().await;
        let claims = claims::check(token, &ring, self.installation, now)?;
        let row = self.store.platform().platform_token(PlatformTokenId(claims.jti)).await;
        let row = row.map_err(Refusal::Unavailable)?.ok_or(Refusal::Unknown)?;
        if row.revoked_at.is_some() {
            return Err(Refusal::Revoked);
        }
        let expires_at = claims.exp.saturating_mul(1000).min(row.expires_at);
        if expires_at <= now {
            return Err(Refusal::Expired);
        }
        let PlatformToken { id, name, scope, allowed_from, .. } = row;
        let principal = PlatformPrincipal { token: id, name, scope };
        // As for a tenant's tokens: keys from before the epoch, and nobody shall remember what they said.
        let epoch = if ring.is_of(epoch) { epoch } else { 0 };
        Ok(Verified { principal, allowed_from, epoch, expires_at })
    }
}

impl PlatformTokens {
    fn keep(&self, used: PlatformTokenUse) {
        let mut uses = self.lock();
        if uses.get(&used.id).is_none_or(|kept| kept.at <= used.at) {
            uses.insert(used.id, used);
        }
    }

    /// Writes all notes; what could not be written is kept for the next time.
    pub(crate) async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let noted: Vec<_> = std::mem::take(&mut *self.lock()).into_values().collect();
        let outcome = store.platform().note_platform_uses(&noted).await;
        if outcome.is_err() {
            noted.into_iter().for_each(|used| self.keep(used));
        }
        outcome
    }

    /// A panic while the lock was held cannot have broken the map: every change to it is one insert.
    fn lock(&self) -> MutexGuard<'_, HashMap<PlatformTokenId, PlatformTokenUse>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks what was asked for and makes the row of it; `created_by` and `hint` are still empty.
fn check_new(new: NewPlatformToken, now: i64, longest: Longest) -> Result<PlatformToken, String> {
    let name = check_name(&new.name)?;
    // A token counts in seconds; row and token must end at the same instant.
    let expires_at = new.expires_at - new.expires_at.rem_euclid(1000);
    longest.check(expires_at, now).map_err(|error| error.0)?;
    Ok(PlatformToken {
        id: PlatformTokenId::generate(),
        name,
        scope: scopes::check_platform(&new.scope)?,
        hint: String::new(),
        created_at: now,
        created_by: String::new(),
        expires_at,
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        replaced: false,
        allowed_from: places::check(&new.allowed_from)?,
    })
}

fn can_rotate(old: &PlatformToken, now: i64) -> Result<(), String> {
    let name = &old.name;
    if old.revoked_at.is_some() {
        return Err(format!("token: {name:?} was revoked; make a new one"));
    }
    if old.expires_at <= now {
        return Err(format!("token: {name:?} has expired; make a new one"));
    }
    if old.replaced {
        return Err(format!("token: {name:?} was rotated already; rotate the one that took its place"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "platform_tests.rs"]
mod tests;
