//! Links with which somebody without an account sets a tenant up: made, exchanged for a session, and used for one
//! credential. The secrets of a link and of a session are 256 random bits; only their SHA-256 is kept (they cannot be
//! guessed, so a fast hash is enough, as with OAuth clients).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use store::{
    AdminId, ChangeContext, SetupLinkId, StoreError, TenantId,
    setup_links::{MOST_LIVE, SetupGuest, SetupLink},
};

use crate::{
    IssuedBasic, NewBasic, NewToken, TokenService,
    basic::Prepared,
    service::{IssueError, Issued},
};

/// A link opens its page for so long, in milliseconds.
pub const LINK_LIFETIME: i64 = 7 * 86_400_000;
/// A session that it was exchanged for ends after so long, in milliseconds.
pub const SESSION_LIFETIME: i64 = 12 * 3_600_000;
/// Longest note of a link, in characters.
const NOTE_LENGTH: usize = 100;
/// Characters of a secret: 32 bytes in base64url.
const SECRET_LENGTH: usize = 43;

/// A link that was just made: the only time that its secret exists.
pub struct IssuedLink {
    /// 43 characters of base64url.
    pub secret: SecretString,
    /// What is kept of it.
    pub link: SetupLink,
}

/// A session that was just begun: the only time that its secret exists.
pub struct SetupSession {
    /// For the cookie: 43 characters of base64url.
    pub secret: SecretString,
    /// Whose.
    pub guest: SetupGuest,
}

impl TokenService {
    /// Makes a link to the set-up page of an active tenant, for whoever the note says (up to 100 characters). It dies
    /// with its issuer. Whether they may is for the caller to ask.
    pub async fn create_setup_link(
        &self,
        tenant: TenantId,
        issuer: AdminId,
        note: &str,
        context: &ChangeContext,
    ) -> Result<IssuedLink, IssueError> {
        let note = note.trim();
        if note.chars().count() > NOTE_LENGTH || note.contains(char::is_control) {
            return Err(IssueError::Unfit(format!(
                "note: write up to {NOTE_LENGTH} characters in one line, such as a name"
            )));
        }
        let secret = secret();
        let now = self.inner.store.now();
        let link = SetupLink {
            id: SetupLinkId::generate(),
            note: note.to_owned(),
            issuer,
            issuer_name: context.actor.name.clone(),
            created_at: now,
            expires_at: now + LINK_LIFETIME,
            revoked_at: None,
            openings: 0,
            opened_at: None,
            credential: None,
            used_at: None,
        };
        let scope = self.inner.store.tenant(tenant);
        if scope.create_setup_link(&link, &digest(secret.expose_secret()), context).await? {
            Ok(IssuedLink { secret, link })
        } else {
            Err(IssueError::Unfit(format!(
                "note: this tenant has {MOST_LIVE} links that work; revoke those that nobody needs"
            )))
        }
    }

    /// The tenant's links, newest first: those that live, and those that have ended in the last month.
    pub async fn setup_links(&self, tenant: TenantId) -> Result<Vec<SetupLink>, StoreError> {
        self.inner.store.tenant(tenant).setup_links().await
    }

    /// Revokes a link with its sessions, at once on every node. `false` when there is none or it is revoked.
    pub async fn revoke_setup_link(
        &self,
        tenant: TenantId,
        id: SetupLinkId,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        self.inner.store.tenant(tenant).revoke_setup_link(id, context).await
    }

    /// The link of a secret, if it opens something now. Changes nothing: whoever scans mail for links may ask.
    pub async fn setup_link(&self, secret: &str) -> Result<Option<SetupGuest>, StoreError> {
        if !is_secret(secret) {
            return Ok(None);
        }
        self.inner.store.platform().setup_link(&digest(secret)).await
    }

    /// Exchanges a link for a session; `cause` is the request's id.
    pub async fn enter_setup(&self, link: &str, cause: &str) -> Result<Option<SetupSession>, StoreError> {
        if !is_secret(link) {
            return Ok(None);
        }
        let secret = secret();
        let ends_at = self.inner.store.now() + SESSION_LIFETIME;
        let (link, session) = (digest(link), digest(secret.expose_secret()));
        let guest = self.inner.store.platform().open_setup_link(&link, &session, ends_at, cause).await?;
        Ok(guest.map(|guest| SetupSession { secret, guest }))
    }

    /// Whose session this is, if it and its link are still good.
    pub async fn setup_guest(&self, session: &str) -> Result<Option<SetupGuest>, StoreError> {
        if !is_secret(session) {
            return Ok(None);
        }
        self.inner.store.platform().setup_guest(&digest(session)).await
    }

    /// Ends a session.
    pub async fn leave_setup(&self, session: &str) -> Result<(), StoreError> {
        self.inner.store.platform().leave_setup(&digest(session)).await
    }

    /// Makes the one token of a link, as [`TokenService::issue`] does. `None` when it has made one already or opens
    /// nothing any more.
    pub async fn issue_by_link(
        &self,
        guest: &SetupGuest,
        new: NewToken,
        context: &ChangeContext,
    ) -> Result<Option<Issued>, IssueError> {
        let now = self.inner.store.now();
        let (token, credential) = self.prepare(guest.tenant, &new, now, context).await?;
        let scope = self.inner.store.tenant(guest.tenant);
        match scope.create_credential_by_link(guest.link.id, &credential, context).await {
            Ok(made) => Ok(made.then_some(Issued { token, credential })),
            Err(StoreError::Conflict { .. }) => Err(IssueError::Taken(format!(
                "name: a token named {:?} exists; choose another name",
                credential.name
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the one user name of a link, as [`TokenService::create_basic`] does. `None` when it has made one already or
    /// opens nothing any more.
    pub async fn create_basic_by_link(
        &self,
        guest: &SetupGuest,
        new: NewBasic,
        context: &ChangeContext,
    ) -> Result<Option<IssuedBasic>, IssueError> {
        let Prepared { password, credential } = self.prepare_basic(guest.tenant, &new, context).await?;
        let scope = self.inner.store.tenant(guest.tenant);
        match scope.create_credential_by_link(guest.link.id, &credential, context).await {
            Ok(made) => Ok(made.then_some(IssuedBasic { password, credential })),
            Err(error) => Err(new.refused(error, &credential)),
        }
    }
}

fn secret() -> SecretString {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()).into()
}

/// Might it be one of ours? Nothing is looked up for anything else.
fn is_secret(text: &str) -> bool {
    text.len() == SECRET_LENGTH
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
#[path = "setup_links_tests.rs"]
mod tests;
