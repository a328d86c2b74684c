//! People of the console: who they are, how they prove it, and how they come in the first place.
//!
//! The console, the command line and `/api/v1` go over these functions alone.

mod directory;
mod factor;
mod invitations;

pub use directory::{NewPerson, check_person};
pub use factor::{Enrolment, Passed};
pub use invitations::{INVITED_FOR, Invited};

use scim_core::timestamp;
use secrecy::SecretString;
use store::{
    AdminId, ChangeContext, StoreError,
    admins::{Admin, Outcome},
};

use crate::{
    TokenService,
    passwords::{self, PasswordError},
    vault::VaultError,
};

/// Why something about a person was not done.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// What was given does not fit; the text is for a person and begins with the field.
    #[error("{0}")]
    Unfit(String),
    /// Somebody has it already; the text is for a person and begins with the field.
    #[error("{0}")]
    Taken(String),
    /// There is no such person.
    #[error("person: there is no such person; look at the list")]
    Unknown,
    /// Nobody could look after the installation any more.
    #[error(
        "role: this is the last operator who can sign in, so nothing was changed; make another operator first, who has chosen \
         a password"
    )]
    LastOperator,
    /// Their own password is not that.
    #[error("password: that is not your password")]
    WrongPassword,
    /// The code is wrong, or was used already.
    #[error(
        "code: this code is wrong or was used already; wait for the next one, and see that the phone's clock is right"
    )]
    WrongCode,
    /// Too many wrong codes; none is looked at before this instant (milliseconds). Recovery codes are.
    #[error(
        "code: too many codes were wrong; wait until {}, or use a recovery code",
        timestamp::to_rfc3339(*.0).get(11..16).unwrap_or_default().to_owned() + " UTC"
    )]
    Locked(i64),
    /// There is no second factor, or one already.
    #[error("{0}")]
    Factor(&'static str),
    /// Too many passwords are being checked: try again.
    #[error("too many passwords are being checked at once; try again in a few seconds")]
    Busy,
    /// A fault of ours.
    #[error("{0}")]
    Broken(String),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PasswordError> for PeopleError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Unfit(text) => Self::Unfit(text),
            PasswordError::Busy => Self::Busy,
            PasswordError::Broken => Self::Broken(error.to_string()),
        }
    }
}

impl From<VaultError> for PeopleError {
    fn from(error: VaultError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// What an outcome of the store means.
fn done(outcome: Outcome) -> Result<Admin, PeopleError> {
    match outcome {
        Outcome::Done(admin) => Ok(admin),
        Outcome::Unknown => Err(PeopleError::Unknown),
        Outcome::LastOperator => Err(PeopleError::LastOperator),
    }
}

impl TokenService {
    /// Is this the password of a person? `None` (no such person) and one who has none cost the same as a wrong one.
    pub async fn is_password_of(
        &self,
        admin: Option<&Admin>,
        password: SecretString,
    ) -> Result<bool, PasswordError> {
        let hash = admin.map(|admin| admin.password_hash.clone()).filter(|hash| !hash.is_empty());
        passwords::verify(password, hash).await
    }

    /// A person changes their own password: all their other sessions end. `keep` is the digest of the present one.
    pub async fn change_password(
        &self,
        admin: &Admin,
        old: SecretString,
        new: SecretString,
        keep: Option<&[u8]>,
        context: &ChangeContext,
    ) -> Result<(), PeopleError> {
        if !self.is_password_of(Some(admin), old).await? {
            return Err(PeopleError::WrongPassword);
        }
        let hash = passwords::choose(new, &[&admin.email]).await?;
        let platform = self.inner.store.platform();
        // Of two changes at once the later one knew a password that was not that any more.
        let kept = platform.set_admin_password(admin.id, &admin.password_hash, &hash, keep, context).await?;
        if kept { Ok(()) } else { Err(PeopleError::WrongPassword) }
    }

    async fn person(&self, id: AdminId) -> Result<Admin, PeopleError> {
        self.inner.store.platform().admin_by_id(id).await?.ok_or(PeopleError::Unknown)
    }
}

#[cfg(test)]
#[path = "people/people_tests.rs"]
mod tests;
