//! One-time links by which somebody chooses a password: the first one, or a new one when it is forgotten.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use store::{
    AdminId, ChangeContext,
    admins::{Admin, invitations::Invitation},
};

use super::{NewPerson, PeopleError, directory::taken};
use crate::{TokenService, passwords, sealing};

/// How long an invitation is good. Milliseconds.
pub const INVITED_FOR: i64 = 7 * 86_400_000;
/// Longest secret that is looked at, in bytes; ours have 43.
const LONGEST: usize = 64;

/// An invitation that was just made: the only time that its secret exists.
pub struct Invited {
    /// For whom.
    pub admin: Admin,
    /// What stands in the link: 256 random bits in base64url.
    pub secret: SecretString,
    /// Milliseconds.
    pub expires_at: i64,
}

impl Invited {
    /// The link, on this origin.
    #[must_use]
    pub fn link(&self, public_url: &url::Url) -> SecretString {
        let origin = public_url.origin().ascii_serialization();
        format!("{origin}/console/invitation/{}", self.secret.expose_secret()).into()
    }
}

fn digest(secret: &SecretString) -> Vec<u8> {
    // 256 random bits cannot be guessed however fast they are tried: a fast hash is enough.
    Sha256::digest(secret.expose_secret().as_bytes()).to_vec()
}

fn generate() -> Result<SecretString, PeopleError> {
    let bytes = sealing::random_key();
    let bytes = bytes.ok_or_else(|| PeopleError::Broken("the system gives no random numbers".into()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(&bytes[..]).into())
}

impl TokenService {
    /// Keeps somebody who chooses a password by a link.
    pub async fn invite(&self, new: NewPerson, context: &ChangeContext) -> Result<Invited, PeopleError> {
        let (secret, now) = (generate()?, self.inner.store.now());
        let (admin, expires_at) = (new.row(now)?, now.saturating_add(INVITED_FOR));
        let platform = self.inner.store.platform();
        let kept = platform.create_invited_admin(&admin, &digest(&secret), expires_at, context).await;
        kept.map_err(taken(&admin.email))?;
        Ok(Invited { admin, secret, expires_at })
    }

    /// A new link for somebody who is there, in the place of an earlier one. Their password works until they choose
    /// another one.
    pub async fn invite_again(&self, id: AdminId, context: &ChangeContext) -> Result<Invited, PeopleError> {
        let admin = self.person(id).await?;
        let (secret, expires_at) = (generate()?, self.inner.store.now().saturating_add(INVITED_FOR));
        let platform = self.inner.store.platform();
        if !platform.invite_admin(id, &digest(&secret), expires_at, context).await? {
            return Err(PeopleError::Unknown);
        }
        Ok(Invited { admin, secret, expires_at })
    }

    /// Whose invitation this is; `None`: it was used, has expired, or never was. Changes nothing.
    pub async fn invitation(
        &self,
        secret: &SecretString,
    ) -> Result<Option<(Invitation, Admin)>, PeopleError> {
        if secret.expose_secret().len() > LONGEST {
            return Ok(None);
        }
        let platform = self.inner.store.platform();
        let Some(invitation) = platform.invitation(&digest(secret)).await? else { return Ok(None) };
        Ok(platform.admin_by_id(invitation.admin).await?.map(|admin| (invitation, admin)))
    }

    /// The password is chosen; the link is used up, and all sessions of the person end. [`PeopleError::Unknown`] when the
    /// link is no longer good.
    pub async fn accept_invitation(
        &self,
        secret: &SecretString,
        password: SecretString,
        cause: &str,
    ) -> Result<Admin, PeopleError> {
        let (_, admin) = self.invitation(secret).await?.ok_or(PeopleError::Unknown)?;
        let hash = passwords::choose(password, &[&admin.email]).await?;
        let platform = self.inner.store.platform();
        platform.accept_invitation(&digest(secret), &hash, cause).await?.ok_or(PeopleError::Unknown)
    }
}
