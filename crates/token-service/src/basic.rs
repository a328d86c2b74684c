//! User names with passwords (RFC 7617): made, and checked.

use scim_core::profile::CredentialKind;
use secrecy::{ExposeSecret, SecretString};
use store::{
    ChangeContext, CredentialId, StoreError, TenantId,
    credentials::{AllowedFrom, Credential},
};

use crate::{
    Longest, Refusal, TokenService,
    passwords::{self, PasswordError},
    places,
    proofs::Unproven,
    scopes,
    service::{IssueError, check_name},
    verified::{Checked, Verified},
};

/// Longest user name, in characters.
pub(crate) const USERNAME_LENGTH: usize = 100;

/// A user name to be made; its password is generated.
#[derive(Clone, Debug)]
pub struct NewBasic {
    /// What the identity provider signs in with: 1 to 100 printable characters without a colon; blanks around it are
    /// cut off. Unique on the platform, whatever the case of its letters.
    pub username: String,
    /// For people, as in [`crate::NewToken`]; `None`: the user name.
    pub name: Option<String>,
    /// Blank-separated scopes, each of [`crate::scopes::TENANT`].
    pub scope: String,
    /// Milliseconds; later than now, and not further ahead than [`TokenService::longest`]. `None`: it does not expire, or
    /// as late as it may where somebody has set a limit.
    pub expires_at: Option<i64>,
    /// Where it may come from; at most [`places::MAX_NETWORKS`] networks.
    pub allowed_from: AllowedFrom,
}

/// A user name that was just made: the only time that its password exists.
pub struct IssuedBasic {
    /// 24 letters and digits.
    pub password: SecretString,
    /// What is kept of it.
    pub credential: Credential,
}

/// One that is not kept yet.
pub(crate) struct Prepared {
    pub(crate) password: SecretString,
    pub(crate) credential: Credential,
}

impl NewBasic {
    /// Why its credential was not kept.
    pub(crate) fn refused(&self, error: StoreError, credential: &Credential) -> IssueError {
        match error {
            StoreError::Conflict { attribute } => IssueError::Taken(conflict(attribute, self, credential)),
            error => error.into(),
        }
    }
}

impl TokenService {
    /// Makes a user name with a password. Whether the tenant's profile takes one is for the caller to ask.
    pub async fn create_basic(
        &self,
        tenant: TenantId,
        new: NewBasic,
        context: &ChangeContext,
    ) -> Result<IssuedBasic, IssueError> {
        let Prepared { password, credential } = self.prepare_basic(tenant, &new, context).await?;
        match self.inner.store.tenant(tenant).create_credential(&credential, context).await {
            Ok(()) => Ok(IssuedBasic { password, credential }),
            Err(error) => Err(new.refused(error, &credential)),
        }
    }

    /// A password and the row that is still to be kept of it.
    pub(crate) async fn prepare_basic(
        &self,
        tenant: TenantId,
        new: &NewBasic,
        context: &ChangeContext,
    ) -> Result<Prepared, IssueError> {
        let longest = self.longest_of(tenant).await?;
        let mut credential = check_new(new, self.inner.store.now(), longest).map_err(IssueError::Unfit)?;
        credential.created_by.clone_from(&context.actor.name);
        let password = passwords::generate();
        credential.secret_hash = Some(passwords::hash(password.clone()).await.map_err(unhashed)?);
        Ok(Prepared { password, credential })
    }

    /// Checks a user name and a password, and that the credential is still good. Whoever has no credential is answered
    /// as late as whoever has a wrong password.
    pub(crate) async fn verify_basic(
        &self,
        username: &str,
        password: &SecretString,
    ) -> Result<Checked, Refusal> {
        let inner = &*self.inner;
        let fingerprint = inner.proofs.fingerprint(&["basic", username, password.expose_secret()]);
        // Read before the row: a change after this makes the entry worthless.
        let epoch = inner.store.epoch();
        if let Some(verified) = inner.remembered(&fingerprint, epoch).await {
            return Ok(Checked { verified, cached: true });
        }
        let found = self.by_login(username, CredentialKind::Basic).await.map_err(Refusal::Unavailable)?;
        let credential = found.as_ref().map(|(_, credential)| credential);
        inner.proofs.ask(credential, username, password).await.map_err(refused)?;
        let (tenant, credential) = found.ok_or(Refusal::WrongPassword)?;
        if credential.revoked_at.is_some() {
            return Err(Refusal::Revoked);
        }
        let expires_at = credential.expires_at.unwrap_or(i64::MAX);
        if expires_at <= inner.store.now() {
            return Err(Refusal::Expired);
        }
        let verified = Verified::of(tenant, credential, epoch, expires_at);
        inner.verified.insert(fingerprint, verified.clone()).await;
        Ok(Checked { verified, cached: false })
    }
}

fn refused(unproven: Unproven) -> Refusal {
    match unproven {
        Unproven::Wrong => Refusal::WrongPassword,
        Unproven::Busy => Refusal::Busy,
        Unproven::Broken(id) => Refusal::Unavailable(StoreError::Setup(format!(
            "the password hash of credential {id} cannot be read; revoke it and make another one"
        ))),
    }
}

fn unhashed(error: PasswordError) -> IssueError {
    IssueError::Unfit(match error {
        PasswordError::Busy => "too many passwords are being checked; try again in a few seconds".to_owned(),
        other => other.to_string(),
    })
}

/// Checks what was asked for and makes the row of it; `created_by` and the hash are still empty.
fn check_new(new: &NewBasic, now: i64, longest: Longest) -> Result<Credential, String> {
    let username = new.username.trim();
    let length = username.chars().count();
    let unfit = |ch: char| ch == ':' || ch.is_control();
    if length == 0 || length > USERNAME_LENGTH || username.contains(unfit) {
        return Err(format!(
            "username: use 1 to {USERNAME_LENGTH} printable characters without a colon, such as okta@acme (a colon would \
             end the user name, RFC 7617)"
        ));
    }
    let name = check_name(new.name.as_deref().unwrap_or(username))?;
    let expires_at = new.expires_at.or_else(|| longest.end(now));
    if let Some(expires_at) = expires_at {
        longest.check(expires_at, now).map_err(|error| error.0)?;
    }
    Ok(Credential {
        id: CredentialId::generate(),
        kind: CredentialKind::Basic,
        name,
        scope: scopes::check(&new.scope)?,
        login: Some(username.to_owned()),
        secret_hash: None,
        hint: String::new(),
        created_at: now,
        created_by: String::new(),
        expires_at,
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        user: None,
        replaced: false,
        allowed_from: places::check(&new.allowed_from)?,
        warned_days: None,
        kid: None,
    })
}

fn conflict(attribute: &str, new: &NewBasic, credential: &Credential) -> String {
    let (name, username) = (&credential.name, credential.login.as_deref().unwrap_or_default());
    match attribute {
        "login" => format!(
            "username: {username:?} is in use; a user name is unique among all tenants: revoke the other one, or choose \
             another, such as okta@acme"
        ),
        _ if new.name.is_none() => format!(
            "username: this tenant has a credential named {name:?}; revoke it first, or choose another user name"
        ),
        _ => format!("name: a credential named {name:?} exists; revoke it first, or choose another name"),
    }
}

#[cfg(test)]
#[path = "basic_tests.rs"]
mod tests;
